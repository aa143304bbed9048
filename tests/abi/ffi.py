#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""ffi.py HEADER LIBRARY JSON - emqxtls.ffi.h is all that cffi needs to use the library."""
import json
import sys

try:
    import cffi
except ImportError:
    print("cffi is missing: tests/packages.sh tests")
    sys.exit(77)

header, library, described = sys.argv[1:]
ffi = cffi.FFI()
with open(header, encoding="utf-8") as f:
    ffi.cdef(f.read())
lib = ffi.dlopen(library)
with open(described, encoding="utf-8") as f:
    abi = json.load(f)

for name, struct in abi["structs"].items():
    assert ffi.sizeof(name) == struct["size"] == lib.emqx_tls_struct_size(name.encode()), name
    for member in struct["members"]:
        assert ffi.offsetof(name, member["name"]) == member["offset"], (name, member)
    if struct["init"]:
        getattr(lib, struct["init"])(ffi.new(f"{name} *"), struct["size"])
for name in abi["functions"]:
    getattr(lib, name)  # AttributeError: the header declares it otherwise, or the library lacks it
for enumeration in abi["enumerations"].values():
    for name, value in enumeration["values"].items():
        assert getattr(lib, name) == value["value"], name

error = ffi.new("emqx_tls_error *")
lib.emqx_tls_error_init_size(error, ffi.sizeof("emqx_tls_error"))
client = ffi.new("emqx_tls_client **")
config = ffi.new("emqx_tls_config *")
lib.emqx_tls_config_init_size(config, ffi.sizeof("emqx_tls_config"))
assert lib.emqx_tls_client_new(config, client, error) == lib.EMQX_TLS_E_INVALID
assert b"api_key" in ffi.string(error.message), ffi.string(error.message)
assert ffi.string(lib.emqx_tls_version()).decode() == abi["version"]
print(f"{len(abi['functions'])} functions, {len(abi['structs'])} structs")
