# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""libemqxtls for Python: one file, no compiler, no package.

    with emqxtls.Client(endpoint, key, secret, limiter=emqxtls.Limiter.file("/var/lib/renew/quota")) as client:
        result = client.ensure("ge6a1a75", emqxtls.Request(cert, key), wait=600)

AsyncClient has the same methods as coroutines, for asyncio. README.md tells of threads, cancellation and secrets.
EMQXTLS_LIBRARY: the path of libemqxtls.so.0, if it is not where the system looks.
"""
import asyncio
import ctypes
import itertools
import os
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from types import SimpleNamespace
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

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

def _struct(name, fields):
    kinds = {"u": c_uint32, "i": c_int32, "q": c_int64, "Q": c_uint64, "n": c_size_t, "s": c_char_p, "p": c_void_p}
    members = [(m, kinds.get(k) or c_char * int(k)) for m, k in (field.split(":") for field in fields.split())]
    return type(name, (ctypes.Structure,), {"_fields_": [("size", c_uint32)] + members})


_error = _struct("error", "code:i http_status:i attempts:u delivery:u reserved:u retry_after_ms:q api_code:64 message:256")
_status = _struct("status", "state:u type:u reserved:u expire:q state_text:32 type_text:32 expire_text:32 common_name:256")
_request = _struct("request", "type:u cert:s cert_len:n key:s key_len:n cacert:s cacert_len:n")
_config = _struct("config", "flags:u endpoint:s api_key:s api_secret:s ca_file:s proxy:s connect_timeout_ms:u timeout_ms:u "
                            "quota_wait_ms:u reserved:u limiter:p transport:p clock:p allocator:p log:p log_user:p log_destroy:p")
_options = _struct("ensure_options", "flags:u wait_ms:u reserved:u policy:p receipt_dir:s zone:i probe_port:u probe_host:s")
_result = _struct("ensure_result", "action:u reads:u writes:u certain:u expire_offset_s:i")
_limiter_config = _struct("limiter_config", "flags:u reads:u writes:u window_ms:Q clock:p allocator:p")
_quota = _struct("quota", "limit:u used:u remaining:u next_ms:q reason:u reserved:u")
_finding = _struct("finding", "id:u severity:u part:u index:u reserved:u name:32 text:256")
_transport = _struct("transport", "reserved:u context:p start:p poll:p next_ms:p fd:p wake:p cancel:p destroy:p")
_reply = _struct("reply", "code:i delivery:u http_status:i body:s body_len:n retry_after:s date:s detail:s flags:u reserved:u")
_exchange = _struct("exchange", "flags:u method:s url:s headers:p body:p body_len:n connect_timeout_ms:u timeout_ms:u "
                                "reply_max:n done:p done_user:p")
_DONE = CFUNCTYPE(None, c_void_p, c_void_p, c_int32)
_LOG = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
_START = CFUNCTYPE(c_int32, c_void_p, POINTER(_exchange), POINTER(c_void_p))
_REPLY = CFUNCTYPE(None, c_void_p, POINTER(_reply))


_library = ctypes.CDLL(os.environ.get("EMQXTLS_LIBRARY", "libemqxtls.so.0"))
_kinds = {"p": c_void_p, "s": c_char_p, "i": c_int32, "u": c_uint32, "q": c_int64, "n": c_size_t, "v": None, "d": _DONE}
_c = SimpleNamespace()  # the functions without emqx_tls_, by the types of result and arguments
for _line in """version:s client_new:ippp client_free:vp client_fd:ip client_interrupt:vp client_run:ipip client_next_ms:qp
        submit:ipuspdppp submit_ensure:ipsppdppp submit_wait:ipspudppp submit_remove:ipsudppp cancel:vpp call_result:vppp
        call_ensure_result:vpp limiter_new:ippp limiter_open_file:isppp limiter_unref:vp limiter_query:ipuspp check:ippqpp
        report_count:np report_get:ipnp report_free:vp""".split():
    _name, _types = _line.split(":")
    _function = getattr(_library, "emqx_tls_" + _name)
    _function.restype, *_function.argtypes = map(_kinds.get, _types)
    setattr(_c, _name, _function)


def _new(struct):
    """A struct that the library has set up: it knows its size, and this its own."""
    value = struct()
    init = getattr(_library, f"emqx_tls_{struct.__name__}_init_size")
    init.restype, init.argtypes = None, [c_void_p, c_size_t]
    init(byref(value), ctypes.sizeof(value))
    return value


def _bytes(value) -> Optional[bytes]:
    return value.encode() if isinstance(value, str) else value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _date(seconds: int) -> Optional[datetime]:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds) if seconds != -2**63 else None


def _read(cls, struct, **more):
    """What was told, as Python's types. A newer library may tell numbers that an enumeration lacks."""
    def convert(kind, value):
        if isinstance(kind, type) and issubclass(kind, IntEnum):
            return kind(value) if value in list(kind) else value
        return {str: _text, bool: bool, int: int}.get(kind, _date)(value)
    told = {name: convert(kind, getattr(struct, name)) for name, kind in cls.__annotations__.items() if name not in more}
    return cls(**told, **more)


class Error(Exception):
    """A call that failed: str() names the thing and the mend."""

    def __init__(self, error):
        super().__init__(_text(error.message))
        self.code = Code(error.code) if error.code in list(Code) else error.code
        self.http_status, self.attempts, self.delivery = error.http_status, error.attempts, Delivery(error.delivery)
        self.api_code = _text(error.api_code)
        self.retry_after = error.retry_after_ms / 1000 if error.retry_after_ms >= 0 else None  # seconds


def _check(code, error):
    if code != Code.OK:
        raise Error(error)


Status = NamedTuple("Status", [("state", State), ("type", Type), ("expire", Optional[datetime]), ("common_name", str),
                               ("state_text", str), ("type_text", str), ("expire_text", str)])
Result = NamedTuple("Result", [("action", Action), ("reads", int), ("writes", int), ("certain", bool), ("status", Status)])
Quota = NamedTuple("Quota", [("limit", int), ("used", int), ("remaining", int), ("next_ms", int)])
Finding = NamedTuple("Finding", [("name", str), ("severity", int), ("text", str)])  # severity 2: refused, 1: a warning


class Reply(NamedTuple):
    """What an own transport answers with."""
    status: int
    body: bytes = b""
    headers: Tuple[Tuple[str, str], ...] = ()


class Request:
    """A certificate as PEM; two-way where there is a client CA. Has no text of its own: a key belongs into no log."""

    def __init__(self, cert: bytes, key: bytes, cacert: Optional[bytes] = None):
        self._struct = _new(_request)
        self._struct.type = Type.TWO_WAY if cacert else Type.ONE_WAY
        for part, pem in (("cert", cert), ("key", key), ("cacert", cacert)):
            setattr(self._struct, part, _bytes(pem) or None)
            setattr(self._struct, part + "_len", len(_bytes(pem) or b""))


class Limiter:
    """A quota, to be shared by the clients of one API key."""

    def __init__(self, opened, *place, reads=60, writes=6, window=3600.0, flags=0):
        config, error, self._handle = _new(_limiter_config), _new(_error), c_void_p()
        config.reads, config.writes, config.window_ms, config.flags = reads, writes, int(window * 1000), flags
        _check(opened(*place, byref(config), byref(self._handle), byref(error)), error)

    @classmethod
    def memory(cls, **limits):
        return cls(_c.limiter_new, **limits)

    @classmethod
    def file(cls, path, **limits):
        return cls(_c.limiter_open_file, os.fsencode(path), **limits)

    def query(self, op: Op, deployment: Optional[str] = None) -> Quota:
        quota, error = _new(_quota), _new(_error)
        _check(_c.limiter_query(self._handle, op, _bytes(deployment), byref(quota), byref(error)), error)
        return _read(Quota, quota)

    def __del__(self):
        _c.limiter_unref(self._handle)


class _Calls:
    """What both clients share: the handle, the callbacks, and the calls that are under way."""

    def __init__(self, endpoint: str, api_key: str, api_secret: str, *, ca_file=None, proxy: Optional[str] = None,
                 timeout=30.0, connect_timeout=10.0, quota_wait=0.0, flags=0, limiter: Optional[Limiter] = None,
                 transport: Optional[Callable[[str, str, Dict[str, str], bytes, float], Reply]] = None,
                 log: Optional[Callable[[int, str], None]] = None):
        config, error, vtable, self._handle = _new(_config), _new(_error), _new(_transport), c_void_p()
        config.endpoint, config.api_key, config.api_secret = _bytes(endpoint), _bytes(api_key), _bytes(api_secret)
        config.flags, config.ca_file, config.proxy = flags, ca_file and os.fsencode(ca_file), _bytes(proxy)
        config.timeout_ms, config.connect_timeout_ms = int(timeout * 1000), int(connect_timeout * 1000)
        self.limiter = limiter or Limiter.memory()
        config.quota_wait_ms, config.limiter = int(quota_wait * 1000), self.limiter._handle
        # C holds no reference to these: we do
        self._done, self._log, self._start = _DONE(self._on_done), _LOG(self._on_log), _START(self._on_start)
        self._user_log, self._user_transport, self._pid = log, transport, os.getpid()
        self._numbers, self._waiting = itertools.count(1), {}
        self.failure: Optional[BaseException] = None  # what a callback of the user's has raised last
        if log:
            config.log = ctypes.cast(self._log, c_void_p)
        if transport:
            vtable.start = ctypes.cast(self._start, c_void_p)
            config.transport = ctypes.cast(byref(vtable), c_void_p)
        _check(_c.client_new(byref(config), byref(self._handle), byref(error)), error)

    # An exception can't go through C, and ctypes would return 0 for it, which is OK: it is kept in `failure`.
    def _on_log(self, _, level, line):
        try:
            self._user_log(level, _text(line))
        except BaseException as failure:
            self.failure = failure

    def _on_start(self, _, exchange, handle):
        x, answer = exchange[0], _reply(ctypes.sizeof(_reply), Code.TRANSPORT, Delivery.MAYBE)  # it may have sent
        try:
            lines = ctypes.cast(x.headers, POINTER(c_char_p))
            headers = dict(line.decode().split(": ", 1) for line in itertools.takewhile(bool, map(lines.__getitem__, range(9))))
            body = ctypes.string_at(x.body, x.body_len) if x.body_len else b""
            given = self._user_transport(x.method.decode(), x.url.decode(), headers, body, x.timeout_ms / 1000)
            told = {name.lower(): value.encode() for name, value in given.headers}
            answer = _reply(ctypes.sizeof(_reply), Code.OK, Delivery.ANSWERED, given.status, given.body, len(given.body),
                            told.get("retry-after"), told.get("date"))
        except BaseException as failure:
            self.failure = failure
            answer.detail = b"the transport raised " + type(failure).__name__.encode()
        _REPLY(x.done)(x.done_user, byref(answer))
        return Code.OK

    def _on_done(self, number, call, code):
        status, error, result = _new(_status), _new(_error), _new(_result)
        _c.call_result(call, byref(status), byref(error))
        _c.call_ensure_result(call, byref(result))
        try:
            self._waiting.pop(number)[1]((code, error, status, result))
        except BaseException as failure:
            self.failure = failure

    def _submit(self, name, arguments, ended):
        """Starts a call; `ended` comes once. Returns its number."""
        if not self._handle:
            raise ValueError("the client is closed")
        error, call, number = _new(_error), c_void_p(), next(self._numbers)
        code = getattr(_c, name)(self._handle, *arguments, self._done, number, byref(call), byref(error))
        _check(code, error)
        self._waiting[number] = call, ended
        return number

    def _cancel(self, number):
        if number in self._waiting:
            _c.cancel(self._handle, self._waiting[number][0])

    @staticmethod
    def _outcome(name, outcome):
        code, error, status, result = outcome
        _check(code, error)
        status = _read(Status, status)
        return _read(Result, result, status=status) if name == "submit_ensure" else status

    def interrupt(self):
        """Any thread: the blocking call that runs ends with CANCELLED."""
        _c.client_interrupt(self._handle)

    def close(self):
        """Frees the client. What is under way ends with CANCELLED."""
        handle, self._handle = self._handle, None
        if handle and self._pid == os.getpid():
            _c.client_free(handle)

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


class Client(_Calls):
    """Blocking. Threads may share it: their calls run one after another. Ctrl-C ends a call."""

    def __init__(self, *arguments, **options):
        self._lock = threading.Lock()
        super().__init__(*arguments, **options)

    def _call(self, name, *arguments):
        ended, error = [], _new(_error)
        with self._lock:
            number = self._submit(name, arguments, ended.append)
            try:
                while not ended:
                    code = _c.client_run(self._handle, SLICE_MS, byref(error))
                    if self.failure and not isinstance(self.failure, Exception):  # Ctrl-C inside a callback
                        raise self.failure
                    if code == Code.CANCELLED:
                        self._cancel(number)
                    elif not ended:
                        _check(code, error)
            except BaseException:  # Ctrl-C, say
                self._cancel(number)
                _c.client_run(self._handle, 0, None)
                raise
        return self._outcome(name, ended[0])

    def close(self):
        with self._lock:
            super().close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class AsyncClient(_Calls):
    """The same as coroutines, inside a running asyncio loop; a task that is cancelled cancels its call."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._loop, self._fd = asyncio.get_running_loop(), _c.client_fd(self._handle)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._run)

    def _run(self):
        if self._handle:
            _c.client_run(self._handle, 0, None)

    async def _call(self, name, *arguments):
        future = self._loop.create_future()
        number = self._submit(name, arguments, lambda outcome: future.done() or future.set_result(outcome))
        try:
            while self._fd < 0 and not future.done():  # an own transport has no descriptor
                self._run()
                await asyncio.sleep(max(_c.client_next_ms(self._handle), 0) / 1000)
            return self._outcome(name, await future)
        except asyncio.CancelledError:
            self._cancel(number)
            raise

    def close(self):
        if self._handle and self._fd >= 0:
            self._loop.remove_reader(self._fd)
        super().close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


def check(request: Request, at: Optional[datetime] = None) -> List[Finding]:
    """What the platform would refuse, without network."""
    report, error, finding = c_void_p(), _new(_error), _new(_finding)
    now = int((at or datetime.now(timezone.utc)).timestamp())
    code = _c.check(byref(request._struct), None, now, byref(report), byref(error))
    if not report:
        _check(code, error)
    found = []
    for i in range(_c.report_count(report)):
        _c.report_get(report, i, byref(finding))
        found.append(_read(Finding, finding))
    _c.report_free(report)
    return found


version = _text(_c.version())
