//! Limits: whoever goes beyond them is told so, and everybody else is served.

use std::{
    io::Write as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{Client, Installation, Server, fixture, installation::of_file, until};
use serde_json::{Value, json};

fn limited(limits: Value) -> (Installation, Server) {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["limits"] = limits;
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    (installation, server)
}

#[test]
fn a_body_that_is_too_large_is_413() {
    let (_installation, server) = limited(json!({ "bodySize": "1KiB" }));
    let post = |size: usize| {
        server
            .public
            .send("POST", "/v0.1/servers", &[], &vec![b'x'; size])
    };
    assert_eq!(post(1024).status, 405);
    let refused = post(1025);
    assert_eq!(refused.status, 413);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["status"], 413);
    let chunks = format!("400\r\n{}\r\n", "x".repeat(0x400)).repeat(64);
    let request = format!(
        "POST /v0.1/servers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    );
    let answer = server.public.raw(request.as_bytes());
    // The component may have answered before the body was found to be too large.
    assert!(answer.is_none_or(|answer| matches!(answer.status, 405 | 413)));
    assert_eq!(server.public.get("/ping").status, 200);
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let (_installation, server) = limited(json!({ "headerSize": "16KiB" }));
    let check = |line: String, status: u16| {
        let request = format!("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{line}\r\n");
        let answer = server.public.raw(request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{line:.40}");
    };
    check(format!("x-a: {}\r\n", "x".repeat(10_000)), 200);
    check(format!("x-a: {}\r\n", "x".repeat(20_000)), 431);
    check("x-a: y\r\n".repeat(1000), 431);
    check("no colon\r\n".to_owned(), 400);
}

#[test]
fn beyond_the_requests_at_once_the_answer_is_to_come_again() {
    let (_installation, server) = limited(json!({ "requests": 1 }));
    let fresh = [("cache-control", "no-cache")];
    let ask = || {
        let answers = (0..40).map(|_| server.public.ask("GET", "/v0.1/servers?limit=100", &fresh));
        answers.collect::<Vec<_>>()
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 503)
        .collect();
    assert!(!refused.is_empty(), "nobody was refused");
    for answer in &refused {
        assert!(
            answer
                .header("retry-after")
                .parse::<u32>()
                .is_ok_and(|seconds| seconds > 0)
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(served + refused.len(), answers.len());
    assert!(served > 0);
    let counted = server
        .metric("cairn_refused_total{limit=\"requests\"")
        .expect("a figure");
    assert_eq!(counted, refused.len() as f64);
    assert_eq!(server.public.get("/livez").status, 200);
}

#[test]
fn beyond_the_connections_the_answer_is_to_come_again() {
    let (_installation, server) = limited(json!({ "connections": 3, "headerTimeout": "30s" }));
    let mut held: Vec<_> = (0..3).map(|_| server.public.connect()).collect();
    for stream in &mut held {
        stream
            .write_all(b"GET /ping HTTP/1.1\r\n")
            .expect("half a request");
    }
    let refused = until("a connection to be refused", Duration::from_secs(5), || {
        let answer = server
            .public
            .raw(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        (answer.status == 503).then_some(answer)
    });
    assert!(refused.has("retry-after"));
    drop(held);
    until("a place to be free again", Duration::from_secs(5), || {
        (server
            .public
            .raw(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?
            .status
            == 200)
            .then_some(())
    });
}

#[test]
fn who_dallies_with_a_head_loses_the_connection() {
    let (_installation, server) =
        limited(json!({ "headerTimeout": "200ms", "idleTimeout": "300ms" }));
    for beginning in [&b""[..], b"GET /ping", b"GET /ping HTTP/1.1\r\nHost"] {
        let begun = Instant::now();
        let answer = server.public.raw(beginning);
        assert!(answer.is_none_or(|answer| answer.status == 408));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(server.public.get("/ping").status, 200);
}

#[test]
fn probes_are_answered_when_clients_take_all_descriptors() {
    let installation = Installation::of_fixture();
    let serving = installation.serving(&[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 96 && exec \"$0\" \"$@\""])
        .arg(serving.get_program())
        .args(serving.get_args())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", installation.path(""));
    let server = Server::start(command);
    server.wait_ready();
    let warned = |line: &str| line.contains("limits.connections").then_some(());
    server
        .log
        .wait(Duration::from_secs(5), warned)
        .expect("a warning");
    // As many as will ever be accepted, and more.
    let _held: Vec<_> = (0..120).map(|_| server.public.connect()).collect();
    for _ in 0..5 {
        let begun = Instant::now();
        assert_eq!(server.internal.get("/livez").status, 200);
        assert_eq!(server.internal.get("/readyz").status, 200);
        assert!(begun.elapsed() < Duration::from_secs(5));
        thread::sleep(Duration::from_millis(100));
    }
    assert!(!server.log.text().contains("Too many open files"));
}

#[test]
fn every_interface_means_both_families() {
    let installation = Installation::of_fixture();
    let mut command = installation.command(&["serve"]);
    command.args(["--address", ":0", "--internal-address", "127.0.0.1:0"]);
    let arguments = installation.serving(&[]);
    command.args(arguments.get_args().skip_while(|arg| *arg != "--component"));
    let server = Server::start(command);
    let port = server
        .public
        .authority
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    for host in ["127.0.0.1", "[::1]"] {
        if std::net::TcpListener::bind(format!("{host}:0")).is_err() {
            println!("not checked: {host}, which this machine has not");
            continue;
        }
        let client = Client::new(format!("{host}:{port}"));
        assert_eq!(client.get("/ping").status, 200, "{host}");
    }
}
