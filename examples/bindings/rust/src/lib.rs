// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

//! libemqxtls for Rust, without dependencies. A `Client` can be sent to another thread and belongs to one at a time, which
//! `&mut self` sees to; an `Interrupter` ends its call from any. README.md tells of cancellation and secrets.
//!
//!     let mut client = emqxtls::Client::open(config)?;
//!     let outcome = client.call("ge6a1a75", Op::Ensure(&request, Options { wait: minutes(10), ..Default::default() }))?;

mod ffi;

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

macro_rules! numbers {
    ($($(#[$meta:meta])* $name:ident: $kind:ty { $($value:ident = $number:literal),* } else $other:ident)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($value),*, $other }
        impl From<$kind> for $name {
            fn from(told: $kind) -> $name {
                match told { $($number => $name::$value),*, _ => $name::$other }
            }
        }
    )*}
}

numbers! {
    /// What a call came to.
    Code: i32 {
        Invalid = 1, NoMemory = 2, Check = 3, RateLimited = 4, Transport = 5, Timeout = 6, Cancelled = 7, Unauthorized = 8,
        Forbidden = 9, NotFound = 10, Unprocessable = 11, Http = 12, Protocol = 13, Store = 14, Failed = 15
    } else Unknown
    State: u32 { Absent = 1, Pending = 2, Running = 3, Failed = 4, Terminated = 5, Other = 6 } else Unknown
    Type: u32 { OneWay = 1, TwoWay = 2 } else Unknown
    /// How much of the last exchange may have reached the platform.
    Delivery: u32 { NotSent = 1, Answered = 2 } else Maybe
    Action: u32 { Unchanged = 1, Created = 2, Updated = 3 } else None
}

/// How a call failed; `message` names the thing and the mend.
#[derive(Clone, Debug)]
pub struct Error {
    pub code: Code,
    pub http_status: i32,
    pub delivery: Delivery,
    pub retry_after: Option<Duration>,
    pub api_code: String,
    pub message: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<&ffi::Error> for Error {
    fn from(e: &ffi::Error) -> Error {
        Error {
            code: e.code.into(),
            http_status: e.http_status,
            delivery: e.delivery.into(),
            retry_after: u64::try_from(e.retry_after_ms).ok().map(Duration::from_millis),
            api_code: text(&e.api_code),
            message: text(&e.message),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Status {
    pub state: State,
    pub kind: Type,
    pub expire: Option<SystemTime>,
    pub common_name: String,
}

/// Of any call; all but the status is ensure's.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: Status,
    pub action: Action,
    pub reads: u32,
    pub writes: u32,
    pub certain: bool,
}

/// A certificate as PEM, borrowed; two-way where there is a client CA. No Debug: a key belongs into no log.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub cert: &'a [u8],
    pub key: &'a [u8],
    pub cacert: &'a [u8],
}

#[derive(Clone, Default)]
pub struct Options {
    pub wait: Duration,
    pub flags: u32,
    pub receipt_dir: Option<String>,
    pub probe_host: Option<String>,
}

pub enum Op<'a> {
    Get,
    Create(&'a Request<'a>),
    Update(&'a Request<'a>),
    Delete,
    Wait(Duration),
    Remove(Duration),
    Ensure(&'a Request<'a>, Options),
}

/// What an own transport is asked to carry out. The body holds the private key: make no copy that stays.
pub struct Exchange<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: Vec<&'a str>,
    pub body: &'a [u8],
    pub timeout: Duration,
}

type Transport = dyn FnMut(&Exchange) -> Result<(i32, Vec<u8>), Delivery> + Send;
type Log = dyn FnMut(i32, &str) + Send;

/// What is empty or zero is the library's default.
#[derive(Default)]
pub struct Config {
    pub endpoint: String,
    pub api_key: String,
    pub api_secret: String,
    pub ca_file: Option<String>,
    pub quota_file: Option<String>,
    pub timeout: Option<Duration>,
    pub quota_wait: Duration,
    pub transport: Option<Box<Transport>>,
    pub log: Option<Box<Log>>,
}

struct Hooks {
    transport: Option<Box<Transport>>,
    log: Option<Box<Log>>,
}

struct Handle(Mutex<*mut ffi::Client>);
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

/// Ends the call that runs, from any thread.
#[derive(Clone)]
pub struct Interrupter(Arc<Handle>);

impl Interrupter {
    pub fn interrupt(&self) {
        let client = self.0 .0.lock().unwrap();
        unsafe { ffi::emqx_tls_client_interrupt(*client) } // NULL, where the client is gone
    }
}

pub struct Client {
    client: *mut ffi::Client,
    shared: Arc<Handle>,
    _hooks: Box<Hooks>, // C points to it
}

unsafe impl Send for Client {} // it has no thread of its own, and its callbacks are Send

type Done = Box<dyn FnOnce(Result<Outcome, Error>)>;

/// A call under way, for cancel. Where it is over by then nothing happens.
#[derive(Clone)]
pub struct Call(std::rc::Rc<std::cell::Cell<*mut ffi::Call>>);

struct Pending {
    done: Done,
    call: Call,
}

fn text(from: &[c_char]) -> String {
    unsafe { CStr::from_ptr(from.as_ptr()) }.to_string_lossy().into_owned()
}

fn c_text(from: &str) -> Result<CString, Error> {
    CString::new(from).map_err(|_| {
        let mut error = Error::from(&ffi::Error::new());
        error.code = Code::Invalid;
        error.message = "a text has a NUL in it".into();
        error
    })
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn request(r: &Request) -> ffi::Request {
    let mut c = ffi::Request::new();
    c.kind = if r.cacert.is_empty() { 1 } else { 2 };
    (c.cert, c.cert_len) = (r.cert.as_ptr(), r.cert.len());
    (c.key, c.key_len) = (r.key.as_ptr(), r.key.len());
    (c.cacert, c.cacert_len) = (r.cacert.as_ptr(), r.cacert.len());
    c
}

impl Client {
    /// Makes a client. Nothing is sent.
    pub fn open(config: Config) -> Result<Client, Error> {
        let texts = [&config.endpoint, &config.api_key, &config.api_secret].map(|t| c_text(t));
        let [endpoint, key, secret] = texts;
        let (endpoint, key, mut secret) = (endpoint?, key?, secret?.into_bytes_with_nul());
        let ca_file = config.ca_file.as_deref().map(c_text).transpose()?;
        let mut hooks = Box::new(Hooks { transport: config.transport, log: config.log });
        let context: *mut c_void = (&mut *hooks as *mut Hooks).cast();
        let (mut c, mut vtable, mut error) = (ffi::Config::new(), ffi::Transport::new(), ffi::Error::new());
        (c.endpoint, c.api_key, c.api_secret) = (endpoint.as_ptr(), key.as_ptr(), secret.as_ptr().cast());
        c.ca_file = ca_file.as_ref().map_or(null(), |t| t.as_ptr());
        c.quota_wait_ms = milliseconds(config.quota_wait);
        c.timeout_ms = config.timeout.map_or(c.timeout_ms, milliseconds);
        vtable.context = context;
        vtable.start = Some(start);
        c.transport = hooks.transport.as_ref().map_or(null(), |_| &vtable);
        c.log = hooks.log.as_ref().map(|_| log as _);
        c.log_user = context;
        let mut client = null_mut();
        let code = unsafe {
            let path = config.quota_file.as_deref().map(c_text).transpose()?;
            let opened = path.map_or(0, |p| ffi::emqx_tls_limiter_open_file(p.as_ptr(), null(), &mut c.limiter, &mut error));
            let code = if opened == 0 { ffi::emqx_tls_client_new(&c, &mut client, &mut error) } else { opened };
            ffi::emqx_tls_limiter_unref(c.limiter); // the client has a reference of its own
            code
        };
        secret.iter_mut().for_each(|byte| unsafe { std::ptr::write_volatile(byte, 0) });
        if code != 0 {
            return Err((&error).into());
        }
        Ok(Client { client, shared: Arc::new(Handle(Mutex::new(client))), _hooks: hooks })
    }

    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.shared.clone())
    }

    /// Starts a call. `done` comes once: from `run`, from `call`, or from the end of the client.
    pub fn submit(&mut self, id: &str, op: Op, done: impl FnOnce(Result<Outcome, Error>) + 'static) -> Result<Call, Error> {
        let id = c_text(id)?;
        let (id, mut error, mut handle) = (id.as_ptr(), ffi::Error::new(), null_mut());
        let call = Call(Default::default());
        let user: *mut c_void = Box::into_raw(Box::new(Pending { done: Box::new(done), call: call.clone() })).cast();
        let (c, h, e) = (self.client, &mut handle, &mut error);
        let code = unsafe {
            match op {
                Op::Get => ffi::emqx_tls_submit(c, 1, id, null(), over, user, h, e),
                Op::Create(r) => ffi::emqx_tls_submit(c, 2, id, &request(r), over, user, h, e),
                Op::Update(r) => ffi::emqx_tls_submit(c, 3, id, &request(r), over, user, h, e),
                Op::Delete => ffi::emqx_tls_submit(c, 4, id, null(), over, user, h, e),
                Op::Wait(time) => ffi::emqx_tls_submit_wait(c, id, null(), milliseconds(time), over, user, h, e),
                Op::Remove(time) => ffi::emqx_tls_submit_remove(c, id, milliseconds(time), over, user, h, e),
                Op::Ensure(r, given) => {
                    let texts = [given.receipt_dir, given.probe_host].map(|t| t.and_then(|t| CString::new(t).ok()));
                    let mut options = ffi::EnsureOptions::new();
                    (options.wait_ms, options.flags) = (milliseconds(given.wait), given.flags);
                    options.receipt_dir = texts[0].as_ref().map_or(null(), |t| t.as_ptr());
                    options.probe_host = texts[1].as_ref().map_or(null(), |t| t.as_ptr());
                    ffi::emqx_tls_submit_ensure(c, id, &request(r), &options, over, user, h, e)
                }
            }
        };
        if code != 0 {
            drop(unsafe { Box::from_raw(user.cast::<Pending>()) });
            return Err((&error).into());
        }
        call.0.set(handle);
        Ok(call)
    }

    /// Runs a call to its end. Where it was interrupted it ends as Cancelled.
    pub fn call(&mut self, id: &str, op: Op) -> Result<Outcome, Error> {
        let ended = std::rc::Rc::new(std::cell::RefCell::new(None));
        let told = ended.clone();
        let call = self.submit(id, op, move |outcome| *told.borrow_mut() = Some(outcome))?;
        while ended.borrow().is_none() {
            if self.run(None).is_err() {
                self.cancel(&call);
            }
        }
        let outcome = ended.borrow_mut().take();
        outcome.unwrap()
    }

    pub fn cancel(&mut self, call: &Call) {
        unsafe { ffi::emqx_tls_cancel(self.client, call.0.get()) }
    }

    /// Moves all calls on, for at most so long; None: until one is over.
    pub fn run(&mut self, time: Option<Duration>) -> Result<(), Error> {
        let mut error = ffi::Error::new();
        let time = time.map_or(-1, |t| i32::try_from(t.as_millis()).unwrap_or(i32::MAX));
        match unsafe { ffi::emqx_tls_client_run(self.client, time, &mut error) } {
            0 => Ok(()),
            _ => Err((&error).into()),
        }
    }

    /// For an event loop: as long as it is readable, run with no time.
    pub fn fd(&mut self) -> i32 {
        unsafe { ffi::emqx_tls_client_fd(self.client) }
    }

    /// Of reads, or of writes: used and limit.
    pub fn quota(&mut self, writes: bool) -> Result<(u32, u32), Error> {
        let (mut quota, mut error) = (ffi::Quota::new(), ffi::Error::new());
        let op = if writes { 3 } else { 1 };
        let limiter = unsafe { ffi::emqx_tls_client_limiter(self.client) };
        match unsafe { ffi::emqx_tls_limiter_query(limiter, op, null(), &mut quota, &mut error) } {
            0 => Ok((quota.used, quota.limit)),
            _ => Err((&error).into()),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        *self.shared.0.lock().unwrap() = null_mut();
        unsafe { ffi::emqx_tls_client_free(self.client) }
    }
}

// A panic can't go through C: it ends here.
unsafe extern "C" fn over(user: *mut c_void, call: *const ffi::Call, _code: i32) {
    let pending = Box::from_raw(user.cast::<Pending>());
    let (mut s, mut error, mut result) = (ffi::Status::new(), ffi::Error::new(), ffi::EnsureResult::new());
    ffi::emqx_tls_call_result(call, &mut s, &mut error);
    ffi::emqx_tls_call_ensure_result(call, &mut result);
    pending.call.0.set(null_mut());
    let status = Status {
        state: s.state.into(),
        kind: s.kind.into(),
        expire: u64::try_from(s.expire).ok().map(|t| SystemTime::UNIX_EPOCH + Duration::from_secs(t)),
        common_name: text(&s.common_name),
    };
    let (reads, writes, certain) = (result.reads, result.writes, result.certain != 0);
    let outcome = Outcome { status, action: result.action.into(), reads, writes, certain };
    let told = if error.code == 0 { Ok(outcome) } else { Err((&error).into()) };
    let _ = catch_unwind(AssertUnwindSafe(|| (pending.done)(told)));
}

unsafe extern "C" fn log(user: *mut c_void, level: i32, line: *const c_char) {
    let hooks = &mut *user.cast::<Hooks>();
    let line = CStr::from_ptr(line).to_string_lossy();
    let _ = catch_unwind(AssertUnwindSafe(|| hooks.log.as_mut().map(|log| log(level, &line))));
}

unsafe extern "C" fn start(context: *mut c_void, exchange: *const ffi::Exchange, _handle: *mut *mut c_void) -> i32 {
    let (x, hooks) = (&*exchange, &mut *context.cast::<Hooks>());
    let read = |t: *const c_char| CStr::from_ptr(t).to_str().unwrap_or("");
    let headers = (0..).map(|i| *x.headers.add(i)).take_while(|line| !line.is_null()).map(read).collect();
    let body = if x.body.is_null() { &[] } else { std::slice::from_raw_parts(x.body, x.body_len) };
    let timeout = Duration::from_millis(x.timeout_ms.into());
    let asked = Exchange { method: read(x.method), url: read(x.url), headers, body, timeout };
    let answer = catch_unwind(AssertUnwindSafe(|| (hooks.transport.as_mut().unwrap())(&asked)));
    let mut reply: ffi::Reply = std::mem::zeroed();
    reply.size = std::mem::size_of::<ffi::Reply>() as u32;
    match &answer {
        Ok(Ok((status, body))) => {
            (reply.delivery, reply.http_status) = (2, *status);
            (reply.body, reply.body_len) = (body.as_ptr(), body.len());
        }
        Ok(Err(delivery)) => (reply.code, reply.delivery) = (5, u32::from(*delivery == Delivery::NotSent)),
        Err(_) => reply.code = 5, // a panic: it may have sent
    }
    (x.done)(x.done_user, &reply);
    0
}

/// The name of a code as the C library has it, such as RATE_LIMITED.
pub fn code_name(code: i32) -> &'static str {
    unsafe { CStr::from_ptr(ffi::emqx_tls_code_name(code)) }.to_str().unwrap_or("UNKNOWN")
}
