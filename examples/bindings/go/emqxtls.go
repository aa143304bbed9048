// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

// Package emqxtls is libemqxtls for Go, by cgo. Goroutines may share a client: its calls run one after another. A
// context ends a call. README.md tells of threads, cancellation and secrets.
package emqxtls

/*
#cgo pkg-config: emqxtls
#include <stdlib.h>
#include <string.h>
#include <emqxtls/emqxtls.h>
extern void emqxtlsLog(void *user, int32_t level, char *line);
extern emqx_tls_code emqxtlsStart(void *context, emqx_tls_exchange *exchange, void **handle);
static void hooks(emqx_tls_config *c, emqx_tls_transport *t, uintptr_t user, int log, int transport)
{
    c->log_user = t->context = (void *)user;
    c->log = log ? (emqx_tls_log_fn)emqxtlsLog : NULL;
    t->start = (emqx_tls_code(*)(void *, const emqx_tls_exchange *, void **))emqxtlsStart;
    c->transport = transport ? t : NULL;
}
static const char *line(const emqx_tls_exchange *x, size_t i) { return x->headers[i]; }
static void finish(const emqx_tls_exchange *x, const emqx_tls_reply *r) { x->done(x->done_user, r); }
static emqx_tls_code run(emqx_tls_client *c, uint32_t op, const char *id, const emqx_tls_request *r,
                         const emqx_tls_ensure_options *o, emqx_tls_status *s, emqx_tls_ensure_result *e, emqx_tls_error *error)
{
    switch (op) {
    case EMQX_TLS_OP_GET: return emqx_tls_get(c, id, s, error);
    case EMQX_TLS_OP_CREATE: return emqx_tls_create(c, id, r, s, error);
    case EMQX_TLS_OP_UPDATE: return emqx_tls_update(c, id, r, s, error);
    case EMQX_TLS_OP_DELETE: return emqx_tls_delete(c, id, error);
    case 5: return emqx_tls_wait(c, id, NULL, o->wait_ms, s, error);
    case 6: return emqx_tls_remove(c, id, o->wait_ms, error);
    default: return emqx_tls_ensure(c, id, r, o, e, s, error);
    }
}
static void wipe(char *p, size_t n) { if (p) explicit_bzero(p, n); free(p); }
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"
)

type (
	Code     int32
	State    uint32
	Type     uint32
	Action   uint32
	Op       uint32
	Delivery uint32
)

// The numbers are those of the headers; these are the ones that programs ask for most.
const (
	RateLimited Code     = C.EMQX_TLS_E_RATE_LIMITED
	Cancelled   Code     = C.EMQX_TLS_E_CANCELLED
	NotFound    Code     = C.EMQX_TLS_E_NOT_FOUND
	Maybe       Delivery = C.EMQX_TLS_DELIVERY_MAYBE
	NotSent     Delivery = C.EMQX_TLS_DELIVERY_NOT_SENT
	Absent      State    = C.EMQX_TLS_STATE_ABSENT
	Running     State    = C.EMQX_TLS_STATE_RUNNING
	Unchanged   Action   = C.EMQX_TLS_ACTION_UNCHANGED
	Reads       Op       = C.EMQX_TLS_OP_GET // for Quota
	Writes      Op       = C.EMQX_TLS_OP_UPDATE
)

func (c Code) String() string { return C.GoString(C.emqx_tls_code_name(C.emqx_tls_code(c))) }

// Error is how a call failed; Message names the thing and the mend.
type Error struct {
	Code             Code
	Delivery         Delivery
	HTTPStatus       int
	RetryAfter       time.Duration // below 0: not told
	APICode, Message string
	context          error // what ended the call
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Message }
func (e *Error) Unwrap() error { return e.context }

// Request is a certificate as PEM; two-way where there is a client CA.
type Request struct{ Cert, Key, CACert []byte }

func (Request) String() string { return "emqxtls.Request" } // a key belongs into no log

type Status struct {
	State      State
	Type       Type
	Expire     time.Time // zero: not told
	CommonName string
}

type Result struct {
	Action        Action
	Reads, Writes int
	Certain       bool
	Status        Status
}

type Options struct {
	Wait                  time.Duration
	Flags                 uint32
	ReceiptDir, ProbeHost string
}

type Exchange struct {
	Method, URL string
	Headers     []string
	Body        []byte // holds the private key
	Timeout     time.Duration
}

// Config of a client; what is zero is the library's default. An own transport that fails or panics may have sent.
type Config struct {
	Endpoint, APIKey, APISecret, CAFile, QuotaFile string
	Timeout, QuotaWait                             time.Duration
	Transport                                      func(Exchange) (status int, body []byte, err error)
	Log                                            func(level int, line string)
}

type Client struct {
	mutex  sync.Mutex
	handle *C.emqx_tls_client
	self   cgo.Handle
	config Config
}

// arena is what C borrows for a call. It is wiped and freed behind it.
type arena struct {
	texts []*C.char
	sizes []C.size_t
}

func (a *arena) text(s string) *C.char {
	if s == "" {
		return nil
	}
	p := C.CString(s)
	a.texts, a.sizes = append(a.texts, p), append(a.sizes, C.size_t(len(s)))
	return p
}

func (a *arena) free() {
	for i, p := range a.texts {
		C.wipe(p, a.sizes[i])
	}
}

func (a *arena) request(r Request) C.emqx_tls_request {
	var c C.emqx_tls_request
	C.emqx_tls_request_init_size(&c, C.sizeof_emqx_tls_request)
	c._type = C.EMQX_TLS_TYPE_ONE_WAY
	if len(r.CACert) > 0 {
		c._type = C.EMQX_TLS_TYPE_TWO_WAY
	}
	c.cert, c.cert_len = a.text(string(r.Cert)), C.size_t(len(r.Cert))
	c.key, c.key_len = a.text(string(r.Key)), C.size_t(len(r.Key))
	c.cacert, c.cacert_len = a.text(string(r.CACert)), C.size_t(len(r.CACert))
	return c
}

// outcome is what the calls fill.
type outcome struct {
	status C.emqx_tls_status
	result C.emqx_tls_ensure_result
	error  C.emqx_tls_error
}

func prepare() *outcome {
	var o outcome
	C.emqx_tls_status_init_size(&o.status, C.sizeof_emqx_tls_status)
	C.emqx_tls_ensure_result_init_size(&o.result, C.sizeof_emqx_tls_ensure_result)
	C.emqx_tls_error_init_size(&o.error, C.sizeof_emqx_tls_error)
	return &o
}

func (o *outcome) err(code C.emqx_tls_code, why error) error {
	if code == C.EMQX_TLS_OK {
		return nil
	}
	e := &o.error
	return &Error{Code(code), Delivery(e.delivery), int(e.http_status), time.Duration(e.retry_after_ms) * time.Millisecond,
		C.GoString(&e.api_code[0]), C.GoString(&e.message[0]), why}
}

func (o *outcome) read() Status {
	s := Status{State(o.status.state), Type(o.status._type), time.Time{}, C.GoString(&o.status.common_name[0])}
	if o.status.expire != -1<<63 {
		s.Expire = time.Unix(int64(o.status.expire), 0).UTC()
	}
	return s
}

// Open makes a client. Nothing is sent.
func Open(config Config) (*Client, error) {
	var a arena
	defer a.free()
	o, client := prepare(), &Client{config: config}
	c := (*C.emqx_tls_config)(C.calloc(1, C.sizeof_emqx_tls_config+C.sizeof_emqx_tls_transport))
	t := (*C.emqx_tls_transport)(unsafe.Add(unsafe.Pointer(c), C.sizeof_emqx_tls_config))
	defer C.free(unsafe.Pointer(c))
	C.emqx_tls_config_init_size(c, C.sizeof_emqx_tls_config)
	C.emqx_tls_transport_init_size(t, C.sizeof_emqx_tls_transport)
	c.endpoint, c.api_key, c.api_secret = a.text(config.Endpoint), a.text(config.APIKey), a.text(config.APISecret)
	c.ca_file, c.quota_wait_ms = a.text(config.CAFile), milliseconds(config.QuotaWait)
	if config.Timeout > 0 {
		c.timeout_ms = milliseconds(config.Timeout)
	}
	if config.QuotaFile != "" {
		if code := C.emqx_tls_limiter_open_file(a.text(config.QuotaFile), nil, &c.limiter, &o.error); code != C.EMQX_TLS_OK {
			return nil, o.err(code, nil)
		}
		defer C.emqx_tls_limiter_unref(c.limiter)
	}
	client.self = cgo.NewHandle(client)
	C.hooks(c, t, C.uintptr_t(client.self), set(config.Log != nil), set(config.Transport != nil))
	if code := C.emqx_tls_client_new(c, &client.handle, &o.error); code != C.EMQX_TLS_OK {
		client.self.Delete()
		return nil, o.err(code, nil)
	}
	return client, nil
}

func milliseconds(d time.Duration) C.uint32_t { return C.uint32_t(d.Milliseconds()) }

func set(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Close frees the client, behind the call that runs. Not from Transport or Log.
func (c *Client) Close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.handle != nil {
		C.emqx_tls_client_free(c.handle)
		c.self.Delete()
		c.handle = nil
	}
}

// call runs one, and ends it when the context does.
func (c *Client) call(ctx context.Context, op C.uint32_t, id string, r Request, given Options) (Result, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var a arena
	defer a.free()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	o, request := prepare(), a.request(r)
	var options C.emqx_tls_ensure_options
	C.emqx_tls_ensure_options_init_size(&options, C.sizeof_emqx_tls_ensure_options)
	options.wait_ms, options.flags = milliseconds(given.Wait), C.uint32_t(given.Flags)
	options.receipt_dir, options.probe_host = a.text(given.ReceiptDir), a.text(given.ProbeHost)
	over, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			C.emqx_tls_client_interrupt(c.handle)
		case <-over:
		}
	}()
	code := C.run(c.handle, op, a.text(id), &request, &options, &o.status, &o.result, &o.error)
	close(over)
	<-watched
	C.emqx_tls_client_run(c.handle, 0, nil) // takes back an interrupt that came too late
	e := &o.result
	return Result{Action(e.action), int(e.reads), int(e.writes), e.certain != 0, o.read()}, o.err(code, ctx.Err())
}

func (c *Client) Get(ctx context.Context, id string) (Status, error) {
	r, err := c.call(ctx, C.EMQX_TLS_OP_GET, id, Request{}, Options{})
	return r.Status, err
}

func (c *Client) Create(ctx context.Context, id string, r Request) (Status, error) {
	result, err := c.call(ctx, C.EMQX_TLS_OP_CREATE, id, r, Options{})
	return result.Status, err
}

func (c *Client) Update(ctx context.Context, id string, r Request) (Status, error) {
	result, err := c.call(ctx, C.EMQX_TLS_OP_UPDATE, id, r, Options{})
	return result.Status, err
}

func (c *Client) Delete(ctx context.Context, id string) error {
	_, err := c.call(ctx, C.EMQX_TLS_OP_DELETE, id, Request{}, Options{})
	return err
}

func (c *Client) Wait(ctx context.Context, id string, time time.Duration) (Status, error) {
	r, err := c.call(ctx, 5, id, Request{}, Options{Wait: time})
	return r.Status, err
}

func (c *Client) Remove(ctx context.Context, id string, time time.Duration) error {
	_, err := c.call(ctx, 6, id, Request{}, Options{Wait: time})
	return err
}

func (c *Client) Ensure(ctx context.Context, id string, r Request, options Options) (Result, error) {
	return c.call(ctx, 7, id, r, options)
}

// Quota tells how much of it is used, and the limit. It takes none.
func (c *Client) Quota(op Op) (used, limit int, err error) {
	o := prepare()
	var q C.emqx_tls_quota
	C.emqx_tls_quota_init_size(&q, C.sizeof_emqx_tls_quota)
	code := C.emqx_tls_limiter_query(C.emqx_tls_client_limiter(c.handle), C.uint32_t(op), nil, &q, &o.error)
	return int(q.used), int(q.limit), o.err(code, nil)
}

//export emqxtlsLog
func emqxtlsLog(user unsafe.Pointer, level C.int32_t, line *C.char) {
	defer func() { _ = recover() }() // a panic can't go through C
	cgo.Handle(user).Value().(*Client).config.Log(int(level), C.GoString(line))
}

//export emqxtlsStart
func emqxtlsStart(context unsafe.Pointer, x *C.emqx_tls_exchange, handle *unsafe.Pointer) C.emqx_tls_code {
	var a arena
	defer a.free()
	reply := (*C.emqx_tls_reply)(C.calloc(1, C.sizeof_emqx_tls_reply)) // delivery MAYBE: it may have sent
	defer C.free(unsafe.Pointer(reply))
	reply.size, reply.code = C.sizeof_emqx_tls_reply, C.EMQX_TLS_E_TRANSPORT
	func() {
		defer func() { _ = recover() }()
		exchange := Exchange{Method: C.GoString(x.method), URL: C.GoString(x.url), Timeout: time.Duration(x.timeout_ms) * time.Millisecond}
		for i := C.size_t(0); C.line(x, i) != nil; i++ {
			exchange.Headers = append(exchange.Headers, C.GoString(C.line(x, i)))
		}
		exchange.Body = C.GoBytes(unsafe.Pointer(x.body), C.int(x.body_len))
		status, body, err := cgo.Handle(context).Value().(*Client).config.Transport(exchange)
		if err == nil {
			reply.code, reply.delivery, reply.http_status = C.EMQX_TLS_OK, C.EMQX_TLS_DELIVERY_ANSWERED, C.int32_t(status)
			reply.body, reply.body_len = a.text(string(body)), C.size_t(len(body))
		}
	}()
	C.finish(x, reply)
	return C.EMQX_TLS_OK
}
