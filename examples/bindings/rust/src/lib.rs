// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

//! libemqxtls for Rust. README.md has a program, and tells of threads, cancellation and secrets.

#[allow(clippy::all, dead_code, non_camel_case_types)]
mod ffi {
    use std::os::raw::{c_char, c_int, c_void};
    include!(concat!(env!("OUT_DIR"), "/ffi.rs"));
}

pub use ffi::{Action, Code, Delivery, EnsureResult, Error, Quota, State, Status, Type};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::{null, null_mut};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message) // what is wrong, and the mend
    }
}

impl std::error::Error for Error {}

/// Of any call; all but the status is ensure's.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: Status,
    pub result: EnsureResult,
}

/// A certificate as PEM, borrowed; two-way where there is a client CA. No Debug: a key belongs into no log.
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

/// Carries out a request: method, URL, headers, body, time. The body holds the private key: make no copy that stays.
type Transport = dyn FnMut(&str, &str, &[&str], &[u8], Duration) -> Result<(i32, Vec<u8>), Delivery> + Send;
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

struct Handle(*mut ffi::emqx_tls_client);
unsafe impl Send for Handle {} // it has no thread of its own, and its callbacks are Send

/// Ends the call that runs, from any thread. Where the client is gone it does nothing.
#[derive(Clone)]
pub struct Interrupter(Arc<Mutex<Handle>>);
impl Interrupter {
    pub fn interrupt(&self) {
        unsafe { ffi::emqx_tls_client_interrupt(self.0.lock().unwrap().0) }
    }
}

/// A call under way, for cancel. Where it is over by then nothing happens.
#[derive(Clone)]
pub struct Call(Rc<Cell<*mut ffi::emqx_tls_call>>);
struct Pending(Box<dyn FnOnce(Result<Outcome, Error>)>, Call);

/// A call of the library that fills an error.
fn checked(call: impl FnOnce(*mut ffi::emqx_tls_error) -> i32) -> Result<(), Error> {
    let mut error = ffi::emqx_tls_error::new();
    match call(&mut error) {
        0 => Ok(()),
        _ => Err((&error).into()),
    }
}

fn c_text(from: &str) -> Result<CString, Error> {
    let mut error: Error = (&ffi::emqx_tls_error::new()).into();
    (error.code, error.message) = (Code::Invalid, "a text has a NUL in it".into());
    CString::new(from).map_err(|_| error)
}

fn maybe(from: &Option<String>) -> Result<Option<CString>, Error> {
    from.as_deref().map(c_text).transpose()
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |t| t.as_ptr())
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn request(r: &Request) -> ffi::emqx_tls_request {
    let mut c = ffi::emqx_tls_request::new();
    c.r#type = if r.cacert.is_empty() { ffi::EMQX_TLS_TYPE_ONE_WAY } else { ffi::EMQX_TLS_TYPE_TWO_WAY };
    (c.cert, c.cert_len) = (r.cert.as_ptr().cast(), r.cert.len());
    (c.key, c.key_len) = (r.key.as_ptr().cast(), r.key.len());
    (c.cacert, c.cacert_len) = (r.cacert.as_ptr().cast(), r.cacert.len());
    c
}

pub struct Client(Handle, Interrupter);
impl Client {
    /// Makes a client. Nothing is sent.
    pub fn open(config: Config) -> Result<Client, Error> {
        let (endpoint, key, ca_file) = (c_text(&config.endpoint)?, c_text(&config.api_key)?, maybe(&config.ca_file)?);
        let quota_file = maybe(&config.quota_file)?;
        let mut secret = c_text(&config.api_secret)?.into_bytes_with_nul();
        let (mut c, mut vtable, mut client) = (ffi::emqx_tls_config::new(), ffi::emqx_tls_transport::new(), null_mut());
        (c.endpoint, c.api_key, c.api_secret) = (endpoint.as_ptr(), key.as_ptr(), secret.as_ptr().cast());
        (c.ca_file, c.quota_wait_ms) = (pointer(&ca_file), milliseconds(config.quota_wait));
        c.timeout_ms = config.timeout.map_or(c.timeout_ms, milliseconds);
        let has_transport = config.transport.is_some();
        c.log = if config.log.is_some() { Some(log) } else { None };
        c.log_user = Box::into_raw(Box::new((config.transport, config.log) as Hooks)).cast();
        c.log_destroy = Some(destroy); // behind the last callback
        vtable.start = Some(start);
        vtable.context = c.log_user;
        c.transport = if has_transport { &vtable } else { null() };
        let quota = quota_file.map_or(Ok(()), |path| {
            checked(|e| unsafe { ffi::emqx_tls_limiter_open_file(path.as_ptr(), null(), &mut c.limiter, e) })
        });
        let opened = quota.and_then(|_| checked(|e| unsafe { ffi::emqx_tls_client_new(&c, &mut client, e) }));
        unsafe { ffi::emqx_tls_limiter_unref(c.limiter) } // the client has a reference of its own
        secret.iter_mut().for_each(|byte| unsafe { std::ptr::write_volatile(byte, 0) });
        if opened.is_err() {
            unsafe { destroy(c.log_user) }
        }
        opened.map(|_| Client(Handle(client), Interrupter(Arc::new(Mutex::new(Handle(client))))))
    }

    pub fn interrupter(&self) -> Interrupter {
        self.1.clone()
    }

    /// Starts a call. `done` comes once: from `run`, from `call`, or from the end of the client.
    pub fn submit(
        &mut self,
        id: &str,
        op: Op,
        done: impl FnOnce(Result<Outcome, Error>) + 'static,
    ) -> Result<Call, Error> {
        let (text, call, mut handle) = (c_text(id)?, Call(Rc::new(Cell::new(null_mut()))), null_mut());
        let mut o = ffi::emqx_tls_ensure_options::new();
        let given = if let Op::Ensure(_, given) = &op { given.clone() } else { Default::default() };
        let (receipts, host) = (maybe(&given.receipt_dir)?, maybe(&given.probe_host)?);
        (o.wait_ms, o.flags) = (milliseconds(given.wait), given.flags);
        (o.receipt_dir, o.probe_host) = (pointer(&receipts), pointer(&host));
        let user = Box::into_raw(Box::new(Pending(Box::new(done), call.clone())));
        let (c, id, over, u, h) = (self.0 .0, text.as_ptr(), Some(over as _), user.cast(), &mut handle);
        let started = checked(|e| unsafe {
            match op {
                Op::Get => ffi::emqx_tls_submit(c, ffi::EMQX_TLS_OP_GET, id, null(), over, u, h, e),
                Op::Create(r) => ffi::emqx_tls_submit(c, ffi::EMQX_TLS_OP_CREATE, id, &request(r), over, u, h, e),
                Op::Update(r) => ffi::emqx_tls_submit(c, ffi::EMQX_TLS_OP_UPDATE, id, &request(r), over, u, h, e),
                Op::Delete => ffi::emqx_tls_submit(c, ffi::EMQX_TLS_OP_DELETE, id, null(), over, u, h, e),
                Op::Wait(time) => ffi::emqx_tls_submit_wait(c, id, null(), milliseconds(time), over, u, h, e),
                Op::Remove(time) => ffi::emqx_tls_submit_remove(c, id, milliseconds(time), over, u, h, e),
                Op::Ensure(r, _) => ffi::emqx_tls_submit_ensure(c, id, &request(r), &o, over, u, h, e),
            }
        });
        if started.is_err() {
            drop(unsafe { Box::from_raw(user) });
        }
        call.0.set(handle);
        started.map(|_| call)
    }

    /// Runs a call to its end. Where it was interrupted it ends as Cancelled.
    pub fn call(&mut self, id: &str, op: Op) -> Result<Outcome, Error> {
        let ended = Rc::new(Cell::new(None));
        let told = ended.clone();
        let call = self.submit(id, op, move |outcome| told.set(Some(outcome)))?;
        loop {
            match (self.run(None), ended.take()) {
                (_, Some(outcome)) => return outcome,
                (Err(_), None) => self.cancel(&call),
                (Ok(()), None) => (),
            }
        }
    }

    pub fn cancel(&mut self, call: &Call) {
        unsafe { ffi::emqx_tls_cancel(self.0 .0, call.0.get()) }
    }

    /// Moves all calls on, for at most so long; None: until one is over.
    pub fn run(&mut self, time: Option<Duration>) -> Result<(), Error> {
        let time = time.map_or(-1, |t| i32::try_from(t.as_millis()).unwrap_or(i32::MAX));
        checked(|e| unsafe { ffi::emqx_tls_client_run(self.0 .0, time, e) })
    }

    /// For an event loop: as long as it is readable, run with no time.
    pub fn fd(&mut self) -> i32 {
        unsafe { ffi::emqx_tls_client_fd(self.0 .0) }
    }

    /// What is left of reads, or of writes.
    pub fn quota(&mut self, writes: bool) -> Result<Quota, Error> {
        let (limiter, mut q) = (unsafe { ffi::emqx_tls_client_limiter(self.0 .0) }, ffi::emqx_tls_quota::new());
        let op = if writes { ffi::EMQX_TLS_OP_UPDATE } else { ffi::EMQX_TLS_OP_GET };
        checked(|e| unsafe { ffi::emqx_tls_limiter_query(limiter, op, null(), &mut q, e) }).map(|_| (&q).into())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.1 .0.lock().unwrap().0 = null_mut();
        unsafe { ffi::emqx_tls_client_free(self.0 .0) }
    }
}

// -- called by C. A panic can't go through it: it ends here.

type Hooks = (Option<Box<Transport>>, Option<Box<Log>>);

unsafe extern "C" fn destroy(hooks: *mut c_void) {
    drop(Box::from_raw(hooks.cast::<Hooks>()))
}

unsafe extern "C" fn over(user: *mut c_void, call: *mut ffi::emqx_tls_call, _code: i32) {
    let Pending(done, handle) = *Box::from_raw(user.cast::<Pending>());
    let (mut s, mut r) = (ffi::emqx_tls_status::new(), ffi::emqx_tls_ensure_result::new());
    let ended = checked(|e| (ffi::emqx_tls_call_result(call, &mut s, e), (*e).code).1);
    ffi::emqx_tls_call_ensure_result(call, &mut r);
    handle.0.set(null_mut());
    let told = ended.map(|_| Outcome { status: (&s).into(), result: (&r).into() });
    let _ = catch_unwind(AssertUnwindSafe(|| done(told)));
}

unsafe extern "C" fn log(hooks: *mut c_void, level: i32, line: *const c_char) {
    let line = CStr::from_ptr(line).to_string_lossy();
    let _ = catch_unwind(AssertUnwindSafe(|| (*hooks.cast::<Hooks>()).1.as_mut().map(|log| log(level, &line))));
}

unsafe extern "C" fn start(hooks: *mut c_void, x: *const ffi::emqx_tls_exchange, _: *mut *mut c_void) -> i32 {
    let (x, transport) = (&*x, (*hooks.cast::<Hooks>()).0.as_mut().unwrap());
    let read = |t: *const c_char| CStr::from_ptr(t).to_str().unwrap_or("");
    let headers: Vec<_> = (0..).map(|i| *x.headers.add(i)).take_while(|line| !line.is_null()).map(read).collect();
    let body = if x.body.is_null() { &[] } else { std::slice::from_raw_parts(x.body.cast(), x.body_len) };
    let (method, url, time) = (read(x.method), read(x.url), Duration::from_millis(x.timeout_ms.into()));
    let answer = catch_unwind(AssertUnwindSafe(|| transport(method, url, &headers, body, time)));
    let mut reply: ffi::emqx_tls_reply = std::mem::zeroed(); // delivery MAYBE: one that panics may have sent
    (reply.size, reply.code) = (std::mem::size_of_val(&reply) as u32, Code::Transport as i32);
    match &answer {
        Ok(Ok((status, body))) => {
            (reply.code, reply.delivery, reply.http_status) = (0, Delivery::Answered as u32, *status);
            (reply.body, reply.body_len) = (body.as_ptr().cast(), body.len());
        }
        Ok(Err(delivery)) => reply.delivery = *delivery as u32,
        Err(_) => (),
    }
    x.done.unwrap()(x.done_user, &reply);
    0
}
