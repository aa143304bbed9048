-- Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
--
-- libemqxtls for LuaJIT, by its ffi and the installed emqxtls.ffi.h.
--
--     local client = assert(emqxtls.open{endpoint = e, api_key = k, api_secret = s, limiter = emqxtls.limiter(path)})
--     local result, failure = client:ensure("ge6a1a75", {cert = cert, key = key}, {wait = 600})
--
-- A call gives its value, or nil and a failure: {code, message, delivery, ...}, whose text is the message. README.md tells
-- of threads, cancellation and secrets. EMQXTLS_LIBRARY and EMQXTLS_FFI: where library and header are.
local ffi = require "ffi"

local header = assert(io.open(os.getenv "EMQXTLS_FFI" or "/usr/local/include/emqxtls/emqxtls.ffi.h"))
ffi.cdef(header:read "*a")
header:close()
local C = ffi.load(os.getenv "EMQXTLS_LIBRARY" or "libemqxtls.so.0")

local M = {FORCE = 1, ALLOW_EARLIER = 2, DRY_RUN = 4, GET = 1, CREATE = 2, UPDATE = 3, DELETE = 4}
local states = {[0] = "UNKNOWN", "ABSENT", "PENDING", "RUNNING", "FAILED", "TERMINATED", "OTHER"}
local types = {[0] = "UNKNOWN", "ONE_WAY", "TWO_WAY"}
local deliveries = {[0] = "MAYBE", "NOT_SENT", "ANSWERED"}
local actions = {[0] = "NONE", "UNCHANGED", "CREATED", "UPDATED"}
local SLICE_MS = 100 -- so long a hook for signals may have to wait

-- A struct that the library has set up: it knows its size, and this its own.
local function new(name, members)
  local value = ffi.new("emqx_tls_" .. name)
  C["emqx_tls_" .. name .. "_init_size"](value, ffi.sizeof(value))
  for member, given in pairs(members or {}) do value[member] = given end
  return value
end

local Failure = {__tostring = function(f) return f.message end}

local function failure(e)
  return setmetatable({
    code = ffi.string(C.emqx_tls_code_name(e.code)), message = ffi.string(e.message), api_code = ffi.string(e.api_code),
    delivery = deliveries[e.delivery], http_status = e.http_status, attempts = e.attempts, permanent = e.permanent ~= 0,
    retry_after = e.retry_after_ms >= 0 and tonumber(e.retry_after_ms) / 1000 or nil,
  }, Failure)
end

local function status(s)
  return {
    state = states[s.state] or s.state, type = types[s.type] or s.type, common_name = ffi.string(s.common_name),
    expire = s.expire ~= -0x7fffffffffffffffLL - 1 and tonumber(s.expire) or nil,
    state_text = ffi.string(s.state_text), expire_text = ffi.string(s.expire_text),
  }
end

local function request(r)
  local two_way = r.cacert and #r.cacert > 0
  return new("request", {type = two_way and 2 or 1, cert = r.cert, cert_len = #r.cert, key = r.key, key_len = #r.key,
    cacert = r.cacert, cacert_len = two_way and #r.cacert or 0})
end

-- A quota, to be shared by the clients of one API key: in the file of that path, or nil: in this process's memory.
function M.limiter(path, limits)
  local config, handle, e = new("limiter_config", limits), ffi.new "emqx_tls_limiter *[1]", new "error"
  local code
  if path then
    code = C.emqx_tls_limiter_open_file(path, config, handle, e)
  else
    code = C.emqx_tls_limiter_new(config, handle, e)
  end
  if code ~= 0 then return nil, failure(e) end
  return ffi.gc(handle[0], C.emqx_tls_limiter_unref)
end

local Client = {}
Client.__index = Client

-- What a callback throws can't go through C: it is kept in client.failure.
local function guarded(client, callback, ...)
  local outer = client.inside
  client.inside = true
  local good, given = pcall(callback, ...)
  client.inside = outer
  if not good then client.failure = given end
  return good and given
end

local function carry_out(client, transport, x)
  local headers, i, reply = {}, 0, ffi.new "emqx_tls_reply"
  while x.headers[i] ~= nil do
    local name, value = ffi.string(x.headers[i]):match "^(.-): (.*)$"
    headers[name], i = value, i + 1
  end
  local answer = guarded(client, transport, {method = ffi.string(x.method), url = ffi.string(x.url), headers = headers,
    body = x.body ~= nil and ffi.string(x.body, x.body_len) or "", timeout = x.timeout_ms / 1000})
  reply.size, reply.code = ffi.sizeof(reply), 5 -- delivery MAYBE: it may have sent
  if answer then
    reply.code, reply.delivery, reply.http_status = 0, 2, answer.status
    reply.body, reply.body_len = answer.body or "", #(answer.body or "")
    reply.retry_after, reply.date = answer.retry_after, answer.date
  end
  x.done(x.done_user, reply)
end

-- Makes a client; nothing is sent. transport(exchange) gives {status, body, retry_after}; log(level, line).
function M.open(options)
  local client = setmetatable({callbacks = {}, calls = {}, count = 0}, Client)
  local function callback(kind, body)
    table.insert(client.callbacks, ffi.cast(kind, body))
    return client.callbacks[#client.callbacks]
  end
  local config, e, handle, transport = new "config", new "error", ffi.new "emqx_tls_client *[1]", new "transport"
  for _, name in ipairs {"endpoint", "api_key", "api_secret", "ca_file", "proxy", "limiter", "flags"} do
    if options[name] then config[name] = options[name] end
  end
  config.timeout_ms = (options.timeout or 30) * 1000
  config.quota_wait_ms = (options.quota_wait or 0) * 1000
  if options.log then
    config.log = callback("emqx_tls_log_fn", function(_, level, line)
      guarded(client, options.log, level, ffi.string(line))
    end)
  end
  if options.transport then
    transport.start = callback("emqx_tls_code (*)(void *, const emqx_tls_exchange *, void **)", function(_, x)
      carry_out(client, options.transport, x)
      return 0
    end)
    config.transport = transport
  end
  client.done = callback("emqx_tls_done_fn", function(number, call)
    local ended = client.calls[tonumber(ffi.cast("uintptr_t", number))]
    ended.status, ended.error, ended.result = new "status", new "error", new "ensure_result"
    C.emqx_tls_call_result(call, ended.status, ended.error)
    C.emqx_tls_call_ensure_result(call, ended.result)
    ended.over, ended.call = true, nil
    if ended.done then guarded(client, ended.done, ended:outcome()) end
  end)
  if C.emqx_tls_client_new(config, handle, e) ~= 0 then
    client:close()
    return nil, failure(e)
  end
  client.handle = handle[0]
  return client
end

local Call = {}
Call.__index = Call

function Call:outcome()
  if self.error.code ~= 0 then return nil, failure(self.error) end
  local told, r = status(self.status), self.result
  if not self.ensures then return told end
  return {action = actions[r.action], reads = r.reads, writes = r.writes, certain = r.certain ~= 0, status = told,
    type_changes = r.type_changes ~= 0, warnings = r.warnings, warning = ffi.string(r.warning)}
end

function Call:cancel()
  if self.call then C.emqx_tls_cancel(self.client.handle, self.call) end
end

-- Starts a call; `done` (nil allowed) gets its outcome, from run. NAME is submit, submit_wait, ...; the rest its arguments.
function Client:submit(name, done, ...)
  local e, handle = new "error", ffi.new "emqx_tls_call *[1]"
  self.count = self.count + 1
  local call = setmetatable({client = self, done = done, ensures = name == "submit_ensure", number = self.count}, Call)
  local arguments = {...}
  local n = select("#", ...)
  arguments[n + 1], arguments[n + 2] = self.done, ffi.cast("void *", self.count)
  arguments[n + 3], arguments[n + 4] = handle, e
  self.calls[self.count] = call
  if C["emqx_tls_" .. name](self.handle, unpack(arguments, 1, n + 4)) ~= 0 then
    self.calls[self.count] = nil
    return nil, failure(e)
  end
  call.call = handle[0]
  return call
end

-- Moves all calls on, for at most so many seconds.
function Client:run(seconds)
  local e = new "error"
  local code = C.emqx_tls_client_run(self.handle, seconds * 1000, e)
  if self.closing then self:close() end
  if code ~= 0 then return nil, failure(e) end
  return true
end

function Client:fd()
  return C.emqx_tls_client_fd(self.handle)
end

-- Blocks. `client.between`, if it is set, is called every 100 ms: where it gives true the call is cancelled.
local function blocking(client, name, ...)
  local call, refused = client:submit(name, nil, ...)
  if not call then return nil, refused end
  while not call.over do
    local ran, why = client:run(SLICE_MS / 1000)
    if (not ran and why.code == "CANCELLED") or (client.between and client.between()) then
      call:cancel()
    elseif not ran and not call.over then
      return nil, why
    end
  end
  client.calls[call.number] = nil
  return call:outcome()
end

function Client:get(id) return blocking(self, "submit", M.GET, id, nil) end
function Client:create(id, r) return blocking(self, "submit", M.CREATE, id, request(r)) end
function Client:update(id, r) return blocking(self, "submit", M.UPDATE, id, request(r)) end
function Client:delete(id) return blocking(self, "submit", M.DELETE, id, nil) end
function Client:wait(id, seconds) return blocking(self, "submit_wait", id, nil, seconds * 1000) end
function Client:remove(id, seconds) return blocking(self, "submit_remove", id, seconds * 1000) end

function Client:ensure(id, r, o)
  o = o or {}
  return blocking(self, "submit_ensure", id, request(r), new("ensure_options", {wait_ms = (o.wait or 0) * 1000,
    flags = o.flags or 0, receipt_dir = o.receipt_dir, probe_host = o.probe_host}))
end

-- What is left of the quota: {limit, used, remaining, next}.
function Client:quota(op)
  local q, e = new "quota", new "error"
  if C.emqx_tls_limiter_query(C.emqx_tls_client_limiter(self.handle), op, nil, q, e) ~= 0 then return nil, failure(e) end
  return {limit = q.limit, used = q.used, remaining = q.remaining, next = tonumber(q.next_ms) / 1000}
end

-- Inside a callback it comes when that and the run around it are over: C still needs what it would free.
function Client:close()
  self.closing = self.inside
  if self.inside then return end
  if self.handle then C.emqx_tls_client_free(self.handle) end
  self.handle = nil
  for _, callback in ipairs(self.callbacks) do callback:free() end
  self.callbacks = {}
end

-- Code that C calls back from must not be compiled.
jit.off(true, true)

M.version = ffi.string(C.emqx_tls_version())
return M
