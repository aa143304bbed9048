// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// The C++ binding's part of scenario.txt: reads lines, answers each.
#include "../../examples/bindings/cpp/emqxtls.hpp"

#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace emqxtls;
using Words = std::vector<std::string>;

static std::optional<Client> client;
static std::vector<std::string> logs;

static std::string environment(const char *name)
{
    return std::getenv(name);
}

static std::string file(const std::string &path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The library's own names, in the scenario's spelling.
static std::string name(const char *told)
{
    std::string upper;
    for (; *told; told++)
        upper += *told == '-' ? '_' : char(std::toupper(*told));
    return upper;
}

static std::string text(const Error &e)
{
    std::ostringstream line;
    line << "code=" << emqx_tls_code_name(e.code) << " http=" << e.http_status
         << " delivery=" << name(emqx_tls_delivery_name(e.delivery)) << " api=" << e.api_code
         << " retry=" << (e.retry_after_ms >= 0);
    return line.str();
}

static std::string text(const Outcome &o)
{
    std::ostringstream line;
    line << "code=OK state=" << name(emqx_tls_state_name(o.status.state)) << " type=" << name(emqx_tls_type_name(o.status.type))
         << " cn=" << o.status.common_name << " action=" << name(emqx_tls_action_name(o.action)) << " writes=" << o.writes
         << " certain=" << o.certain;
    return line.str();
}

template <class T> static std::string text(Result<T> result)
{
    if (!result)
        return text(result.error());
    if constexpr (std::is_same_v<T, Outcome>)
        return text(*result);
    else
        return "code=OK";
}

static const std::string endpoint = environment("EMQXCLOUD_PLATFORM_ENDPOINT");
static const std::string key = environment("EMQXCLOUD_PLATFORM_API_KEY");
static const std::string secret = environment("EMQXCLOUD_PLATFORM_API_SECRET");
static const std::string ca_file = environment("EMQXTLS_CA_FILE");

static Config defaults()
{
    Config config;
    config.endpoint = endpoint.c_str(), config.api_key = key.c_str(), config.api_secret = secret.c_str();
    config.ca_file = ca_file.c_str(), config.proxy = "";
    return config;
}

static auto transport(const std::string &answer)
{
    return [=](const emqx_tls_exchange &x) {
        auto colon = answer.find(':');
        if (colon == answer.npos || std::string(x.url).substr(0, 8) != "https://")
            throw std::runtime_error("as told");
        return Reply(std::stoi(answer), answer.substr(colon + 1));
    };
}

static std::string open(const Words &words)
{
    Config config = defaults();
    logs.clear();
    for (const auto &word : words) {
        auto value = word.c_str() + word.find('=') + 1;
        if (word.rfind("quota=", 0) == 0) {
            config.quota_file = value;
        } else if (word.rfind("transport=", 0) == 0) {
            config.hooks.transport = transport(value), config.ca_file = config.proxy = nullptr;
        } else if (word.rfind("secret=", 0) == 0) {
            config.api_secret = value;
        } else if (word.rfind("endpoint=", 0) == 0) {
            config.endpoint = value;
        } else if (word.rfind("log=", 0) == 0) {
            config.hooks.log = [](int, const char *line) { logs.push_back(line); };
        }
    }
    auto made = Client::open(std::move(config));
    if (made)
        client.emplace(std::move(*made));
    return text(std::move(made));
}

static std::string many(int count, const std::string &prefix)
{
    int ok = 0, over = 0;
    for (int i = 0; i < count; i++)
        (void)client->submit(get(prefix + std::to_string(i)), [&](Result<Outcome> o) {
            over++;
            ok += o && o->status.state == EMQX_TLS_STATE_ABSENT;
        });
    while (over < count)
        (void)client->run(milliseconds(-1));
    return "code=OK ok=" + std::to_string(ok);
}

static std::string cancel(const std::string &id)
{
    std::string told;
    auto call = client->submit(get(id), [&](Result<Outcome> o) { told = text(std::move(o)); });
    (void)client->run(milliseconds(300)); // under way
    client->cancel(*call);
    while (told.empty())
        (void)client->run(milliseconds(-1));
    return told;
}

static std::string quota(const std::string &which)
{
    auto q = client->quota(which == "READ" ? EMQX_TLS_OP_GET : EMQX_TLS_OP_UPDATE);
    return q ? "code=OK limit=" + std::to_string(q->limit) + " used=" + std::to_string(q->used) : text(q.error());
}

static std::string log_lines()
{
    bool secret = false;
    for (const auto &line : logs)
        secret |= line.find(::secret) != line.npos;
    return "code=OK some=" + std::to_string(!logs.empty()) + " secret=" + std::to_string(secret);
}

// -- misuse

static const char running[] = "200:{\"status\":\"running\"}";

static Client own(Hooks hooks = {})
{
    Config config = defaults();
    config.ca_file = config.proxy = nullptr;
    config.hooks = std::move(hooks);
    if (!config.hooks.transport)
        config.hooks.transport = transport(running);
    return std::move(*Client::open(std::move(config)));
}

static bool works(Client &c)
{
    auto told = c.call(get("d1"));
    return told && told->status.state == EMQX_TLS_STATE_RUNNING;
}

// Two threads in one client: the second is refused, the first is not disturbed.
static bool threads()
{
    std::promise<void> inside, refused;
    Hooks hooks;
    hooks.transport = [&](const emqx_tls_exchange &) {
        inside.set_value();
        refused.get_future().wait();
        return Reply(200, "{\"status\":\"running\"}");
    };
    auto c = own(std::move(hooks));
    bool good = false;
    std::thread first([&] { good = works(c); });
    inside.get_future().wait();
    auto second = c.call(get("d1"));
    refused.set_value();
    first.join();
    return good && !second && second.error().code == EMQX_TLS_E_INVALID;
}

// Log and done; the transport is another line of the scenario.
static bool callbacks_throw()
{
    Hooks hooks;
    hooks.log = [](int, const char *) { throw 1; };
    auto c = own(std::move(hooks));
    auto call = c.submit(get("d1"), [](Result<Outcome>) { throw std::runtime_error("as told"); });
    return call && c.run(milliseconds(-1)) && works(c);
}

// The client goes inside its own done: in C when run returns.
static bool dropped_in_done()
{
    int ended = 0;
    std::optional<Client> c(own());
    for (int i = 0; i < 2; i++)
        (void)c->submit(get("d1"), [&](Result<Outcome>) { ended++, c.reset(); });
    (void)c->run(milliseconds(-1));
    return ended == 2 && !c;
}

static bool cancelled_before()
{
    auto c = own();
    std::string told;
    auto call = c.submit(get("d1"), [&](Result<Outcome> o) { told = text(std::move(o)); });
    c.cancel(*call);
    (void)c.run(milliseconds(-1));
    return told.find("CANCELLED") != told.npos && works(c);
}

static bool cancelled_after()
{
    auto c = own();
    bool good = false;
    auto call = c.submit(get("d1"), [&](Result<Outcome> o) { good = bool(o); });
    (void)c.run(milliseconds(-1));
    c.cancel(*call); // it is over: nothing happens
    good = good && works(c);
    c.interrupt(); // nothing runs: the next one is cancelled
    auto next = c.call(get("d1"));
    return good && !next && next.error().code == EMQX_TLS_E_CANCELLED && works(c);
}

static bool forked()
{
    auto c = own();
    pid_t child = fork();
    if (child == 0) {
        auto told = c.call(get("d1"));
        _exit(told || told.error().code != EMQX_TLS_E_INVALID);
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0 && works(c);
}

static Client *long_one;

// Ctrl-C in a long ensure: a handler may interrupt.
static bool interrupted()
{
    Hooks hooks;
    hooks.transport = transport("200:{\"status\":\"terminated\"}"); // waited out
    hooks.log = [](int, const char *) { kill(getpid(), SIGINT); };
    auto c = own(std::move(hooks));
    long_one = &c;
    std::signal(SIGINT, [](int) { long_one->interrupt(); });
    auto folder = ca_file.substr(0, ca_file.rfind('/'));
    auto cert_pem = file(folder + "/one.pem"), key_pem = file(folder + "/one.key");
    auto told = c.call(ensure("d1", {cert_pem, key_pem}, {std::chrono::minutes(10)}));
    std::signal(SIGINT, SIG_DFL);
    return !told && told.error().code == EMQX_TLS_E_CANCELLED;
}

static std::string misuse(const std::string &name)
{
    static const std::map<std::string, bool (*)()> all = {
        {"threads", threads},
        {"callbacks_throw", callbacks_throw},
        {"dropped_in_done", dropped_in_done},
        {"cancelled_before", cancelled_before},
        {"cancelled_after", cancelled_after},
        {"fork", forked},
        {"signal", interrupted},
    };
    return "code=OK ok=" + std::to_string(all.at(name)());
}

static std::string answer(const std::string &verb, const Words &w)
{
    auto seconds = [&](size_t i) { return std::chrono::seconds(std::stoi(w[i])); };
    if (verb == "open")
        return open(w);
    if (verb == "close")
        return client.reset(), "code=OK";
    if (verb == "get")
        return text(client->call(get(w[0])));
    if (verb == "delete")
        return text(client->call(erase(w[0])));
    if (verb == "wait")
        return text(client->call(wait(w[0], seconds(1))));
    if (verb == "remove")
        return text(client->call(remove(w[0], seconds(1))));
    if (verb == "many")
        return many(std::stoi(w[0]), w[1]);
    if (verb == "cancel")
        return cancel(w[0]);
    if (verb == "quota")
        return quota(w[0]);
    if (verb == "logs")
        return log_lines();
    if (verb == "misuse")
        return misuse(w[0]);
    std::string cert = file(w[1]), key = file(w[2]);
    if (verb == "create")
        return text(client->call(create(w[0], {cert, key})));
    if (verb == "update")
        return text(client->call(update(w[0], {cert, key})));
    return text(client->call(ensure(w[0], {cert, key}, {seconds(3)})));
}

int main()
{
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string verb, word;
        Words words;
        in >> verb;
        while (in >> word)
            words.push_back(word);
        std::cout << answer(verb, words) << std::endl;
    }
}
