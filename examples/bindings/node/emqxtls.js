// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// libemqxtls for Node.js, by koffi: every call is a promise and runs on a thread of libuv's pool, one at a time in a client.
//
//     const client = new Client({ endpoint, apiKey, apiSecret, limiter: Limiter.file('/var/lib/renew/quota') });
//     const result = await client.ensure('ge6a1a75', { cert, key }, { wait: 600, signal });
//
// README.md tells of threads, cancellation and secrets. EMQXTLS_LIBRARY: the path of libemqxtls.so.0.
'use strict';
const koffi = require('koffi');

const library = koffi.load(process.env.EMQXTLS_LIBRARY || 'libemqxtls.so.0');
const kinds = { u: 'uint32_t', i: 'int32_t', q: 'int64_t', Q: 'uint64_t', n: 'size_t', s: 'const char *', p: 'void *' };

function struct(name, members) {
  const fields = { size: 'uint32_t' };
  for (const [member, kind] of members.split(' ').map((field) => field.split(':')))
    fields[member] = kinds[kind] || koffi.array('char', Number(kind), 'String');
  return koffi.struct(name, fields);
}

struct('emqx_tls_error', 'code:i http_status:i attempts:u delivery:u permanent:u retry_after_ms:q api_code:64 message:256');
struct('emqx_tls_status', 'state:u type:u reserved:u expire:q state_text:32 type_text:32 expire_text:32 common_name:256');
struct('emqx_tls_request', 'type:u cert:p cert_len:n key:p key_len:n cacert:p cacert_len:n');
struct('emqx_tls_limiter_config', 'flags:u reads:u writes:u window_ms:Q clock:p allocator:p');
struct('emqx_tls_quota', 'limit:u used:u remaining:u next_ms:q reason:u ahead:u');
struct('emqx_tls_ensure_options',
  'flags:u wait_ms:u reserved:u policy:p receipt_dir:s expire_offset_s:i probe_port:u probe_host:s');
struct('emqx_tls_ensure_result',
  'action:u reads:u writes:u certain:u expire_offset_s:i type_changes:u warnings:u warning:256');
struct('emqx_tls_reply',
  'code:i delivery:u http_status:i body:p body_len:n retry_after:s date:s detail:s flags:u reserved:u');
struct('emqx_tls_exchange', 'flags:u method:s url:s headers:p body:p body_len:n connect_timeout_ms:u timeout_ms:u ' +
  'reply_max:n done:p done_user:p');
koffi.opaque('emqx_tls_client');
koffi.opaque('emqx_tls_limiter');
const LOG = koffi.pointer(koffi.proto('void emqx_tls_log_fn(void *user, int32_t level, const char *line)'));
const START = koffi.pointer(koffi.proto('int32_t emqx_tls_start(void *context, emqx_tls_exchange *x, void **handle)'));
const DONE = koffi.proto('void emqx_tls_reply_fn(void *user, emqx_tls_reply *reply)');
kinds.log = LOG;
kinds.start = START;
kinds.vtable = koffi.pointer(struct('emqx_tls_transport',
  'reserved:u context:p start:start poll:p next_ms:p fd:p wake:p cancel:p destroy:p'));
struct('emqx_tls_config', 'flags:u endpoint:s api_key:s api_secret:s ca_file:s proxy:s connect_timeout_ms:u timeout_ms:u ' +
  'quota_wait_ms:u reserved:u limiter:p transport:vtable clock:p allocator:p log:log log_user:p log_destroy:p');

const C = {};
for (const line of `
  const char *code_name(int32_t code)
  const char *version()
  int32_t limiter_new(emqx_tls_limiter_config *c, _Out_ emqx_tls_limiter **l, _Inout_ emqx_tls_error *e)
  int32_t limiter_open_file(const char *path, emqx_tls_limiter_config *c, _Out_ emqx_tls_limiter **l, _Inout_ emqx_tls_error *e)
  int32_t limiter_query(emqx_tls_limiter *l, uint32_t op, const char *id, _Inout_ emqx_tls_quota *q, _Inout_ emqx_tls_error *e)
  void limiter_unref(emqx_tls_limiter *l)
  int32_t client_new(emqx_tls_config *c, _Out_ emqx_tls_client **client, _Inout_ emqx_tls_error *e)
  void client_free(emqx_tls_client *client)
  void client_interrupt(emqx_tls_client *client)
  int32_t client_run(emqx_tls_client *client, int timeout_ms, void *e)
  int32_t get(emqx_tls_client *c, const char *id, _Inout_ emqx_tls_status *s, _Inout_ emqx_tls_error *e)
  int32_t create(emqx_tls_client *c, const char *id, emqx_tls_request *r, _Inout_ emqx_tls_status *s, _Inout_ emqx_tls_error *e)
  int32_t update(emqx_tls_client *c, const char *id, emqx_tls_request *r, _Inout_ emqx_tls_status *s, _Inout_ emqx_tls_error *e)
  int32_t delete(emqx_tls_client *c, const char *id, _Inout_ emqx_tls_error *e)
  int32_t wait(emqx_tls_client *c, const char *id, void *r, uint32_t ms, _Inout_ emqx_tls_status *s, _Inout_ emqx_tls_error *e)
  int32_t remove(emqx_tls_client *c, const char *id, uint32_t ms, _Inout_ emqx_tls_error *e)
  int32_t ensure(emqx_tls_client *c, const char *id, emqx_tls_request *r, emqx_tls_ensure_options *o,
    _Inout_ emqx_tls_ensure_result *result, _Inout_ emqx_tls_status *s, _Inout_ emqx_tls_error *e)`
  .replace(/,\n\s+/g, ', ').trim().split('\n'))
  C[/(\w+)\(/.exec(line)[1]] = library.func(line.trim().replace(/(\w+)\(/, 'emqx_tls_$1('));

// A struct that the library has set up: it knows its size, and this its own.
function fresh(name, members) {
  const init = (fresh[name] ??= library.func(`void emqx_tls_${name}_init_size(_Out_ emqx_tls_${name} *p, size_t size)`));
  const value = {};
  init(value, koffi.sizeof(`emqx_tls_${name}`));
  return Object.assign(value, members);
}

const enumeration = (...names) => (number) => names[number] ?? number; // a newer library may tell more
const State = enumeration('UNKNOWN', 'ABSENT', 'PENDING', 'RUNNING', 'FAILED', 'TERMINATED', 'OTHER');
const Type = enumeration('UNKNOWN', 'ONE_WAY', 'TWO_WAY');
const Delivery = enumeration('MAYBE', 'NOT_SENT', 'ANSWERED');
const Action = enumeration('NONE', 'UNCHANGED', 'CREATED', 'UPDATED');
const Op = { GET: 1, CREATE: 2, UPDATE: 3, DELETE: 4 };
const Flags = { FORCE: 1, ALLOW_EARLIER: 2, DRY_RUN: 4 };
const milliseconds = (seconds) => Math.round(seconds * 1000);

/** How a call failed: `message` names the thing and the mend. */
class TlsError extends Error {
  constructor(e) {
    super(e.message);
    Object.assign(this, { name: 'TlsError', code: C.code_name(e.code), httpStatus: e.http_status, apiCode: e.api_code,
      delivery: Delivery(e.delivery), attempts: e.attempts, permanent: e.permanent !== 0,
      retryAfter: e.retry_after_ms >= 0 ? Number(e.retry_after_ms) / 1000 : undefined });
  }
}

function check(code, error) {
  if (code !== 0) throw new TlsError(error);
}

function status(s) {
  const told = BigInt(s.expire) !== -(2n ** 63n);
  return { state: State(s.state), type: Type(s.type), expire: told ? new Date(Number(s.expire) * 1000) : undefined,
    commonName: s.common_name, stateText: s.state_text, expireText: s.expire_text };
}

// PEM in Buffers is borrowed while the call runs, not copied: yours to wipe.
function request({ cert, key, cacert }) {
  const [c, k, a] = [cert, key, cacert ?? ''].map((pem) => Buffer.from(pem.buffer ?? pem, pem.byteOffset, pem.length));
  return fresh('request', { type: a.length ? 2 : 1, cert: c, cert_len: c.length, key: k, key_len: k.length,
    cacert: a.length ? a : null, cacert_len: a.length });
}

const limiters = new FinalizationRegistry((handle) => C.limiter_unref(handle));

/** A quota, to be shared by the clients of one API key. */
class Limiter {
  constructor(open, { reads = 60, writes = 6, window = 3600 } = {}) {
    const [error, handle] = [fresh('error'), [null]];
    check(open(fresh('limiter_config', { reads, writes, window_ms: milliseconds(window) }), handle, error), error);
    limiters.register(this, (this.handle = handle[0]));
  }
  static memory(limits) {
    return new Limiter(C.limiter_new, limits);
  }
  static file(path, limits) {
    return new Limiter((...rest) => C.limiter_open_file(path, ...rest), limits);
  }
  query(op, deployment = null) {
    const [quota, error] = [fresh('quota'), fresh('error')];
    check(C.limiter_query(this.handle, op, deployment, quota, error), error);
    return { limit: quota.limit, used: quota.used, remaining: quota.remaining, next: Number(quota.next_ms) / 1000 };
  }
}

/**
 * `transport({method, url, headers, body, timeout})` gives {status, body, headers} at once; one that throws may have sent.
 * `log(level, line)`. What they throw is kept in `failure`: it can't go through C, where it would read as 0, OK.
 */
class Client {
  #handle;
  #callbacks = [];
  #last = Promise.resolve();

  constructor({ endpoint, apiKey, apiSecret, caFile, proxy, timeout = 30, quotaWait = 0, flags = 0, limiter, transport, log }) {
    this.limiter = limiter ?? Limiter.memory();
    const [error, handle] = [fresh('error'), [null]];
    const config = fresh('config', { flags, endpoint, api_key: apiKey, api_secret: apiSecret, ca_file: caFile ?? null,
      proxy: proxy ?? null, timeout_ms: milliseconds(timeout), quota_wait_ms: milliseconds(quotaWait),
      limiter: this.limiter.handle });
    if (log) config.log = this.#register((_, level, line) => this.#guard(() => log(level, line)), LOG);
    if (transport) config.transport = fresh('transport', { start: this.#register((_, x) => this.#start(transport, x), START) });
    const code = C.client_new(config, handle, error);
    this.#handle = handle[0];
    if (code !== 0) this.#unregister();
    check(code, error);
  }
  #register(callback, type) {
    this.#callbacks.push(koffi.register(callback, type));
    return this.#callbacks.at(-1);
  }
  #unregister() {
    for (const callback of this.#callbacks.splice(0)) koffi.unregister(callback);
  }
  #guard(callback) {
    try {
      return callback();
    } catch (failure) {
      this.failure = failure;
    }
  }
  #start(transport, address) {
    const x = koffi.decode(address, 'emqx_tls_exchange');
    const answer = this.#guard(() => {
      const headers = {};
      for (let i = 0, line; (line = koffi.decode(x.headers, i * 8, 'const char *')); i++) {
        const colon = line.indexOf(': ');
        headers[line.slice(0, colon)] = line.slice(colon + 2);
      }
      const body = x.body ? Buffer.from(koffi.decode(x.body, 'uint8_t', Number(x.body_len))) : Buffer.alloc(0);
      const { status, body: text = '', headers: told = {} } =
        transport({ method: x.method, url: x.url, headers, body, timeout: x.timeout_ms / 1000 });
      const bytes = Buffer.from(text);
      return { code: 0, delivery: 2, http_status: status, body: bytes, body_len: bytes.length,
        retry_after: told['retry-after'] ?? null, date: told.date ?? null };
    });
    const failed = { code: 5, delivery: 0, http_status: 0, body: null, body_len: 0, retry_after: null, date: null };
    const reply = { size: koffi.sizeof('emqx_tls_reply'), detail: answer ? null : 'the transport has thrown', flags: 0,
      reserved: 0, ...(answer ?? failed) };
    koffi.call(x.done, DONE, x.done_user, koffi.as(reply, 'emqx_tls_reply *'));
    return 0;
  }

  // Runs behind the calls that were made before it. The signal ends it with CANCELLED.
  #call(name, signal, id, ...middle) {
    const run = () => new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (!this.#handle) throw new Error('the client is closed');
      const [told, error] = [fresh('status'), fresh('error')];
      const filled = name === 'delete' || name === 'remove' ? [error] : [told, error];
      const interrupt = () => C.client_interrupt(this.#handle);
      signal?.addEventListener('abort', interrupt);
      C[name].async(this.#handle, id, ...middle, ...filled, (failure, code) => {
        signal?.removeEventListener('abort', interrupt);
        if (signal?.aborted) C.client_run(this.#handle, 0, null); // takes back an interrupt that came too late
        if (failure || code !== 0) reject(failure ?? new TlsError(error));
        else resolve(status(told));
      });
    });
    return (this.#last = this.#last.then(run, run));
  }
  get(id, { signal } = {}) {
    return this.#call('get', signal, id);
  }
  create(id, material, { signal } = {}) {
    return this.#call('create', signal, id, request(material));
  }
  update(id, material, { signal } = {}) {
    return this.#call('update', signal, id, request(material));
  }
  delete(id, { signal } = {}) {
    return this.#call('delete', signal, id);
  }
  wait(id, seconds, { signal } = {}) {
    return this.#call('wait', signal, id, null, milliseconds(seconds));
  }
  remove(id, seconds, { signal } = {}) {
    return this.#call('remove', signal, id, milliseconds(seconds));
  }
  async ensure(id, material, { wait = 0, flags = 0, receiptDir, probeHost, signal } = {}) {
    const r = fresh('ensure_result');
    const options = fresh('ensure_options', { flags, wait_ms: milliseconds(wait), receipt_dir: receiptDir ?? null,
      probe_host: probeHost ?? null });
    const told = await this.#call('ensure', signal, id, request(material), options, r);
    return { action: Action(r.action), reads: r.reads, writes: r.writes, certain: r.certain !== 0, status: told,
      typeChanges: r.type_changes !== 0, warnings: r.warnings, warning: r.warning };
  }
  /** Behind the calls that were made before it. */
  close() {
    const free = () => {
      const handle = this.#handle;
      this.#handle = null;
      if (handle) C.client_free(handle);
      this.#unregister();
    };
    return (this.#last = this.#last.then(free, free));
  }
}

module.exports = { Client, Limiter, TlsError, Op, Flags, version: C.version() };
