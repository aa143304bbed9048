#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""asyncio_ctypes.py DEPLOYMENT... - reads the status of many deployments at once from Python's asyncio, without any package.

A binding by ctypes of what it needs of the C ABI: a class with one coroutine. The client has one descriptor, which asyncio
watches (add_reader); whenever it is readable, emqx_tls_client_run moves everything on without waiting.

Environment as for status.c, and EMQXTLS_LIBRARY: the path of libemqxtls.so.0, if it is not where the system looks.
Each deployment costs one of 60 reads in 60 minutes.
"""
import asyncio
import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_void_p, sizeof

OK, CANCELLED, OP_GET = 0, 7, 1


class _Error(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("code", c_int32), ("http_status", c_int32), ("attempts", c_uint32),
                ("delivery", c_uint32), ("reserved", c_uint32), ("retry_after_ms", c_int64), ("api_code", c_char * 64),
                ("message", c_char * 256)]


class _Status(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("state", c_uint32), ("type", c_uint32), ("reserved", c_uint32),
                ("expire", c_int64), ("state_text", c_char * 32), ("type_text", c_char * 32),
                ("expire_text", c_char * 32), ("common_name", c_char * 256)]


class _Config(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("endpoint", c_char_p), ("api_key", c_char_p),
                ("api_secret", c_char_p), ("ca_file", c_char_p), ("proxy", c_char_p),
                ("connect_timeout_ms", c_uint32), ("timeout_ms", c_uint32), ("quota_wait_ms", c_uint32),
                ("reserved", c_uint32), ("limiter", c_void_p), ("transport", c_void_p), ("clock", c_void_p),
                ("allocator", c_void_p), ("log", c_void_p), ("log_user", c_void_p), ("log_destroy", c_void_p)]


_DONE = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_int32)

_library = ctypes.CDLL(os.environ.get("EMQXTLS_LIBRARY", "libemqxtls.so.0"))
for _name, _result, *_arguments in [
        ("limiter_open_file", c_int32, c_char_p, c_void_p, POINTER(c_void_p), POINTER(_Error)),
        ("limiter_unref", None, c_void_p),
        ("client_new", c_int32, POINTER(_Config), POINTER(c_void_p), POINTER(_Error)),
        ("client_free", None, c_void_p),
        ("client_fd", c_int, c_void_p),
        ("client_run", c_int32, c_void_p, c_int, POINTER(_Error)),
        ("submit", c_int32, c_void_p, c_uint32, c_char_p, c_void_p, _DONE, c_void_p, POINTER(c_void_p), POINTER(_Error)),
        ("call_result", None, c_void_p, POINTER(_Status), POINTER(_Error)),
        ("cancel", None, c_void_p, c_void_p),
        ("code_name", c_char_p, c_int32)]:
    _function = getattr(_library, "emqx_tls_" + _name)
    _function.restype, _function.argtypes = _result, _arguments


def _new(struct):
    """A struct that the library has set up: it knows its size, and this its own."""
    value = struct()
    init = getattr(_library, f"emqx_tls_{struct.__name__[1:].lower()}_init_size")
    init.restype, init.argtypes = None, [c_void_p, c_size_t]
    init(byref(value), sizeof(value))
    return value


class TlsError(Exception):
    """What went wrong: `code` is a name such as RATE_LIMITED."""

    def __init__(self, error):
        super().__init__(error.message.decode("utf-8", "replace"))
        self.code = _library.emqx_tls_code_name(error.code).decode()
        self.http_status = error.http_status
        self.retry_after = error.retry_after_ms / 1000 if error.retry_after_ms >= 0 else None


class Client:
    """A client inside a running asyncio loop. `turns` counts how often it was moved on."""

    def __init__(self, endpoint, key, secret, ca_file=None, quota_file=None, quota_wait=0):
        error, config = _new(_Error), _new(_Config)
        limiter, self._client = c_void_p(), c_void_p()
        if quota_file:
            self._check(_library.emqx_tls_limiter_open_file(quota_file.encode(), None, byref(limiter), byref(error)), error)
        config.endpoint, config.api_key, config.api_secret = endpoint.encode(), key.encode(), secret.encode()
        config.ca_file = ca_file.encode() if ca_file else None
        config.quota_wait_ms = int(quota_wait * 1000)
        config.limiter = limiter
        code = _library.emqx_tls_client_new(byref(config), byref(self._client), byref(error))
        _library.emqx_tls_limiter_unref(limiter)  # the client has a reference of its own
        self._check(code, error)
        self.turns = 0
        self._calls = {}  # number of a call: its future and its handle
        self._last = 0
        self._done = _DONE(self._on_done)  # C holds no reference to it: we do
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(_library.emqx_tls_client_fd(self._client), self._on_readable)

    @staticmethod
    def _check(code, error):
        if code != OK:
            raise TlsError(error)

    def _on_readable(self):
        self.turns += 1
        _library.emqx_tls_client_run(self._client, 0, None)

    def _on_done(self, number, call, code):
        future, _ = self._calls.pop(number)
        status, error = _new(_Status), _new(_Error)
        _library.emqx_tls_call_result(call, byref(status), byref(error))
        if future.cancelled():
            return
        if code == OK:
            future.set_result(status)
        else:
            future.set_exception(TlsError(error))

    async def get(self, deployment):
        """The status of a deployment's certificate. Cancelling the task cancels the call."""
        error, handle = _new(_Error), c_void_p()
        self._last += 1
        number, future = self._last, self._loop.create_future()
        self._check(_library.emqx_tls_submit(self._client, OP_GET, deployment.encode(), None, self._done, number,
                                             byref(handle), byref(error)), error)
        self._calls[number] = future, handle
        try:
            return await future
        except asyncio.CancelledError:
            if number in self._calls:
                _library.emqx_tls_cancel(self._client, handle)
            raise

    def close(self):
        if self._client:
            self._loop.remove_reader(_library.emqx_tls_client_fd(self._client))
            _library.emqx_tls_client_free(self._client)  # ends what is under way: _on_done is called from here
            self._client = None


async def main(deployments):
    environment = os.environ
    client = Client(environment["EMQXCLOUD_PLATFORM_ENDPOINT"], environment["EMQXCLOUD_PLATFORM_API_KEY"],
                    environment["EMQXCLOUD_PLATFORM_API_SECRET"], environment.get("EMQXTLS_CA_FILE"),
                    environment.get("EMQXTLS_QUOTA_FILE"))
    failed = 0

    async def show(deployment):
        nonlocal failed
        try:
            status = await client.get(deployment)
            print(f"{deployment}: {status.state_text.decode() or 'no certificate'}")
        except TlsError as error:
            failed += 1
            print(f"{deployment}: {error} ({error.code})", file=sys.stderr)

    try:
        await asyncio.gather(*map(show, deployments))
    finally:
        client.close()
    print(f"{len(deployments)} calls, {failed} failed, {client.turns} turns of the client", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: asyncio_ctypes.py DEPLOYMENT...")
    sys.exit(asyncio.run(main(sys.argv[1:])))
