//! Beginning and end: ports, signals, exit codes, the log.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use cairn_tests::{
    Answer, Client, Installation, Server,
    installation::{of_file, run},
    until,
};
use rusqlite::Connection;
use serde_json::Value;

#[test]
fn a_busy_port_is_said_plainly() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    let other = Installation::of_fixture();
    for flag in ["--address", "--internal-address"] {
        let taken = server.public.authority.clone();
        let mut command = other.command(&["serve", flag, &taken]);
        let free = if flag == "--address" {
            "--internal-address"
        } else {
            "--address"
        };
        command.args([free, "127.0.0.1:0"]);
        command.args(
            installation
                .serving(&[])
                .get_args()
                .skip_while(|arg| *arg != "--component"),
        );
        let ended = run(command).expect(1);
        assert!(ended.stderr.contains(&taken), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("cannot listen on"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(server.public.get("/ping").status, 200);
}

#[test]
fn a_term_drains_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::of_fixture();
        let mut server = installation.serve(&[]);
        // A connection that is kept alive and idle does not hold up the end.
        let mut idle = server.public.connect();
        idle.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("a request");
        let mut first = [0; 12];
        idle.read_exact(&mut first).expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
        server.signal(signal);
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(TcpStream::connect(&server.public.authority).is_err());
        let log = server.log.text();
        for word in ["draining", "stopped"] {
            assert!(
                log.lines()
                    .any(|line| line.contains(&format!("\"message\":\"{word}\""))),
                "{word}: {log}"
            );
        }
        let wal = installation.path("data/cairn.db-wal");
        let left = wal.metadata().map_or(0, |file| file.len());
        assert_eq!(left, 0, "the database was closed");
    }
}

#[test]
fn an_answer_under_way_is_finished_before_the_end() {
    const RECORDS: usize = 30;
    const SIZE: usize = 900_000;
    let installation = Installation::empty();
    let record = |number| {
        serde_json::json!({
            "name": format!("com.example/large-{number:02}"), "version": "1.0.0", "description": "Large.",
            "filling": "x".repeat(SIZE),
        })
    };
    let list: Vec<Value> = (0..RECORDS).map(record).collect();
    let file = installation.write("list.json", &Value::Array(list).to_string());
    installation.configure(of_file(&file));
    let mut server = installation.serve(&[]);
    // More than all buffers on the way can hold, so it is not sent before the client reads.
    let mut stream = server.public.connect();
    stream
        .write_all(b"GET /v0.1/servers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).expect("a beginning");
    assert_eq!(&answer, b"HTTP/1.1 200");
    server.signal("TERM");
    until(
        "the server to refuse others",
        Duration::from_secs(5),
        || {
            TcpStream::connect(&server.public.authority)
                .is_err()
                .then_some(())
        },
    );
    let draining = server.internal.get("/readyz");
    assert_eq!(draining.status, 503);
    assert_eq!(draining.json()["status"], "draining");
    stream.read_to_end(&mut answer).expect("the rest");
    let answer = Answer::read(&answer).expect("an answer");
    assert_eq!(answer.keys().len(), RECORDS);
    assert!(answer.body.len() > RECORDS * SIZE);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn the_cause_of_a_failure_is_logged_with_the_id_of_its_request() {
    let installation = Installation::of_fixture();
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    Connection::open(installation.database())
        .and_then(|db| db.execute_batch("ALTER TABLE view RENAME TO elsewhere"))
        .expect("a database without a table");
    let id = [("x-request-id", "found-by-this")];
    let answer = server.public.ask("GET", "/v0.1/servers?limit=7", &id);
    assert_eq!(answer.status, 503);
    assert!(
        !answer.text().contains("no such table"),
        "the cause is not for clients"
    );
    let cause = |line: &str| line.contains("no such table").then(|| line.to_owned());
    let line = server.log.wait(Duration::from_secs(5), cause);
    let line = line.expect("the cause in the log");
    assert!(line.contains("request_id=found-by-this"), "{line}");
}

#[test]
fn the_log_is_json_with_the_request_s_id() {
    let mut config = of_file(&cairn_tests::fixture::path("catalog.json"));
    config["log"] = serde_json::json!({ "level": "debug" });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    let answer = server
        .public
        .ask("GET", "/v0.1/servers", &[("x-request-id", "abc-123")]);
    assert_eq!(answer.header("x-request-id"), "abc-123");
    let made = server.public.get("/v0.1/servers").header("x-request-id");
    assert!(made.len() >= 16 && made != "abc-123", "{made}");
    let has_id = |line: &str| line.contains("abc-123").then_some(());
    server
        .log
        .wait(Duration::from_secs(5), has_id)
        .expect("the id in the log");
    for line in server.log.text().lines() {
        let read: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target"] {
            assert!(read[field].is_string(), "{field}: {line}");
        }
    }
}

#[test]
fn two_servers_share_one_database() {
    let installation = Installation::of_fixture();
    let (one, two) = (installation.serve(&[]), installation.serve(&[]));
    let list = |client: &Client| client.get("/v0.1/servers").body;
    assert_eq!(list(&one.public), list(&two.public));
    for server in [one, two] {
        assert_eq!(server.stop().code(), Some(0));
    }
}

#[test]
fn a_server_without_sources_says_what_is_missing() {
    let installation = Installation::empty();
    let Err(said) = Server::try_start(installation.serving(&[])).map(drop) else {
        panic!("it started");
    };
    assert!(said.contains("--config"), "{said}");
}
