// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
//
// The C++ binding's part of scenario.txt: reads lines, answers each.
#include "../../examples/bindings/cpp/emqxtls.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
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

static std::string text(const Error &e)
{
    static const char *const deliveries[] = {"MAYBE", "NOT_SENT", "ANSWERED"};
    std::ostringstream line;
    line << "code=" << emqx_tls_code_name(emqx_tls_code(e.code)) << " http=" << e.http_status
         << " delivery=" << deliveries[unsigned(e.delivery)] << " api=" << e.api_code << " retry=" << e.retry_after.has_value();
    return line.str();
}

static std::string text(const Outcome &o)
{
    static const char *const states[] = {"UNKNOWN", "ABSENT", "PENDING", "RUNNING", "FAILED", "TERMINATED", "OTHER"};
    static const char *const types[] = {"UNKNOWN", "ONE_WAY", "TWO_WAY"};
    static const char *const actions[] = {"NONE", "UNCHANGED", "CREATED", "UPDATED"};
    std::ostringstream line;
    line << "code=OK state=" << states[unsigned(o.status.state)] << " type=" << types[unsigned(o.status.type)]
         << " cn=" << o.status.common_name << " action=" << actions[unsigned(o.action)] << " writes=" << o.writes
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

static Options options()
{
    Options o;
    o.endpoint = environment("EMQXCLOUD_PLATFORM_ENDPOINT");
    o.api_key = environment("EMQXCLOUD_PLATFORM_API_KEY");
    o.api_secret = environment("EMQXCLOUD_PLATFORM_API_SECRET");
    o.ca_file = environment("EMQXTLS_CA_FILE");
    o.proxy = "";
    return o;
}

static std::function<Result<Reply>(const Exchange &)> transport(const std::string &answer)
{
    return [=](const Exchange &x) -> Result<Reply> {
        auto colon = answer.find(':');
        if (colon == answer.npos || x.url.substr(0, 8) != "https://")
            throw std::runtime_error("as told");
        return Reply{std::stoi(answer), answer.substr(colon + 1)};
    };
}

static std::string open(const Words &words)
{
    Options o = options();
    logs.clear();
    for (const auto &word : words) {
        auto value = word.substr(word.find('=') + 1);
        if (word.rfind("quota=", 0) == 0) {
            o.quota_file = value;
        } else if (word.rfind("transport=", 0) == 0) {
            o.transport = transport(value), o.ca_file.clear(), o.proxy.reset();
        } else if (word.rfind("secret=", 0) == 0) {
            o.api_secret = value;
        } else if (word.rfind("endpoint=", 0) == 0) {
            o.endpoint = value;
        } else if (word.rfind("log=", 0) == 0) {
            o.log = [](int, const char *line) { logs.push_back(line); };
        }
    }
    auto made = Client::open(std::move(o));
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
            ok += o && o->status.state == State::absent;
        });
    while (over < count)
        (void)client->run(milliseconds(-1));
    return "code=OK ok=" + std::to_string(ok);
}

static std::string cancel(const std::string &id)
{
    std::string told;
    auto call = client->submit(get(id), [&](Result<Outcome> o) { told = text(std::move(o)); });
    client->cancel(*call);
    while (told.empty())
        (void)client->run(milliseconds(-1));
    return told;
}

static std::string quota(const std::string &which)
{
    auto q = client->quota(which == "READ" ? Op::get : Op::update);
    return q ? "code=OK limit=" + std::to_string(q->limit) + " used=" + std::to_string(q->used) : text(q.error());
}

static std::string log_lines()
{
    bool secret = false;
    for (const auto &line : logs)
        secret |= line.find(environment("EMQXCLOUD_PLATFORM_API_SECRET")) != line.npos;
    return "code=OK some=" + std::to_string(!logs.empty()) + " secret=" + std::to_string(secret);
}

// -- misuse

static Client own(std::function<void(int, const char *)> log = {})
{
    Options o = options();
    o.ca_file.clear(), o.proxy.reset();
    o.transport = transport("200:{\"status\":\"running\"}");
    o.log = std::move(log);
    return std::move(*Client::open(std::move(o)));
}

// A client of its own for each thread: one client belongs to one.
static bool threads()
{
    std::atomic<int> good{0};
    std::vector<std::thread> all;
    for (int i = 0; i < 8; i++)
        all.emplace_back([&] { good += bool(own().call(get("d1"))); });
    for (auto &one : all)
        one.join();
    return good == 8;
}

static bool log_throws()
{
    return bool(own([](int, const char *) { throw 1; }).call(get("d1")));
}

// The last owner lets go inside done: what it holds must live until run is over, so it is kept outside.
static bool dropped_in_done()
{
    int ended = 0;
    {
        auto c = std::make_shared<Client>(own());
        (void)c->submit(get("d1"), [&ended, c](Result<Outcome> o) { ended += bool(o); });
        (void)c->run(milliseconds(1000));
    }
    return ended == 1;
}

static bool cancelled_before()
{
    auto c = own();
    std::string told;
    auto call = c.submit(get("d1"), [&](Result<Outcome> o) { told = text(std::move(o)); });
    c.cancel(*call);
    (void)c.run(milliseconds(1000));
    return told.find("CANCELLED") != told.npos && c.call(get("d1"));
}

static bool cancelled_after()
{
    auto c = own();
    auto call = c.call(get("d1"));
    c.interrupt(); // nothing runs: the next one is cancelled
    auto next = c.call(get("d1"));
    return call && !next && next.error().code == Code::cancelled && c.call(get("d1"));
}

static bool forked()
{
    auto c = own();
    pid_t child = fork();
    if (child == 0) {
        auto told = c.call(get("d1"));
        _exit(told || told.error().code != Code::invalid);
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0 && c.call(get("d1"));
}

static Client *running;

static bool interrupted()
{
    Options o = options();
    o.ca_file.clear(), o.proxy.reset();
    std::thread killer;
    o.transport = [&](const Exchange &) -> Result<Reply> {
        if (!killer.joinable())
            killer = std::thread([] { kill(getpid(), SIGINT); });
        return Reply{200, "{\"status\":\"terminated\"}"};
    };
    auto c = std::move(*Client::open(std::move(o)));
    running = &c;
    std::signal(SIGINT, [](int) { running->interrupt(); });
    auto told = c.call(remove("d1", std::chrono::minutes(10)));
    std::signal(SIGINT, SIG_DFL);
    killer.join();
    return !told && told.error().code == Code::cancelled;
}

static std::string misuse(const std::string &name)
{
    static const std::map<std::string, bool (*)()> all = {
        {"threads", threads},
        {"log_throws", log_throws},
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
