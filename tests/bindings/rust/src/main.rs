// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

//! The Rust binding's part of scenario.txt: reads lines, answers each.
use emqxtls::{Client, Code, Config, Error, Op, Options, Outcome, Request, State};
use std::cell::{Cell, RefCell};
use std::io::BufRead;
use std::rc::Rc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Logs = Arc<Mutex<Vec<String>>>;

fn env(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// The library's own name, in the scenario's spelling.
fn name(told: impl std::fmt::Display) -> String {
    told.to_string().to_uppercase().replace('-', "_")
}

fn failed(e: &Error) -> String {
    let (code, http, delivery) = (&e.code, e.http_status, name(e.delivery));
    format!("code={code} http={http} delivery={delivery} api={} retry={}", e.api_code, u8::from(e.retry_after_ms >= 0))
}

fn told(outcome: Result<Outcome, Error>) -> String {
    match outcome {
        Err(e) => failed(&e),
        Ok(Outcome { status: s, result: r }) => {
            let (state, kind, action, certain) = (name(s.state), name(s.kind), name(r.action), r.certain);
            let (cn, writes) = (s.common_name, r.writes);
            format!("code=OK state={state} type={kind} cn={cn} action={action} writes={writes} certain={certain}")
        }
    }
}

fn defaults() -> Config {
    Config {
        endpoint: env("EMQXCLOUD_PLATFORM_ENDPOINT"),
        api_key: env("EMQXCLOUD_PLATFORM_API_KEY"),
        api_secret: env("EMQXCLOUD_PLATFORM_API_SECRET"),
        ca_file: Some(env("EMQXTLS_CA_FILE")),
        ..Default::default()
    }
}

fn answering(config: &mut Config, answer: &str) {
    let answer = answer.to_string();
    config.ca_file = None;
    config.transport = Some(Box::new(move |_, url, headers, _, _| {
        assert!(url.starts_with("https://") && !headers.is_empty());
        let (status, body) = answer.split_once(':').expect("as told");
        Ok((status.parse().unwrap(), body.into()))
    }));
}

fn open(words: &[&str], logs: &Logs) -> Result<Client, Error> {
    let mut config = defaults();
    logs.lock().unwrap().clear();
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        match name {
            "quota" => config.quota_file = Some(value.into()),
            "secret" => config.api_secret = value.into(),
            "endpoint" => config.endpoint = value.into(),
            "transport" => answering(&mut config, value),
            _ => {
                let logs = logs.clone();
                config.log = Some(Box::new(move |_, line| logs.lock().unwrap().push(line.into())));
            }
        }
    }
    Client::open(config)
}

fn many(client: &mut Client, count: usize, prefix: &str) -> String {
    let (ok, over) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for i in 0..count {
        let (ok, over) = (ok.clone(), over.clone());
        let done = move |o: Result<Outcome, Error>| {
            over.set(over.get() + 1);
            ok.set(ok.get() + usize::from(o.map_or(false, |o| o.status.state == State::Absent)));
        };
        client.submit(&format!("{prefix}{i}"), Op::Get, done).unwrap();
    }
    while over.get() < count {
        client.run(None).unwrap();
    }
    format!("code=OK ok={}", ok.get())
}

fn cancel(client: &mut Client, id: &str, underway: Option<Duration>) -> String {
    let ended = Rc::new(RefCell::new(None));
    let told_to = ended.clone();
    let call = client.submit(id, Op::Get, move |o| *told_to.borrow_mut() = Some(o)).unwrap();
    if underway.is_some() {
        client.run(underway).unwrap();
    }
    client.cancel(&call);
    while ended.borrow().is_none() {
        client.run(None).unwrap();
    }
    let outcome = ended.borrow_mut().take();
    told(outcome.unwrap())
}

// -- misuse

const RUNNING: &str = r#"200:{"status":"running"}"#;

fn own(answer: &str) -> Client {
    let mut config = defaults();
    answering(&mut config, answer);
    Client::open(config).unwrap()
}

fn works(client: &mut Client) -> bool {
    client.call("d1", Op::Get).map_or(false, |o| o.status.state == State::Running)
}

// Two threads in one client do not compile without a lock: with one they wait for each other.
fn threads() -> bool {
    let (client, good) = (Mutex::new(own(RUNNING)), AtomicUsize::new(0));
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| good.fetch_add(usize::from(works(&mut client.lock().unwrap())), Ordering::Relaxed));
        }
    });
    good.into_inner() == 8
}

// Log and done; the transport is another line of the scenario.
fn callbacks_throw() -> bool {
    let mut config = defaults();
    answering(&mut config, RUNNING);
    config.log = Some(Box::new(|_, _| panic!("as told")));
    let mut client = Client::open(config).unwrap();
    client.submit("d1", Op::Get, |_| panic!("as told")).unwrap();
    client.run(None).is_ok() && works(&mut client)
}

fn dropped_in_done() -> bool {
    let held = Rc::new(RefCell::new(Some(own(RUNNING))));
    let ended = Rc::new(Cell::new(0));
    let (inside, counted) = (Rc::downgrade(&held), ended.clone());
    let done = move |_| {
        counted.set(counted.get() + 1);
        if let Some(held) = inside.upgrade() {
            assert!(held.try_borrow_mut().is_err()); // run has it: it can't be dropped here
        }
    };
    let mut client = held.borrow_mut();
    client.as_mut().unwrap().submit("d1", Op::Get, done).unwrap();
    client.as_mut().unwrap().run(Some(Duration::from_secs(1))).unwrap();
    ended.get() == 1
}

fn cancelled_before() -> bool {
    let mut client = own(RUNNING);
    cancel(&mut client, "d1", None).starts_with("code=CANCELLED") && works(&mut client)
}

fn cancelled_after() -> bool {
    let mut client = own(RUNNING);
    let call = client.submit("d1", Op::Get, |_| ()).unwrap();
    client.run(Some(Duration::from_secs(1))).unwrap();
    client.cancel(&call);
    works(&mut client)
}

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn pipe(ends: *mut i32) -> i32;
    fn read(fd: i32, to: *mut u8, n: usize) -> isize;
    fn write(fd: i32, from: *const u8, n: usize) -> isize;
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn raise(number: i32) -> i32;
}

fn forked() -> bool {
    let mut client = own(RUNNING);
    let (child, mut status) = (unsafe { fork() }, 1);
    if child == 0 {
        let refused = client.call("d1", Op::Get).map_or_else(|e| e.code == Code::Invalid, |_| false);
        unsafe { _exit(i32::from(!refused)) }
    }
    unsafe { waitpid(child, &mut status, 0) };
    status == 0 && works(&mut client)
}

const SIGINT: i32 = 2;
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_sigint(_: i32) {
    unsafe { write(PIPE.load(Ordering::SeqCst), [0].as_ptr(), 1) };
}

// Ctrl-C in a long ensure. What the crates for signals do: the handler writes to a pipe, and a thread that reads it interrupts.
fn interrupted() -> bool {
    let mut config = defaults();
    answering(&mut config, r#"200:{"status":"terminated"}"#); // waited out
    config.log = Some(Box::new(|_, _| unsafe {
        raise(SIGINT);
    }));
    let mut client = Client::open(config).unwrap();
    let (interrupter, mut ends) = (client.interrupter(), [0; 2]);
    unsafe { pipe(ends.as_mut_ptr()) };
    PIPE.store(ends[1], Ordering::SeqCst);
    unsafe { signal(SIGINT, on_sigint) };
    let thread = std::thread::spawn(move || {
        unsafe { read(ends[0], [0].as_mut_ptr(), 1) };
        interrupter.interrupt();
    });
    let folder = env("EMQXTLS_CA_FILE").replace("/ca.pem", "");
    let (cert, key) = (std::fs::read(folder.clone() + "/one.pem").unwrap(), std::fs::read(folder + "/one.key").unwrap());
    let request = Request { cert: &cert, key: &key, cacert: b"" };
    let options = Options { wait: Duration::from_secs(600), ..Default::default() };
    let told = client.call("d1", Op::Ensure(&request, options));
    thread.join().unwrap();
    told.map_or_else(|e| e.code == Code::Cancelled, |_| false)
}

fn misuse(name: &str) -> String {
    let good = match name {
        "threads" => threads(),
        "callbacks_throw" => callbacks_throw(),
        "dropped_in_done" => dropped_in_done(),
        "cancelled_before" => cancelled_before(),
        "cancelled_after" => cancelled_after(),
        "fork" => forked(),
        _ => interrupted(),
    };
    format!("code=OK ok={}", u8::from(good))
}

fn material(client: &mut Client, verb: &str, w: &[&str]) -> String {
    let (cert, key) = (std::fs::read(w[1]).unwrap(), std::fs::read(w[2]).unwrap());
    let request = Request { cert: &cert, key: &key, cacert: b"" };
    let wait = Duration::from_secs(w.get(3).map_or(0, |s| s.parse().unwrap()));
    told(match verb {
        "create" => client.call(w[0], Op::Create(&request)),
        "update" => client.call(w[0], Op::Update(&request)),
        _ => client.call(w[0], Op::Ensure(&request, Options { wait, ..Default::default() })),
    })
}

fn answer(client: &mut Client, logs: &Logs, verb: &str, w: &[&str]) -> String {
    let seconds = || Duration::from_secs(w[1].parse().unwrap());
    match verb {
        "get" => told(client.call(w[0], Op::Get)),
        "delete" => told(client.call(w[0], Op::Delete)),
        "wait" => told(client.call(w[0], Op::Wait(seconds()))),
        "remove" => told(client.call(w[0], Op::Remove(seconds()))),
        "many" => many(client, w[0].parse().unwrap(), w[1]),
        "cancel" => cancel(client, w[0], Some(Duration::from_millis(300))),
        "quota" => match client.quota(w[0] == "WRITE") {
            Ok(q) => format!("code=OK limit={} used={}", q.limit, q.used),
            Err(e) => failed(&e),
        },
        "logs" => {
            let lines = logs.lock().unwrap();
            let secret = lines.iter().any(|line| line.contains(&env("EMQXCLOUD_PLATFORM_API_SECRET")));
            format!("code=OK some={} secret={}", u8::from(!lines.is_empty()), u8::from(secret))
        }
        _ => material(client, verb, w),
    }
}

fn main() {
    let (mut client, logs) = (None, Logs::default());
    std::panic::set_hook(Box::new(|_| ())); // panics in callbacks are a part of the scenario
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let told = match (words[0], &mut client) {
            ("open", _) => match open(&words[1..], &logs) {
                Ok(opened) => {
                    client = Some(opened);
                    "code=OK".into()
                }
                Err(e) => failed(&e),
            },
            ("close", _) => {
                client = None;
                "code=OK".into()
            }
            ("misuse", _) => misuse(words[1]),
            (verb, Some(client)) => answer(client, &logs, verb, &words[1..]),
            _ => "code=NO_CLIENT".into(),
        };
        println!("{told}");
    }
}
