// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

// Package emqxtls is libemqxtls for Go, by cgo. Goroutines may share a client: its calls run one after another. A
// context ends a call, and the wait for its turn. README.md tells of threads, cancellation and secrets.
package emqxtls

/*
#cgo pkg-config: emqxtls
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <emqxtls/emqxtls.h>
typedef struct { // what calls borrow, and fill
    emqx_tls_config config; emqx_tls_transport transport; emqx_tls_reply reply;
    emqx_tls_request request; emqx_tls_ensure_options options;
    emqx_tls_status status; emqx_tls_ensure_result result; emqx_tls_quota quota; emqx_tls_error error;
} call;
static uint32_t type_of(size_t cacert_len) { return cacert_len ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY; }
static void set_up(call *x)
{
    emqx_tls_config_init(&x->config), emqx_tls_transport_init(&x->transport), emqx_tls_ensure_options_init(&x->options);
    emqx_tls_request_init(&x->request), emqx_tls_status_init(&x->status), emqx_tls_ensure_result_init(&x->result);
    emqx_tls_quota_init(&x->quota), emqx_tls_error_init(&x->error);
    x->reply.size = sizeof x->reply, x->reply.code = EMQX_TLS_E_TRANSPORT; // delivery MAYBE
}
#define OPERATION(name, ...) \
    static emqx_tls_code do_##name(emqx_tls_client *c, const char *id, call *x) { return emqx_tls_##name(c, id, __VA_ARGS__); }
OPERATION(get, &x->status, &x->error)
OPERATION(create, &x->request, &x->status, &x->error)
OPERATION(update, &x->request, &x->status, &x->error)
OPERATION(delete, &x->error)
OPERATION(wait, NULL, x->options.wait_ms, &x->status, &x->error)
OPERATION(remove, x->options.wait_ms, &x->error)
OPERATION(ensure, &x->request, &x->options, &x->result, &x->status, &x->error)
enum { GET, CREATE, UPDATE, DELETE, WAIT, REMOVE, ENSURE };
static emqx_tls_code (*const operations[])(emqx_tls_client *, const char *, call *) = {
    do_get, do_create, do_update, do_delete, do_wait, do_remove, do_ensure};
static emqx_tls_code run(int op, emqx_tls_client *c, const char *id, call *x) { return operations[op](c, id, x); }
extern void emqxtlsLog(void *user, int32_t level, char *line);
extern emqx_tls_code emqxtlsStart(void *context, emqx_tls_exchange *exchange, void **handle);
static void finish(const emqx_tls_exchange *x, const emqx_tls_reply *r) { x->done(x->done_user, r); }
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"time"
	"unsafe"
)

type (
	Error struct { // how a call failed; Message names the thing and the mend
		Code, Delivery   string // such as "RATE_LIMITED"; "maybe", "not-sent" or "answered"
		HTTPStatus       int
		RetryAfter       time.Duration // below 0: not told
		Permanent        bool          // trying again can't help
		APICode, Message string
		context          error // what ended the call
	}
	Request struct{ Cert, Key, CACert []byte } // as PEM; two-way where there is a client CA
	Result  struct {                           // of any call; Action and what follows is of Ensure
		State, Type, CommonName string    // such as "running", "one-way"
		Expire                  time.Time // zero: not told
		Action, Warning         string    // "none", "unchanged", "created", "updated"; the first warning
		Reads, Writes, Warnings int
		Certain, TypeChanges    bool
	}
	Options struct { // for Ensure
		Wait                  time.Duration
		Flags                 uint32 // Force, ...
		ReceiptDir, ProbeHost string
	}
	// Transport carries a request out. The body holds the private key. One that fails or panics may have sent.
	Transport func(method, url string, headers []string, body []byte, timeout time.Duration) (int, []byte, error)
	Config    struct { // what is zero is the library's default
		Endpoint, APIKey, APISecret, CAFile, QuotaFile string
		Timeout, QuotaWait                             time.Duration
		Transport                                      Transport
		Log                                            func(level int, line string)
	}
	Client struct {
		turn   chan struct{} // holds one: who has put it there is inside
		handle *C.emqx_tls_client
		self   cgo.Handle
		config Config
	}
)

const Force, AllowEarlier, DryRun uint32 = C.EMQX_TLS_FORCE, C.EMQX_TLS_ALLOW_EARLIER, C.EMQX_TLS_DRY_RUN // for Options.Flags

func (e *Error) Error() string { return e.Code + ": " + e.Message }
func (e *Error) Unwrap() error { return e.context }
func (Request) String() string { return "emqxtls.Request" } // a key belongs into no log

type arena []unsafe.Pointer // what C borrows: wiped and freed behind the call

func begin() (*arena, *C.call) {
	a := new(arena)
	x := (*C.call)(a.make(C.sizeof_call))
	C.set_up(x)
	return a, x
}

func (a *arena) make(size C.size_t) unsafe.Pointer {
	*a = append(*a, C.calloc(1, size))
	return (*a)[len(*a)-1]
}

func (a *arena) free() {
	for _, p := range *a {
		C.explicit_bzero(p, C.malloc_usable_size(p))
		C.free(p)
	}
}

func text[T string | []byte](a *arena, s T) *C.char { // straight there: a string made of a key would stay
	if len(s) == 0 {
		return nil
	}
	p := (*C.char)(a.make(C.size_t(len(s) + 1)))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(p)), len(s)), s)
	return p
}

func milliseconds(d time.Duration) C.uint32_t { return C.uint32_t(d.Milliseconds()) }

func told(code C.emqx_tls_code, e *C.emqx_tls_error, why error) error {
	if code == C.EMQX_TLS_OK {
		return nil
	}
	return &Error{C.GoString(C.emqx_tls_code_name(code)), C.GoString(C.emqx_tls_delivery_name(e.delivery)), int(e.http_status),
		time.Duration(e.retry_after_ms) * time.Millisecond, e.permanent != 0, C.GoString(&e.api_code[0]),
		C.GoString(&e.message[0]), why}
}

func Open(config Config) (*Client, error) { // nothing is sent
	a, x := begin()
	defer a.free()
	client, c, t := &Client{config: config, turn: make(chan struct{}, 1)}, &x.config, &x.transport
	c.endpoint, c.api_key, c.api_secret = text(a, config.Endpoint), text(a, config.APIKey), text(a, config.APISecret)
	c.ca_file, c.quota_wait_ms = text(a, config.CAFile), milliseconds(config.QuotaWait)
	if config.Timeout > 0 {
		c.timeout_ms = milliseconds(config.Timeout)
	}
	if config.QuotaFile != "" {
		if code := C.emqx_tls_limiter_open_file(text(a, config.QuotaFile), nil, &c.limiter, &x.error); code != C.EMQX_TLS_OK {
			return nil, told(code, &x.error, nil)
		}
		defer C.emqx_tls_limiter_unref(c.limiter) // the client has a reference of its own
	}
	client.self = cgo.NewHandle(client) // a number, where C wants a pointer
	*(*cgo.Handle)(unsafe.Pointer(&c.log_user)), *(*cgo.Handle)(unsafe.Pointer(&t.context)) = client.self, client.self
	if config.Log != nil {
		c.log = C.emqx_tls_log_fn(C.emqxtlsLog)
	}
	if config.Transport != nil {
		t.start, c.transport = (*[0]byte)(C.emqxtlsStart), t
	}
	if code := C.emqx_tls_client_new(c, &client.handle, &x.error); code != C.EMQX_TLS_OK {
		client.self.Delete()
		return nil, told(code, &x.error, nil)
	}
	return client, nil
}

func (c *Client) Close() { // behind the call that runs; not from Transport or Log
	c.turn <- struct{}{}
	if c.handle != nil {
		C.emqx_tls_client_free(c.handle)
		c.self.Delete()
		c.handle = nil
	}
	<-c.turn
}

func (c *Client) call(ctx context.Context, op C.int, id string, r Request, given Options) (Result, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	a, x := begin()
	defer a.free()
	x.request.cert, x.request.cert_len = text(a, r.Cert), C.size_t(len(r.Cert))
	x.request.key, x.request.key_len = text(a, r.Key), C.size_t(len(r.Key))
	x.request.cacert, x.request.cacert_len = text(a, r.CACert), C.size_t(len(r.CACert))
	x.request._type = C.type_of(x.request.cacert_len)
	x.options.wait_ms, x.options.flags = milliseconds(given.Wait), C.uint32_t(given.Flags)
	x.options.receipt_dir, x.options.probe_host = text(a, given.ReceiptDir), text(a, given.ProbeHost)
	interrupted := make(chan struct{})
	watched, over := context.WithCancel(ctx)
	go func() {
		<-watched.Done()
		if ctx.Err() != nil {
			C.emqx_tls_client_interrupt(c.handle)
		}
		close(interrupted)
	}()
	code := C.run(op, c.handle, text(a, id), x)
	over()
	<-interrupted
	C.emqx_tls_client_run(c.handle, 0, nil) // takes back an interrupt that came too late
	s, e := &x.status, &x.result
	result := Result{C.GoString(C.emqx_tls_state_name(s.state)), C.GoString(C.emqx_tls_type_name(s._type)),
		C.GoString(&s.common_name[0]), time.Time{}, C.GoString(C.emqx_tls_action_name(e.action)), C.GoString(&e.warning[0]),
		int(e.reads), int(e.writes), int(e.warnings), e.certain != 0, e.type_changes != 0}
	if s.expire != -1<<63 {
		result.Expire = time.Unix(int64(s.expire), 0).UTC()
	}
	return result, told(code, &x.error, ctx.Err())
}

func (c *Client) Get(ctx context.Context, id string) (Result, error) {
	return c.call(ctx, C.GET, id, Request{}, Options{})
}
func (c *Client) Create(ctx context.Context, id string, r Request) (Result, error) {
	return c.call(ctx, C.CREATE, id, r, Options{})
}
func (c *Client) Update(ctx context.Context, id string, r Request) (Result, error) {
	return c.call(ctx, C.UPDATE, id, r, Options{})
}
func (c *Client) Delete(ctx context.Context, id string) (Result, error) {
	return c.call(ctx, C.DELETE, id, Request{}, Options{})
}
func (c *Client) Wait(ctx context.Context, id string, time time.Duration) (Result, error) {
	return c.call(ctx, C.WAIT, id, Request{}, Options{Wait: time})
}
func (c *Client) Remove(ctx context.Context, id string, time time.Duration) (Result, error) {
	return c.call(ctx, C.REMOVE, id, Request{}, Options{Wait: time})
}
func (c *Client) Ensure(ctx context.Context, id string, r Request, options Options) (Result, error) {
	return c.call(ctx, C.ENSURE, id, r, options)
}

func (c *Client) Quota(writes bool) (used, limit int, err error) { // of writes or of reads; takes none
	a, x := begin()
	defer a.free()
	op := map[bool]C.uint32_t{false: C.EMQX_TLS_OP_GET, true: C.EMQX_TLS_OP_UPDATE}[writes]
	code := C.emqx_tls_limiter_query(C.emqx_tls_client_limiter(c.handle), op, nil, &x.quota, &x.error)
	return int(x.quota.used), int(x.quota.limit), told(code, &x.error, nil)
}

//export emqxtlsLog
func emqxtlsLog(user unsafe.Pointer, level C.int32_t, line *C.char) {
	defer func() { _ = recover() }() // a panic can't go through C
	cgo.Handle(user).Value().(*Client).config.Log(int(level), C.GoString(line))
}

//export emqxtlsStart
func emqxtlsStart(context unsafe.Pointer, x *C.emqx_tls_exchange, _ *unsafe.Pointer) C.emqx_tls_code {
	a, c := begin()
	defer a.free()
	defer C.finish(x, &c.reply)
	defer func() { _ = recover() }() // a panic can't go through C: it may have sent
	var headers []string
	for line := x.headers; *line != nil; line = (**C.char)(unsafe.Add(unsafe.Pointer(line), unsafe.Sizeof(*line))) {
		headers = append(headers, C.GoString(*line))
	}
	status, body, err := cgo.Handle(context).Value().(*Client).config.Transport(C.GoString(x.method), C.GoString(x.url), headers,
		C.GoBytes(unsafe.Pointer(x.body), C.int(x.body_len)), time.Duration(x.timeout_ms)*time.Millisecond)
	if err == nil {
		c.reply.code, c.reply.delivery, c.reply.http_status = C.EMQX_TLS_OK, C.EMQX_TLS_DELIVERY_ANSWERED, C.int32_t(status)
		c.reply.body, c.reply.body_len = text(a, body), C.size_t(len(body))
	}
	return C.EMQX_TLS_OK
}
