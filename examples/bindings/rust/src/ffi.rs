// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

//! The C ABI: what of the headers this crate uses, by hand. The structs may grow at their end in a later release; each is
//! set up by the library with the size that it has here.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_void};

pub enum Client {}
pub enum Call {}
pub enum Limiter {}

macro_rules! sized {
    ($($name:ident, $init:ident { $($member:ident: $kind:ty),* $(,)? })*) => {$(
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { pub size: u32, $(pub $member: $kind),* }
        extern "C" { fn $init(p: *mut $name, size: usize); }
        impl $name {
            pub fn new() -> $name {
                let mut value = std::mem::MaybeUninit::<$name>::uninit();
                unsafe {
                    $init(value.as_mut_ptr(), std::mem::size_of::<$name>());
                    value.assume_init()
                }
            }
        }
    )*}
}

sized! {
    Error, emqx_tls_error_init_size {
        code: i32, http_status: i32, attempts: u32, delivery: u32, reserved: u32, retry_after_ms: i64,
        api_code: [c_char; 64], message: [c_char; 256],
    }
    Status, emqx_tls_status_init_size {
        state: u32, kind: u32, reserved: u32, expire: i64, state_text: [c_char; 32], type_text: [c_char; 32],
        expire_text: [c_char; 32], common_name: [c_char; 256],
    }
    Request, emqx_tls_request_init_size {
        kind: u32, cert: *const u8, cert_len: usize, key: *const u8, key_len: usize, cacert: *const u8, cacert_len: usize,
    }
    Config, emqx_tls_config_init_size {
        flags: u32, endpoint: *const c_char, api_key: *const c_char, api_secret: *const c_char, ca_file: *const c_char,
        proxy: *const c_char, connect_timeout_ms: u32, timeout_ms: u32, quota_wait_ms: u32, reserved: u32,
        limiter: *mut Limiter, transport: *const Transport, clock: *const c_void, allocator: *const c_void,
        log: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char)>, log_user: *mut c_void, log_destroy: usize,
    }
    EnsureOptions, emqx_tls_ensure_options_init_size {
        flags: u32, wait_ms: u32, reserved: u32, policy: *const c_void, receipt_dir: *const c_char, expire_offset_s: i32,
        probe_port: u32, probe_host: *const c_char,
    }
    EnsureResult, emqx_tls_ensure_result_init_size {
        action: u32, reads: u32, writes: u32, certain: u32, expire_offset_s: i32,
    }
    Quota, emqx_tls_quota_init_size {
        limit: u32, used: u32, remaining: u32, next_ms: i64, reason: u32, reserved: u32,
    }
    Transport, emqx_tls_transport_init_size {
        reserved: u32, context: *mut c_void,
        start: Option<unsafe extern "C" fn(*mut c_void, *const Exchange, *mut *mut c_void) -> i32>,
        unused: [usize; 6],
    }
}

#[repr(C)]
pub struct Exchange {
    pub size: u32,
    pub flags: u32,
    pub method: *const c_char,
    pub url: *const c_char,
    pub headers: *const *const c_char,
    pub body: *const u8,
    pub body_len: usize,
    pub connect_timeout_ms: u32,
    pub timeout_ms: u32,
    pub reply_max: usize,
    pub done: unsafe extern "C" fn(*mut c_void, *const Reply),
    pub done_user: *mut c_void,
}

#[repr(C)]
pub struct Reply {
    pub size: u32,
    pub code: i32,
    pub delivery: u32,
    pub http_status: i32,
    pub body: *const u8,
    pub body_len: usize,
    pub retry_after: *const c_char,
    pub date: *const c_char,
    pub detail: *const c_char,
    pub flags: u32,
    pub reserved: u32,
}

pub type Done = unsafe extern "C" fn(*mut c_void, *const Call, i32);

extern "C" {
    pub fn emqx_tls_code_name(code: i32) -> *const c_char;
    pub fn emqx_tls_client_new(config: *const Config, client: *mut *mut Client, error: *mut Error) -> i32;
    pub fn emqx_tls_client_free(client: *mut Client);
    pub fn emqx_tls_client_interrupt(client: *mut Client);
    pub fn emqx_tls_client_fd(client: *mut Client) -> c_int;
    pub fn emqx_tls_client_run(client: *mut Client, timeout_ms: c_int, error: *mut Error) -> i32;
    pub fn emqx_tls_client_limiter(client: *mut Client) -> *mut Limiter;
    pub fn emqx_tls_submit(
        client: *mut Client, op: u32, id: *const c_char, request: *const Request, done: Done, user: *mut c_void,
        call: *mut *mut Call, error: *mut Error,
    ) -> i32;
    pub fn emqx_tls_submit_ensure(
        client: *mut Client, id: *const c_char, request: *const Request, options: *const EnsureOptions, done: Done,
        user: *mut c_void, call: *mut *mut Call, error: *mut Error,
    ) -> i32;
    pub fn emqx_tls_submit_wait(
        client: *mut Client, id: *const c_char, expected: *const Request, wait_ms: u32, done: Done, user: *mut c_void,
        call: *mut *mut Call, error: *mut Error,
    ) -> i32;
    pub fn emqx_tls_submit_remove(
        client: *mut Client, id: *const c_char, wait_ms: u32, done: Done, user: *mut c_void, call: *mut *mut Call,
        error: *mut Error,
    ) -> i32;
    pub fn emqx_tls_cancel(client: *mut Client, call: *mut Call);
    pub fn emqx_tls_call_result(call: *const Call, status: *mut Status, error: *mut Error);
    pub fn emqx_tls_call_ensure_result(call: *const Call, result: *mut EnsureResult);
    pub fn emqx_tls_limiter_open_file(
        path: *const c_char, config: *const c_void, limiter: *mut *mut Limiter, error: *mut Error,
    ) -> i32;
    pub fn emqx_tls_limiter_unref(limiter: *mut Limiter);
    pub fn emqx_tls_limiter_query(
        limiter: *mut Limiter, op: u32, id: *const c_char, quota: *mut Quota, error: *mut Error,
    ) -> i32;
}
