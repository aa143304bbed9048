# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""libemqxtls for Python: one file, no compiler, no package.

    with emqxtls.Client(endpoint, key, secret, limiter=emqxtls.Limiter("/var/lib/renew/quota")) as client:
        result = client.ensure("ge6a1a75", emqxtls.Request(cert, key), wait=600)

AsyncClient has the same as coroutines. README.md tells of threads, cancellation, secrets. EMQXTLS_LIBRARY: the library's path.
"""
import asyncio
import concurrent.futures
import contextlib
import ctypes
import functools
import itertools
import os
import signal
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from types import SimpleNamespace
from typing import Callable, Dict, NamedTuple, Optional, Tuple

Code = IntEnum("Code", "OK INVALID NO_MEMORY CHECK RATE_LIMITED TRANSPORT TIMEOUT CANCELLED UNAUTHORIZED FORBIDDEN NOT_FOUND "
                       "UNPROCESSABLE HTTP PROTOCOL STORE FAILED", start=0)
State = IntEnum("State", "UNKNOWN ABSENT PENDING RUNNING FAILED TERMINATED OTHER", start=0)
Type = IntEnum("Type", "UNKNOWN ONE_WAY TWO_WAY", start=0)
Delivery = IntEnum("Delivery", "MAYBE NOT_SENT ANSWERED", start=0)
Action = IntEnum("Action", "NONE UNCHANGED CREATED UPDATED", start=0)
Op = IntEnum("Op", "GET CREATE UPDATE DELETE")
FORCE, ALLOW_EARLIER, DRY_RUN = 1, 2, 4  # for ensure
PER_METHOD, PER_DEPLOYMENT = 1, 2  # for a Limiter
SLICE_MS = 100  # so long Ctrl-C may have to wait: Python looks for signals between calls only


_KINDS = {"u": c_uint32, "i": c_int32, "q": c_int64, "Q": c_uint64, "n": c_size_t, "s": c_char_p, "p": c_void_p, "v": None}


def _struct(name, fields):
    members = [(m, _KINDS.get(k) or c_char * int(k)) for m, k in (field.split(":") for field in fields.split())]
    return type(name, (ctypes.Structure,), {"_fields_": [("size", c_uint32)] + members})


_error = _struct("error", "code:i http_status:i attempts:u delivery:u permanent:u retry_after_ms:q api_code:64 message:256")
_status = _struct("status", "state:u type:u reserved:u expire:q state_text:32 type_text:32 expire_text:32 common_name:256")
_request = _struct("request", "type:u cert:s cert_len:n key:s key_len:n cacert:s cacert_len:n")
_config = _struct("config", "flags:u endpoint:s api_key:s api_secret:s ca_file:s proxy:s connect_timeout_ms:u timeout_ms:u "
                            "quota_wait_ms:u reserved:u limiter:p transport:p clock:p allocator:p log:p log_user:p log_destroy:p")
_options = _struct("ensure_options", "flags:u wait_ms:u reserved:u policy:p receipt_dir:s zone:i probe_port:u probe_host:s")
_result = _struct("ensure_result", "action:u reads:u writes:u certain:u zone:i type_changes:u warnings:u warning:256")
_limiter_config = _struct("limiter_config", "flags:u reads:u writes:u window_ms:Q clock:p allocator:p")
_quota = _struct("quota", "limit:u used:u remaining:u next_ms:q reason:u ahead:u")
_transport = _struct("transport", "reserved:u context:p start:p poll:p next_ms:p fd:p wake:p cancel:p destroy:p")
_reply = _struct("reply", "code:i delivery:u http_status:i body:s body_len:n retry_after:s date:s detail:s flags:u reserved:u")
_exchange = _struct("exchange", "flags:u method:s url:s headers:p body:p body_len:n connect_timeout_ms:u timeout_ms:u "
                                "reply_max:n done:p done_user:p")
_DONE = CFUNCTYPE(None, c_void_p, c_void_p, c_int32)
_LOG = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
_START = CFUNCTYPE(c_int32, c_void_p, POINTER(_exchange), POINTER(c_void_p))
_REPLY = CFUNCTYPE(None, c_void_p, POINTER(_reply))

_library = ctypes.CDLL(os.environ.get("EMQXTLS_LIBRARY", "libemqxtls.so.0"))
_KINDS.update(d=_DONE, e=POINTER(_error))


def _new(struct):
    """A struct that the library has set up: it knows its size, and this its own."""
    value = struct()
    getattr(_library, f"emqx_tls_{struct.__name__}_init_size")(byref(value), c_size_t(ctypes.sizeof(value)))
    return value


def _checked(function):
    """A call that takes an error as its last argument: raises it."""
    def call(*arguments):
        error = _new(_error)
        if function(*arguments, byref(error)) != Code.OK:
            raise Error(error)
    return call


_c = SimpleNamespace()  # the functions without emqx_tls_, by the types of result and arguments
for _line in """version:s client_new:ippe client_free:vp client_fd:ip client_interrupt:vp client_run:ipie client_next_ms:qp
        submit:ipuspdppe submit_ensure:ipsppdppe submit_wait:ipspudppe submit_remove:ipsudppe cancel:vpp call_result:vppp
        call_ensure_result:vpp limiter_new:ippe limiter_open_file:isppe limiter_unref:vp limiter_query:ipuspe""".split():
    _name, _types = _line.split(":")
    _function = getattr(_library, "emqx_tls_" + _name)
    _function.restype, *_function.argtypes = map(_KINDS.get, _types)
    setattr(_c, _name, _checked(_function) if _types.endswith("e") else _function)


_text = functools.partial(str, encoding="utf-8", errors="replace")
version = _text(_c.version())


def _bytes(value) -> Optional[bytes]:
    return value.encode() if isinstance(value, str) else value


def _known(kind, number):
    return kind(number) if number in list(kind) else number  # a newer library may tell more


def _read(cls, struct, **more):  # what was told, as Python's types
    def date(seconds):
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds) if seconds != -2**63 else None
    convert = {str: _text, bool: bool, int: int, Optional[datetime]: date}
    told = {name: convert.get(kind, functools.partial(_known, kind))(getattr(struct, name))
            for name, kind in cls.__annotations__.items() if name not in more}
    return cls(**told, **more)


class Error(Exception):
    """A call that failed: str() names the thing and the mend."""

    def __init__(self, error):
        super().__init__(_text(error.message))
        self.code, self.delivery = _known(Code, error.code), _known(Delivery, error.delivery)
        self.http_status, self.attempts, self.api_code = error.http_status, error.attempts, _text(error.api_code)
        self.permanent = bool(error.permanent)  # trying again can't help
        self.retry_after = error.retry_after_ms / 1000 if error.retry_after_ms >= 0 else None  # seconds


Status = NamedTuple("Status", [("state", State), ("type", Type), ("expire", Optional[datetime]), ("common_name", str),
                               ("state_text", str), ("type_text", str), ("expire_text", str)])
Result = NamedTuple("Result", [("action", Action), ("reads", int), ("writes", int), ("certain", bool), ("type_changes", bool),
                               ("warnings", int), ("warning", str), ("status", Status)])
Quota = NamedTuple("Quota", [("limit", int), ("used", int), ("remaining", int), ("next_ms", int)])
Reply = NamedTuple("Reply", [("status", int), ("body", bytes), ("headers", Tuple[Tuple[str, str], ...])])  # of an own transport
Reply.__new__.__defaults__ = b"", ()


class Request:
    """A certificate as PEM; two-way where there is a client CA. Has no text of its own: a key belongs into no log."""

    def __init__(self, cert: bytes, key: bytes, cacert: Optional[bytes] = None):
        self._struct = _new(_request)
        self._struct.type = Type.TWO_WAY if cacert else Type.ONE_WAY
        for part, pem in (("cert", cert), ("key", key), ("cacert", cacert)):
            setattr(self._struct, part, _bytes(pem) or None)
            setattr(self._struct, part + "_len", len(_bytes(pem) or b""))


class Limiter:
    """A quota, to be shared by the clients of one API key: in a file, or without a path in this process's memory."""

    def __init__(self, path=None, *, reads=60, writes=6, window=3600.0, flags=0):
        config, self._handle = _new(_limiter_config), c_void_p()
        config.reads, config.writes, config.window_ms, config.flags = reads, writes, int(window * 1000), flags
        made = functools.partial(_c.limiter_open_file, os.fsencode(path)) if path else _c.limiter_new
        made(byref(config), byref(self._handle))

    def query(self, op: Op, deployment: Optional[str] = None) -> Quota:
        quota = _new(_quota)
        _c.limiter_query(self._handle, op, _bytes(deployment), byref(quota))
        return _read(Quota, quota)

    def __del__(self):
        _c.limiter_unref(self._handle)


class _Calls:
    """What both clients share: the handle, the callbacks, and the calls that are under way."""

    def __init__(self, endpoint: str, api_key: str, api_secret: str, *, ca_file=None, proxy: Optional[str] = None,
                 timeout=30.0, connect_timeout=10.0, quota_wait=0.0, flags=0, limiter: Optional[Limiter] = None,
                 transport: Optional[Callable[[str, str, Dict[str, str], bytes, float], Reply]] = None,
                 log: Optional[Callable[[int, str], None]] = None):
        config, vtable, self._handle = _new(_config), _new(_transport), c_void_p()
        config.endpoint, config.api_key, config.api_secret = _bytes(endpoint), _bytes(api_key), _bytes(api_secret)
        config.flags, config.ca_file, config.proxy = flags, ca_file and os.fsencode(ca_file), _bytes(proxy)
        config.timeout_ms, config.connect_timeout_ms = int(timeout * 1000), int(connect_timeout * 1000)
        self.limiter = limiter or Limiter()
        config.quota_wait_ms, config.limiter = int(quota_wait * 1000), self.limiter._handle
        self._log = _LOG(lambda _, level, line: self._guard(log, level, _text(line)))
        self._done, self._start = _DONE(self._on_done), _START(self._on_start)  # C holds no reference to these: we do
        self._transport, self._pid = transport, os.getpid()
        self._numbers, self._waiting, self._guarded, self._lock = itertools.count(1), {}, False, threading.RLock()
        self.failure: Optional[BaseException] = None  # what a callback of the user's has raised last
        if log:
            config.log = ctypes.cast(self._log, c_void_p)
        if transport:
            vtable.start = ctypes.cast(self._start, c_void_p)
            config.transport = ctypes.cast(byref(vtable), c_void_p)
        _c.client_new(byref(config), byref(self._handle))

    def _inside(self, function, *arguments):
        """A call of C that may call back. A signal's handler could raise on a callback's first line, and ctypes drops that. So
        Ctrl-C is noted, and raised behind the call; but what a callback calls is interrupted."""
        before, noted = signal.getsignal(signal.SIGINT), []

        def handler(*told):
            if self._guarded:
                self._guarded = False
                before(*told)
            else:
                noted.append(told)
        if not callable(before) or threading.current_thread() is not threading.main_thread():
            return function(*arguments)
        signal.signal(signal.SIGINT, handler)
        try:
            function(*arguments)
        finally:
            signal.signal(signal.SIGINT, before)
            if noted:
                before(*noted[0])

    def _guard(self, callback, *arguments):
        """An exception can't go through C, and ctypes would return 0 for it, which is OK: it is kept in `failure`."""
        try:
            self._guarded = True
            given = callback(*arguments)
            self._guarded = False
            return given
        except BaseException as failure:
            self._guarded, self.failure = False, failure

    def _carry_out(self, x):
        lines = ctypes.cast(x.headers, POINTER(c_char_p))
        headers = dict(line.decode().split(": ", 1) for line in itertools.takewhile(bool, map(lines.__getitem__, range(9))))
        body = ctypes.string_at(x.body, x.body_len) if x.body_len else b""
        given = self._transport(x.method.decode(), x.url.decode(), headers, body, x.timeout_ms / 1000)
        told = {name.lower(): value.encode() for name, value in given.headers}
        return _reply(ctypes.sizeof(_reply), Code.OK, Delivery.ANSWERED, given.status, given.body, len(given.body),
                      told.get("retry-after"), told.get("date"))

    def _on_start(self, _, exchange, handle):
        reply = self._guard(self._carry_out, exchange[0])
        if not reply:  # it may have sent
            reply = _reply(ctypes.sizeof(_reply), Code.TRANSPORT, Delivery.MAYBE)
            reply.detail = b"the transport raised " + type(self.failure).__name__.encode()
        _REPLY(exchange[0].done)(exchange[0].done_user, byref(reply))
        return Code.OK

    def _on_done(self, number, call, code):
        status, error, result = _new(_status), _new(_error), _new(_result)
        _c.call_result(call, byref(status), byref(error))
        _c.call_ensure_result(call, byref(result))
        _, future, name = self._waiting.pop(number)
        if code != Code.OK:
            tell, told = future.set_exception, Error(error)
        else:
            tell, told = future.set_result, _read(Status, status)
            told = _read(Result, result, status=told) if name == "submit_ensure" else told
        if not future.done():  # a task that was cancelled has ended it
            self._guard(tell, told)

    def _run(self, milliseconds=0):
        if self._handle:
            self._inside(_c.client_run, self._handle, milliseconds)
        failure = self.failure
        if failure and not isinstance(failure, Exception):  # Ctrl-C inside a callback
            self.failure = None
            raise failure

    def _submit(self, number, future, name, arguments):
        call = c_void_p()
        self._waiting[number] = call, future, name  # before: Ctrl-C may come behind it
        self._inside(getattr(_c, name), self._handle, *arguments, self._done, number, byref(call))

    def _cancel(self, number):
        if number in self._waiting and self._waiting[number][0]:
            _c.cancel(self._handle, self._waiting[number][0])
        else:
            self._waiting.pop(number, None)  # it was not started

    def interrupt(self):  # any thread: the blocking call that runs ends with CANCELLED
        _c.client_interrupt(self._handle)

    def close(self):
        """Frees the client. What is under way ends with CANCELLED."""
        with self._lock:
            handle, self._handle = self._handle, None
            if handle and self._pid == os.getpid():
                self._inside(_c.client_free, handle)

    # -- the calls, for both clients: _call runs one and gives its Status or Result; times are seconds
    def get(self, deployment: str) -> Status:
        return self._call("submit", Op.GET, _bytes(deployment), None)
    def create(self, deployment: str, request: Request) -> Status:
        return self._call("submit", Op.CREATE, _bytes(deployment), byref(request._struct))
    def update(self, deployment: str, request: Request) -> Status:
        return self._call("submit", Op.UPDATE, _bytes(deployment), byref(request._struct))
    def delete(self, deployment: str) -> Status:
        return self._call("submit", Op.DELETE, _bytes(deployment), None)
    def wait(self, deployment: str, wait: float, expected: Optional[Request] = None) -> Status:
        return self._call("submit_wait", _bytes(deployment), expected and byref(expected._struct), int(wait * 1000))
    def remove(self, deployment: str, wait: float) -> Status:
        return self._call("submit_remove", _bytes(deployment), int(wait * 1000))

    def ensure(self, deployment: str, request: Request, *, wait=0.0, flags=0, receipt_dir=None, probe_host=None) -> Result:
        o = _new(_options)
        o.flags, o.wait_ms, o.probe_host = flags, int(wait * 1000), _bytes(probe_host)
        o.receipt_dir = receipt_dir and os.fsencode(receipt_dir)
        return self._call("submit_ensure", _bytes(deployment), byref(request._struct), byref(o))


class Client(_Calls, contextlib.AbstractContextManager):
    """Blocking. Threads may share it: their calls run one after another. Ctrl-C ends a call."""

    def _call(self, name, *arguments):
        future, number = concurrent.futures.Future(), next(self._numbers)
        with self._lock:
            try:
                self._submit(number, future, name, arguments)
                while not future.done():
                    self._run(SLICE_MS)
            except BaseException as raised:  # refused, interrupted, Ctrl-C
                self._cancel(number)
                self._run()
                if not (isinstance(raised, Error) and future.done()):
                    raise
        return future.result()

    def __exit__(self, *_):
        self.close()


class AsyncClient(_Calls, contextlib.AbstractAsyncContextManager):
    """The same as coroutines, inside a running asyncio loop; a task that is cancelled cancels its call."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._loop, self._fd = asyncio.get_running_loop(), _c.client_fd(self._handle)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._turn)

    def _turn(self):
        with contextlib.suppress(Error):  # of the run: a call's own comes by its future
            self._run()

    async def _call(self, name, *arguments):
        future, number = self._loop.create_future(), next(self._numbers)
        try:
            self._submit(number, future, name, arguments)
            while self._fd < 0 and not future.done():  # an own transport has no descriptor
                self._turn()
                await asyncio.sleep(max(_c.client_next_ms(self._handle), 0) / 1000)
            return await future
        except BaseException:  # refused, or the task was cancelled
            self._cancel(number)
            raise

    def close(self):
        if self._handle and self._fd >= 0:
            self._loop.remove_reader(self._fd)
        super().close()

    async def __aexit__(self, *_):
        self.close()
