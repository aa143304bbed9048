// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// The Node.js binding's part of scenario.txt: reads lines, answers each.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { Client, Limiter, TlsError, Op } = require('../../examples/bindings/node/emqxtls.js');

const env = process.env;
let client;
const logs = [];

const status = (s) => `code=OK state=${s.state} type=${s.type} cn=${s.commonName}`;
const material = (cert, key) => ({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
const failed = (e) =>
  `code=${e.code} http=${e.httpStatus} delivery=${e.delivery} api=${e.apiCode} retry=${Number(e.retryAfter !== undefined)}`;
const defaults = () => ({ endpoint: env.EMQXCLOUD_PLATFORM_ENDPOINT, apiKey: env.EMQXCLOUD_PLATFORM_API_KEY,
  apiSecret: env.EMQXCLOUD_PLATFORM_API_SECRET, caFile: env.EMQXTLS_CA_FILE, proxy: '' });

function transport(answer) {
  return ({ url, headers }) => {
    const colon = answer.indexOf(':');
    if (colon < 0 || !url.startsWith('https://') || !headers.Authorization) throw new Error('as told');
    return { status: Number(answer.slice(0, colon)), body: answer.slice(colon + 1) };
  };
}

const RUNNING = '200:{"status":"running"}';
const own = (answer = RUNNING, more = {}) =>
  new Client({ ...defaults(), caFile: undefined, proxy: undefined, transport: transport(answer), ...more });
const works = async (c) => (await c.get('d1')).state === 'RUNNING';

const misuse = {
  async threads() {
    const c = own(); // promises at once
    const all = await Promise.all(Array.from({ length: 8 }, () => works(c)));
    await c.close();
    return all.every(Boolean);
  },
  async callbacks_throw() {
    const c = own(RUNNING, { log: () => { throw new Error('as told'); } });
    return (await works(c)) && c.failure.message === 'as told';
  },
  async dropped_in_done() {
    let c, closed;
    c = own(RUNNING, { log: () => (closed = c.close()) }); // while the call is under way
    if (!(await works(c))) return false;
    await closed;
    return c.get('d1').then(() => false, (e) => e.message.includes('closed'));
  },
  async cancelled_before() {
    const c = own();
    const refused = await c.get('d1', { signal: AbortSignal.abort() }).then(() => false, (e) => e.name === 'AbortError');
    return refused && works(c);
  },
  async cancelled_after() {
    const [c, ending] = [own(), new AbortController()];
    await c.get('d1', { signal: ending.signal });
    ending.abort();
    return works(c);
  },
  async fork() {
    return true; // Node.js has no fork without exec
  },
  async signal() {
    const ending = new AbortController();
    process.once('SIGINT', () => ending.abort());
    const c = own('200:{"status":"terminated"}', { log: () => process.kill(process.pid, 'SIGINT') });
    const folder = path.dirname(env.EMQXTLS_CA_FILE);
    const call = c.ensure('d1', material(`${folder}/one.pem`, `${folder}/one.key`), { wait: 600, signal: ending.signal });
    return call.then(() => false, (e) => e.code === 'CANCELLED');
  },
};

const verbs = {
  async open(...words) {
    const options = Object.fromEntries(words.map((word) => [word.split('=')[0], word.slice(word.indexOf('=') + 1)]));
    const config = defaults();
    logs.length = 0;
    if (options.quota) config.limiter = Limiter.file(options.quota);
    if (options.secret) config.apiSecret = options.secret;
    if (options.endpoint) config.endpoint = options.endpoint;
    if (options.log) config.log = (level, line) => logs.push(line);
    if (options.transport)
      Object.assign(config, { transport: transport(options.transport), caFile: undefined, proxy: undefined });
    client = new Client(config);
    return 'code=OK';
  },
  get: async (id) => status(await client.get(id)),
  create: async (id, cert, key) => status(await client.create(id, material(cert, key))),
  update: async (id, cert, key) => status(await client.update(id, material(cert, key))),
  delete: async (id) => (await client.delete(id), 'code=OK'),
  wait: async (id, seconds) => status(await client.wait(id, Number(seconds))),
  remove: async (id, seconds) => (await client.remove(id, Number(seconds)), 'code=OK'),
  async ensure(id, cert, key, seconds) {
    const r = await client.ensure(id, material(cert, key), { wait: Number(seconds) });
    return `${status(r.status)} action=${r.action} writes=${r.writes} certain=${Number(r.certain)}`;
  },
  async quota(which) {
    const q = client.limiter.query(which === 'READ' ? Op.GET : Op.UPDATE);
    return `code=OK limit=${q.limit} used=${q.used}`;
  },
  async many(count, prefix) {
    const all = await Promise.all(Array.from({ length: Number(count) }, (_, i) => client.get(prefix + i)));
    return `code=OK ok=${all.filter((s) => s.state === 'ABSENT').length}`;
  },
  async cancel(id) {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 300);
    return status(await client.get(id, { signal: ending.signal }));
  },
  logs: async () => `code=OK some=${Number(logs.length > 0)} secret=${Number(
    logs.some((line) => line.includes(env.EMQXCLOUD_PLATFORM_API_SECRET)))}`,
  close: async () => (await client.close(), 'code=OK'),
  misuse: async (name) => `code=OK ok=${Number(await misuse[name]())}`,
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, ...words] = line.trim().split(/\s+/);
    try {
      console.log(await verbs[verb](...words));
    } catch (e) {
      console.log(e instanceof TlsError ? failed(e) : `code=${e.name}_${e.message.replace(/\s/g, '_')}`);
    }
  }
})();
