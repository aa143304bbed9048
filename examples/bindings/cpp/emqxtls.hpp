// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// emqxtls.hpp - libemqxtls for C++17: header only, RAII, a result type instead of exceptions. The structs are those of the C
// headers, set up; their enumerations and flags too.
//
//     emqxtls::Config config;
//     config.endpoint = endpoint, config.api_key = key, config.api_secret = secret;
//     auto client = emqxtls::Client::open(config);
//     if (!client)
//         return std::puts(client.error().message);
//     auto done = client->call(emqxtls::ensure("ge6a1a75", {cert, key}, {std::chrono::minutes(10)}));
//     client->submit(emqxtls::get("ge6a1a75"), [](auto outcome) { ... }); // comes from client->run
//
// README.md tells of threads, cancellation and secrets.
#ifndef EMQXTLS_HPP
#define EMQXTLS_HPP

#include <emqxtls/emqxtls.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace emqxtls
{

using std::chrono::milliseconds;

// A struct of C, set up.
template <class Struct, void (*init)(Struct *, std::size_t)> struct Made : Struct {
    Made() { init(this, sizeof(Struct)); }
};
using Error = Made<emqx_tls_error, emqx_tls_error_init_size>;
using Status = Made<emqx_tls_status, emqx_tls_status_init_size>;
using Quota = Made<emqx_tls_quota, emqx_tls_quota_init_size>;

// Of any call; all but the status is ensure's.
struct Outcome : Made<emqx_tls_ensure_result, emqx_tls_ensure_result_init_size> {
    Status status;
};

struct EnsureOptions : Made<emqx_tls_ensure_options, emqx_tls_ensure_options_init_size> {
    EnsureOptions(milliseconds wait = {}) { wait_ms = std::uint32_t(wait.count()); }
};

// A certificate as PEM, borrowed; two-way where there is a client CA.
struct Request : Made<emqx_tls_request, emqx_tls_request_init_size> {
    Request(std::string_view cert_pem, std::string_view key_pem, std::string_view ca_pem = {})
    {
        type = ca_pem.empty() ? EMQX_TLS_TYPE_ONE_WAY : EMQX_TLS_TYPE_TWO_WAY;
        cert = cert_pem.data(), cert_len = cert_pem.size();
        key = key_pem.data(), key_len = key_pem.size();
        cacert = ca_pem.data(), cacert_len = ca_pem.size();
    }
};

// A value, or why there is none.
template <class T> class [[nodiscard]] Result
{
  public:
    Result(T value) : told_(std::move(value)) {}
    Result(Error error) : told_(error) {}
    Result(emqx_tls_code code, const Error &error, T value) : told_(error)
    {
        if (code == EMQX_TLS_OK)
            told_ = std::move(value);
    }
    explicit operator bool() const { return told_.index() == 0; }
    T &operator*() { return std::get<0>(told_); }
    T *operator->() { return &std::get<0>(told_); }
    const Error &error() const { return std::get<1>(told_); }

  private:
    std::variant<T, Error> told_;
};

// What an own transport answers with. Where there is no answer it sets code and delivery.
struct Reply : emqx_tls_reply {
    Reply(int status = 0, std::string bytes = {}) : emqx_tls_reply{}, text(std::move(bytes))
    {
        size = sizeof(emqx_tls_reply), http_status = status;
        code = status ? EMQX_TLS_OK : EMQX_TLS_E_TRANSPORT;
        delivery = status ? EMQX_TLS_DELIVERY_ANSWERED : EMQX_TLS_DELIVERY_MAYBE;
    }
    std::string text; // the body
};

struct Hooks {
    std::function<Reply(const emqx_tls_exchange &)> transport = {};
    std::function<void(int level, const char *line)> log = {};
};

// Texts are borrowed until Client::open returns. In place of C's `transport` and `log` there are `hooks`.
struct Config : Made<emqx_tls_config, emqx_tls_config_init_size> {
    const char *quota_file = nullptr; // without it, and without a limiter: a quota in this process's memory
    Hooks hooks = {};
};

// -- operations, for Client::call and Client::submit. What they refer to has to live until that returns.

using Operation = std::function<emqx_tls_code(emqx_tls_client *, emqx_tls_done_fn, void *, emqx_tls_call **, Error *)>;

inline Operation four(std::uint32_t op, std::string id, std::optional<Request> r = {})
{
    return
        [=](auto client, auto... rest) { return emqx_tls_submit(client, op, id.c_str(), r ? &*r : nullptr, rest...); };
}
inline Operation get(std::string id) { return four(EMQX_TLS_OP_GET, id); }
inline Operation create(std::string id, Request r) { return four(EMQX_TLS_OP_CREATE, id, r); }
inline Operation update(std::string id, Request r) { return four(EMQX_TLS_OP_UPDATE, id, r); }
inline Operation erase(std::string id) { return four(EMQX_TLS_OP_DELETE, id); } // DELETE, once
inline Operation wait(std::string id, milliseconds time)
{
    return [=](auto client, auto... rest) {
        return emqx_tls_submit_wait(client, id.c_str(), nullptr, std::uint32_t(time.count()), rest...);
    };
}
inline Operation remove(std::string id, milliseconds time)
{
    return [=](auto client, auto... rest) {
        return emqx_tls_submit_remove(client, id.c_str(), std::uint32_t(time.count()), rest...);
    };
}
inline Operation ensure(std::string id, Request r, EnsureOptions options = {})
{
    return [=](auto client, auto... rest) { return emqx_tls_submit_ensure(client, id.c_str(), &r, &options, rest...); };
}

// For one thread at a time, but for interrupt. Callbacks may throw: it goes no further than here.
class Client
{
  public:
    using Done = std::function<void(Result<Outcome>)>;
    using Call = std::shared_ptr<emqx_tls_call *>; // for cancel; where it is over nothing happens

    static Result<Client> open(Config config)
    {
        auto hooks = std::make_unique<Hooks>(std::move(config.hooks));
        Made<emqx_tls_transport, emqx_tls_transport_init_size> transport;
        transport.context = hooks.get(), transport.start = start;
        if (hooks->transport)
            config.transport = &transport;
        if (hooks->log)
            config.log = log;
        config.log_user = hooks.get();
        config.log_destroy = [](void *user) { delete static_cast<Hooks *>(user); }; // behind the last callback
        Error error;
        emqx_tls_client *client = nullptr;
        emqx_tls_limiter *limiter = nullptr;
        if (config.quota_file &&
            emqx_tls_limiter_open_file(config.quota_file, nullptr, &limiter, &error) != EMQX_TLS_OK)
            return error;
        config.limiter = limiter ? limiter : config.limiter;
        emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
        emqx_tls_limiter_unref(limiter); // the client has a reference of its own
        if (code == EMQX_TLS_OK)
            hooks.release();
        return {code, error, Client(client)};
    }

    // Starts an operation; `done` comes once, from run, call or the end of the client.
    Result<Call> submit(const Operation &operation, Done done)
    {
        Error error;
        auto pending = std::make_unique<Pending>(Pending{std::move(done), std::make_shared<emqx_tls_call *>()});
        auto call = pending->call;
        if (operation(handle(), over, pending.get(), call.get(), &error) != EMQX_TLS_OK)
            return error;
        pending.release();
        return call;
    }
    // Blocks. Where it was interrupted the call ends as cancelled.
    Result<Outcome> call(const Operation &operation)
    {
        std::optional<Result<Outcome>> ended;
        auto started = submit(operation, [&](Result<Outcome> outcome) { ended = outcome; });
        if (!started)
            return started.error();
        while (!ended)
            if (!run(milliseconds(-1)))
                cancel(*started);
        return *ended;
    }
    void cancel(const Call &call)
    {
        if (*call)
            emqx_tls_cancel(handle(), *call);
    }
    Result<bool> run(milliseconds time)
    {
        Error error;
        return {emqx_tls_client_run(handle(), int(time.count()), &error), error, true};
    }
    void interrupt() { emqx_tls_client_interrupt(handle()); } // any thread: the call that runs is cancelled
    Result<Quota> quota(std::uint32_t op, const char *id = nullptr) const
    {
        Quota quota;
        Error error;
        return {emqx_tls_limiter_query(emqx_tls_client_limiter(handle()), op, id, &quota, &error), error, quota};
    }
    emqx_tls_client *handle() const { return handle_.get(); } // for emqx_tls_client_fd, and the adapters of event loops

  private:
    struct Pending {
        Done done;
        Call call;
    };

    explicit Client(emqx_tls_client *client) : handle_(client, emqx_tls_client_free) {}

    static void over(void *user, emqx_tls_call *call, emqx_tls_code code) noexcept
    try {
        std::unique_ptr<Pending> pending(static_cast<Pending *>(user));
        Error error;
        Outcome outcome;
        emqx_tls_call_result(call, &outcome.status, &error);
        emqx_tls_call_ensure_result(call, &outcome);
        *pending->call = nullptr;
        pending->done({code, error, outcome});
    } catch (...) { // what is thrown can't go through C
    }
    static void log(void *user, std::int32_t level, const char *line) noexcept
    try {
        static_cast<Hooks *>(user)->log(level, line);
    } catch (...) {
    }
    static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **) noexcept
    {
        Reply reply; // one that throws may have sent
        try {
            reply = static_cast<Hooks *>(context)->transport(*x);
        } catch (...) {
            reply.detail = "the transport has thrown";
        }
        reply.body = reply.text.data(), reply.body_len = reply.text.size();
        x->done(x->done_user, &reply);
        return EMQX_TLS_OK;
    }

    std::unique_ptr<emqx_tls_client, void (*)(emqx_tls_client *)> handle_;
};

} // namespace emqxtls
#endif
