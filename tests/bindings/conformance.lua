-- Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
--
-- The LuaJIT binding's part of scenario.txt: reads lines, answers each.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../../examples/bindings/lua/?.lua;" .. package.path
local emqxtls = require "emqxtls"
local ffi = require "ffi"
ffi.cdef [[
int fork(void); int waitpid(int, int *, int); void _exit(int); int raise(int);
typedef struct { unsigned long word[16]; } sigset_t;
int sigemptyset(sigset_t *); int sigaddset(sigset_t *, int); int sigismember(const sigset_t *, int);
int sigprocmask(int, const sigset_t *, sigset_t *); int sigpending(sigset_t *);
]]

local client
local logs = {}

local function status(s, f)
  if not s then
    return ("code=%s http=%d delivery=%s api=%s retry=%d"):format(f.code, f.http_status, f.delivery, f.api_code,
      f.retry_after and 1 or 0)
  end
  return ("code=OK state=%s type=%s cn=%s"):format(s.state, s.type, s.common_name)
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function material(cert, key) return {cert = read(cert), key = read(key)} end

local function transport(answer)
  return function(x)
    assert(x.url:match "^https://" and x.headers.Authorization)
    local code, body = answer:match "^(%d+):(.*)$"
    return {status = assert(tonumber(code), "as told"), body = body}
  end
end

local function defaults()
  return {endpoint = os.getenv "EMQXCLOUD_PLATFORM_ENDPOINT", api_key = os.getenv "EMQXCLOUD_PLATFORM_API_KEY",
    api_secret = os.getenv "EMQXCLOUD_PLATFORM_API_SECRET", ca_file = os.getenv "EMQXTLS_CA_FILE"}
end

local function own(answer, more)
  local options = defaults()
  options.ca_file, options.transport = nil, transport(answer or '200:{"status":"running"}')
  for name, value in pairs(more or {}) do options[name] = value end
  return assert(emqxtls.open(options))
end

local function works(c)
  local s = c:get "d1"
  return s and s.state == "RUNNING"
end

local misuse = {}

-- LuaJIT has one thread: calls at once are coroutines, or submits.
function misuse.threads()
  local c, good = own(), 0
  for _ = 1, 8 do
    assert(c:submit("submit", function(s) good = good + (s.state == "RUNNING" and 1 or 0) end, emqxtls.GET, "d1", nil))
  end
  while good < 8 do c:run(1) end
  c:close()
  return true
end

-- Log and done; the transport is another line of the scenario.
function misuse.callbacks_throw()
  local c = own(nil, {log = function() error "as told" end})
  assert(c:submit("submit", function() error "in done" end, emqxtls.GET, "d1", nil))
  c:run(1)
  local first = tostring(c.failure):match "in done"
  return first and works(c) and tostring(c.failure):match "as told"
end

function misuse.dropped_in_done()
  local c, ended = own(), 0
  assert(c:submit("submit", function() ended = ended + 1; c:close() end, emqxtls.GET, "d1", nil))
  c:run(1)
  return ended == 1 and not c.handle
end

function misuse.cancelled_before()
  local c, told = own()
  local call = assert(c:submit("submit", function(_, f) told = f end, emqxtls.GET, "d1", nil))
  call:cancel()
  while not told do c:run(1) end
  return told.code == "CANCELLED" and works(c)
end

function misuse.cancelled_after()
  local c, told = own()
  local call = assert(c:submit("submit", function(s) told = s end, emqxtls.GET, "d1", nil))
  while not told do c:run(1) end
  call:cancel()
  return works(c)
end

function misuse.fork()
  local c, child, code = own(), ffi.C.fork(), ffi.new "int[1]"
  if child == 0 then
    local _, f = c:get "d1"
    ffi.C._exit(f and f.code == "INVALID" and 0 or 1)
  end
  ffi.C.waitpid(child, code, 0)
  return code[0] == 0 and works(c)
end

-- Ctrl-C in a long ensure. A handler can't be Lua: so the signal is blocked, and looked for between slices.
function misuse.signal()
  local SIGINT, SIG_BLOCK, ours, pending = 2, 0, ffi.new "sigset_t", ffi.new "sigset_t"
  ffi.C.sigemptyset(ours)
  ffi.C.sigaddset(ours, SIGINT)
  ffi.C.sigprocmask(SIG_BLOCK, ours, nil)
  local c = own('200:{"status":"terminated"}', {log = function() ffi.C.raise(SIGINT) end}) -- waited out
  c.between = function()
    ffi.C.sigpending(pending)
    return ffi.C.sigismember(pending, SIGINT) == 1
  end
  local folder = os.getenv("EMQXTLS_CA_FILE"):match "^(.*)/"
  local _, f = c:ensure("d1", material(folder .. "/one.pem", folder .. "/one.key"), {wait = 600})
  return f and f.code == "CANCELLED"
end

local verbs = {}

function verbs.open(...)
  local options = defaults()
  logs = {}
  for _, word in ipairs {...} do
    local name, value = word:match "^(.-)=(.*)$"
    if name == "quota" then options.limiter = assert(emqxtls.limiter(value))
    elseif name == "secret" then options.api_secret = value
    elseif name == "endpoint" then options.endpoint = value
    elseif name == "log" then options.log = function(_, line) table.insert(logs, line) end
    elseif name == "transport" then options.transport, options.ca_file = transport(value), nil end
  end
  local made, f = emqxtls.open(options)
  if not made then return status(nil, f) end
  client = made
  return "code=OK"
end

function verbs.get(id) return status(client:get(id)) end
function verbs.create(id, cert, key) return status(client:create(id, material(cert, key))) end
function verbs.update(id, cert, key) return status(client:update(id, material(cert, key))) end
function verbs.delete(id) return status(client:delete(id)) end
function verbs.wait(id, seconds) return status(client:wait(id, tonumber(seconds))) end
function verbs.remove(id, seconds) return status(client:remove(id, tonumber(seconds))) end

function verbs.ensure(id, cert, key, seconds)
  local r, f = client:ensure(id, material(cert, key), {wait = tonumber(seconds)})
  if not r then return status(nil, f) end
  return ("%s action=%s writes=%d certain=%d"):format(status(r.status), r.action, r.writes, r.certain and 1 or 0)
end

function verbs.quota(which)
  local q, f = client:quota(which == "READ" and emqxtls.GET or emqxtls.UPDATE)
  return q and ("code=OK limit=%d used=%d"):format(q.limit, q.used) or status(nil, f)
end

function verbs.many(count, prefix)
  local ok, over = 0, 0
  for i = 1, tonumber(count) do
    assert(client:submit("submit", function(s)
      over, ok = over + 1, ok + (s and s.state == "ABSENT" and 1 or 0)
    end, emqxtls.GET, prefix .. i, nil))
  end
  while over < tonumber(count) do client:run(1) end
  return "code=OK ok=" .. ok
end

function verbs.cancel(id)
  local told
  local call = assert(client:submit("submit", function(s, f) told = status(s, f) end, emqxtls.GET, id, nil))
  client:run(0.3) -- under way
  call:cancel()
  while not told do client:run(1) end
  return told
end

function verbs.logs()
  local secret = table.concat(logs, "\n"):find(os.getenv "EMQXCLOUD_PLATFORM_API_SECRET", 1, true)
  return ("code=OK some=%d secret=%d"):format(#logs > 0 and 1 or 0, secret and 1 or 0)
end

function verbs.close()
  client:close()
  return "code=OK"
end

function verbs.misuse(name) return "code=OK ok=" .. (misuse[name]() and 1 or 0) end

io.stdout:setvbuf "line"
for line in io.lines() do
  local words = {}
  for word in line:gmatch "%S+" do table.insert(words, word) end
  print(verbs[table.remove(words, 1)](unpack(words)))
end
