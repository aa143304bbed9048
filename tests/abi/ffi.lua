-- Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
-- ffi.lua HEADER LIBRARY - emqxtls.ffi.h is all that LuaJIT needs to use the library.
local ffi = require("ffi")
local file = assert(io.open(arg[1]))
ffi.cdef(file:read("*a"))
file:close()
local lib = ffi.load(arg[2])

for _, name in ipairs({ "error", "config", "status", "request", "quota", "ensure_options", "ensure_result" }) do
  local size = ffi.sizeof("emqx_tls_" .. name)
  assert(lib.emqx_tls_struct_size(name) == size, name)
  local struct = ffi.new("emqx_tls_" .. name)
  lib["emqx_tls_" .. name .. "_init_size"](struct, size)
  assert(struct.size == size, name)
end

local err = ffi.new("emqx_tls_error")
lib.emqx_tls_error_init_size(err, ffi.sizeof(err))
local config = ffi.new("emqx_tls_config")
lib.emqx_tls_config_init_size(config, ffi.sizeof(config))
local client = ffi.new("emqx_tls_client *[1]")
assert(lib.emqx_tls_client_new(config, client, err) == lib.EMQX_TLS_E_INVALID)
assert(ffi.string(err.message):find("api_key"), ffi.string(err.message))
assert(ffi.string(lib.emqx_tls_state_name(lib.EMQX_TLS_STATE_RUNNING)) == "running")
