// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// emqxtls.hpp - libemqxtls for C++17: header only, RAII, a result type instead of exceptions.
//
//     emqxtls::Options options{endpoint, key, secret};
//     auto client = emqxtls::Client::open(std::move(options));
//     if (!client) return std::puts(client.error().message.c_str());
//     auto done = client->call(emqxtls::ensure("ge6a1a75", {cert, key}, {std::chrono::minutes(10)}));
//     client->submit(emqxtls::get("ge6a1a75"), [](auto outcome) { ... }); // comes from client->run
//
// README.md tells of threads, cancellation and secrets.
#ifndef EMQXTLS_HPP
#define EMQXTLS_HPP

#include <emqxtls/emqxtls.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace emqxtls {

using std::chrono::milliseconds;

enum class Code : std::int32_t {
    ok, invalid, no_memory, check, rate_limited, transport, timeout, cancelled, unauthorized,
    forbidden, not_found, unprocessable, http, protocol, store, failed
};
enum class State : std::uint32_t { unknown, absent, pending, running, failed, terminated, other };
enum class Type : std::uint32_t { unknown, one_way, two_way };
enum class Delivery : std::uint32_t { maybe, not_sent, answered };
enum class Action : std::uint32_t { none, unchanged, created, updated };
enum class Op : std::uint32_t { get = 1, create, update, erase };

struct Error {
    Code code = Code::ok;
    int http_status = 0;
    Delivery delivery = Delivery::not_sent;
    std::optional<milliseconds> retry_after;
    std::string api_code, message; // what is wrong, and the mend
};

// A value, or why there is none.
template <class T> class [[nodiscard]] Result {
  public:
    Result(T value) : told_(std::move(value)) {}
    Result(Error error) : told_(std::move(error)) {}
    explicit operator bool() const { return told_.index() == 0; }
    T &operator*() { return std::get<0>(told_); }
    T *operator->() { return &std::get<0>(told_); }
    const Error &error() const { return std::get<1>(told_); }

  private:
    std::variant<T, Error> told_;
};

struct Status {
    State state = State::unknown;
    Type type = Type::unknown;
    std::optional<std::chrono::system_clock::time_point> expire;
    std::string common_name, state_text, type_text, expire_text;
};

// Of any call; all but the status is ensure's.
struct Outcome {
    Status status;
    Action action = Action::none;
    unsigned reads = 0, writes = 0;
    bool certain = false;
};

// A certificate as PEM, borrowed; two-way where there is a client CA.
struct Request {
    std::string_view cert, key, cacert = {};
};

struct EnsureOptions {
    milliseconds wait{0};
    std::uint32_t flags = 0; // EMQX_TLS_FORCE, ...
    std::string receipt_dir = {}, probe_host = {};
};

struct Quota {
    unsigned limit, used, remaining;
    milliseconds next;
};

namespace detail {

template <class T> T made(void (*init)(T *, std::size_t))
{
    T value;
    init(&value, sizeof value);
    return value;
}

inline Error read(const emqx_tls_error &e)
{
    Error error{Code(e.code), e.http_status, Delivery(e.delivery), {}, e.api_code, e.message};
    if (e.retry_after_ms >= 0)
        error.retry_after = milliseconds(e.retry_after_ms);
    return error;
}

inline Status read(const emqx_tls_status &s)
{
    Status status{State(s.state), Type(s.type), {}, s.common_name, s.state_text, s.type_text, s.expire_text};
    if (s.expire != INT64_MIN)
        status.expire = std::chrono::system_clock::time_point(std::chrono::seconds(s.expire));
    return status;
}

inline emqx_tls_request write(const Request &r)
{
    auto request = made(emqx_tls_request_init_size);
    request.type = r.cacert.empty() ? EMQX_TLS_TYPE_ONE_WAY : EMQX_TLS_TYPE_TWO_WAY;
    request.cert = r.cert.data(), request.cert_len = r.cert.size();
    request.key = r.key.data(), request.key_len = r.key.size();
    request.cacert = r.cacert.data(), request.cacert_len = r.cacert.size();
    return request;
}

inline std::uint32_t write(milliseconds time) { return std::uint32_t(time.count()); }
inline const char *write(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

// What a call of the library comes to: calls it with an error to fill, and reads that.
template <class T, class Call, class Value> Result<T> outcome(Call call, Value value)
{
    auto error = made(emqx_tls_error_init_size);
    if (call(&error) != EMQX_TLS_OK)
        return read(error);
    return value();
}

struct Free {
    void operator()(emqx_tls_client *c) const { emqx_tls_client_free(c); }
};

} // namespace detail

// -- operations: given to Client::call or Client::submit. What they refer to has to live until that returns.

template <class... Arguments> auto four(Op op, std::string id, Arguments... request)
{
    return [=](emqx_tls_client *client, auto... rest) {
        emqx_tls_request r{};
        ((r = detail::write(request)), ...);
        return emqx_tls_submit(client, std::uint32_t(op), id.c_str(), sizeof...(request) ? &r : nullptr, rest...);
    };
}
inline auto get(std::string id) { return four(Op::get, std::move(id)); }
inline auto create(std::string id, Request r) { return four(Op::create, std::move(id), r); }
inline auto update(std::string id, Request r) { return four(Op::update, std::move(id), r); }
inline auto erase(std::string id) { return four(Op::erase, std::move(id)); } // DELETE, once
inline auto wait(std::string id, milliseconds time)
{
    return [=](emqx_tls_client *client, auto... rest) {
        return emqx_tls_submit_wait(client, id.c_str(), nullptr, detail::write(time), rest...);
    };
}
inline auto remove(std::string id, milliseconds time)
{
    return [=](emqx_tls_client *client, auto... rest) {
        return emqx_tls_submit_remove(client, id.c_str(), detail::write(time), rest...);
    };
}
inline auto ensure(std::string id, Request r, EnsureOptions given = {})
{
    return [=](emqx_tls_client *client, auto... rest) {
        auto request = detail::write(r);
        auto o = detail::made(emqx_tls_ensure_options_init_size);
        o.wait_ms = detail::write(given.wait), o.flags = given.flags;
        o.receipt_dir = detail::write(given.receipt_dir), o.probe_host = detail::write(given.probe_host);
        return emqx_tls_submit_ensure(client, id.c_str(), &request, &o, rest...);
    };
}

// What an own transport is asked, and answers. Error: code transport or timeout, and its delivery.
struct Exchange {
    std::string_view method, url, body; // the body holds the private key: make no copy that stays
    std::vector<std::string_view> headers;
    milliseconds timeout;
};
struct Reply {
    int http_status = 200;
    std::string body = {}, retry_after = {}, date = {};
};

struct Options {
    std::string endpoint, api_key, api_secret, ca_file = {};
    std::string quota_file = {}; // "": a quota in this process's memory
    std::optional<std::string> proxy = {}; // none: from the environment; "": no proxy
    milliseconds timeout{30000}, connect_timeout{10000}, quota_wait{0};
    std::uint32_t flags = 0;
    std::function<Result<Reply>(const Exchange &)> transport = {};
    std::function<void(int level, const char *line)> log = {};
};

// For one thread at a time, but for interrupt. Callbacks may throw: it goes no further than here.
class Client {
  public:
    using Done = std::function<void(Result<Outcome>)>;

    static Result<Client> open(Options options)
    {
        auto o = std::make_unique<Options>(std::move(options));
        auto config = detail::made(emqx_tls_config_init_size);
        auto transport = detail::made(emqx_tls_transport_init_size);
        transport.context = o.get(), transport.start = start;
        config.endpoint = o->endpoint.c_str(), config.flags = o->flags;
        config.api_key = o->api_key.c_str(), config.api_secret = o->api_secret.c_str();
        config.ca_file = detail::write(o->ca_file), config.proxy = o->proxy ? o->proxy->c_str() : nullptr;
        config.timeout_ms = detail::write(o->timeout), config.quota_wait_ms = detail::write(o->quota_wait);
        config.connect_timeout_ms = detail::write(o->connect_timeout);
        config.transport = o->transport ? &transport : nullptr;
        config.log = o->log ? log : nullptr, config.log_user = o.get();
        emqx_tls_client *client = nullptr;
        auto made = [&](auto *e) {
            auto path = detail::write(o->quota_file);
            emqx_tls_code code = path ? emqx_tls_limiter_open_file(path, nullptr, &config.limiter, e) : EMQX_TLS_OK;
            code = code == EMQX_TLS_OK ? emqx_tls_client_new(&config, &client, e) : code;
            emqx_tls_limiter_unref(config.limiter); // the client has a reference of its own
            return code;
        };
        return detail::outcome<Client>(made, [&] { return Client(std::move(o), client); });
    }

    // Starts an operation; `done` comes once, from run, call or the end of the client. The call is for cancel, until then.
    template <class Operation> Result<emqx_tls_call *> submit(const Operation &operation, Done done)
    {
        emqx_tls_call *call = nullptr;
        auto kept = std::make_unique<Done>(std::move(done));
        return detail::outcome<emqx_tls_call *>(
            [&](auto *e) { return operation(handle(), over, static_cast<void *>(kept.get()), &call, e); },
            [&] { return kept.release(), call; });
    }
    // Blocks. Where it was interrupted the call ends as cancelled.
    template <class Operation> Result<Outcome> call(const Operation &operation)
    {
        std::optional<Result<Outcome>> ended;
        auto started = submit(operation, [&](Result<Outcome> outcome) { ended = std::move(outcome); });
        if (!started)
            return started.error();
        while (!ended) {
            auto ran = run(milliseconds(-1));
            if (!ran && !ended)
                cancel(*started);
        }
        return *ended;
    }
    void cancel(emqx_tls_call *call) { emqx_tls_cancel(handle(), call); }
    Result<bool> run(milliseconds time)
    {
        return detail::outcome<bool>([&](auto *e) { return emqx_tls_client_run(handle(), int(time.count()), e); },
                                     [] { return true; });
    }
    int fd() { return emqx_tls_client_fd(handle()); }
    void interrupt() { emqx_tls_client_interrupt(handle()); } // any thread: the call that runs is cancelled
    emqx_tls_client *handle() const { return handle_.get(); }
    Result<Quota> quota(Op op, const std::string &id = {}) const
    {
        auto q = detail::made(emqx_tls_quota_init_size);
        auto limiter = emqx_tls_client_limiter(handle());
        return detail::outcome<Quota>(
            [&](auto *e) { return emqx_tls_limiter_query(limiter, std::uint32_t(op), detail::write(id), &q, e); },
            [&] { return Quota{q.limit, q.used, q.remaining, milliseconds(q.next_ms)}; });
    }

  private:
    Client(std::unique_ptr<Options> options, emqx_tls_client *client) : options_(std::move(options)), handle_(client) {}

    static void over(void *user, emqx_tls_call *call, emqx_tls_code) noexcept
    {
        std::unique_ptr<Done> done(static_cast<Done *>(user));
        auto status = detail::made(emqx_tls_status_init_size);
        auto error = detail::made(emqx_tls_error_init_size);
        auto result = detail::made(emqx_tls_ensure_result_init_size);
        emqx_tls_call_result(call, &status, &error);
        emqx_tls_call_ensure_result(call, &result);
        try {
            if (error.code == EMQX_TLS_OK)
                (*done)(Outcome{detail::read(status), Action(result.action), result.reads, result.writes, result.certain != 0});
            else
                (*done)(detail::read(error));
        } catch (...) { // what is thrown can't go through C
        }
    }
    static void log(void *user, std::int32_t level, const char *line) noexcept
    {
        try {
            static_cast<Options *>(user)->log(level, line);
        } catch (...) {
        }
    }
    static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **) noexcept
    {
        emqx_tls_reply reply{};
        reply.size = sizeof reply;
        reply.code = EMQX_TLS_E_TRANSPORT, reply.detail = "the transport has thrown"; // delivery MAYBE: it may have sent
        try {
            Exchange exchange{x->method, x->url, {x->body ? x->body : "", x->body_len}, {}, milliseconds(x->timeout_ms)};
            for (auto line = x->headers; *line; line++)
                exchange.headers.emplace_back(*line);
            auto answer = static_cast<Options *>(context)->transport(exchange);
            if (answer) {
                reply.code = EMQX_TLS_OK, reply.delivery = EMQX_TLS_DELIVERY_ANSWERED, reply.detail = nullptr;
                reply.http_status = answer->http_status;
                reply.body = answer->body.data(), reply.body_len = answer->body.size();
                reply.retry_after = detail::write(answer->retry_after), reply.date = detail::write(answer->date);
            } else {
                reply.code = emqx_tls_code(answer.error().code), reply.delivery = std::uint32_t(answer.error().delivery);
                reply.detail = answer.error().message.c_str();
            }
            x->done(x->done_user, &reply); // the answer lives so long
            return EMQX_TLS_OK;
        } catch (...) {
        }
        x->done(x->done_user, &reply);
        return EMQX_TLS_OK;
    }

    std::unique_ptr<Options> options_; // C points to it
    std::unique_ptr<emqx_tls_client, detail::Free> handle_;
};

} // namespace emqxtls
#endif
