//! Servers that lead a source elsewhere, or send too slowly.

use std::{io::Write, net::TcpListener, thread};

use super::{
    api::api,
    git_server::Repository,
    server::{Server, answer, with},
    *,
};
use crate::config::model::GitReference;

fn url(url: String, timeout: Duration) -> Source {
    source(Origin::File(FileOrigin::Url {
        url,
        timeout,
        access: Access::default(),
    }))
}

/// Addresses that a source on loopback has no business with.
const ELSEWHERE: [(&str, &str); 4] = [
    ("http://169.254.169.254/latest/meta-data", "link-local"),
    ("http://10.0.0.1/", "private"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[::ffff:192.168.0.1]:8080/", "private"),
];

#[tokio::test]
async fn redirects_to_another_class_of_address_are_refused() {
    for (location, class) in ELSEWHERE {
        let bench = Bench::new();
        let server =
            Server::start(move |_| async move { with(302, &[("location", location)], "") }).await;
        let patience = Duration::from_secs(5);
        for source in [api(server.url("")), url(server.url("/x"), patience)] {
            let error = bench.failure(&source).await;
            check(&error, Kind::Redirect, &[class, "of its own kind"]);
        }
        assert_eq!(server.seen().len(), 2, "each source asks once");
        assert!(bench.slept().is_empty());
    }
}

#[tokio::test]
async fn redirects_to_other_schemes_are_refused() {
    for location in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
    ] {
        let bench = Bench::new();
        let server =
            Server::start(move |_| async move { with(307, &[("location", location)], "") }).await;
        let error = bench.failure(&api(server.url(""))).await;
        check(&error, Kind::Redirect, &["neither http nor https"]);
    }
}

#[tokio::test]
async fn git_redirects_are_followed_within_the_same_class_only() {
    let bench = Bench::new();
    let repository = Repository::new(&[("registry.json", &list(2))]);
    let real = repository.serve().await;
    let target = real.url("");
    let moved = Server::start(move |seen| {
        let location = format!("{target}{}", seen.target);
        async move { with(301, &[("location", &location)], "") }
    })
    .await;
    let at = |address: String| repository.source(address, GitReference::Default, "registry.json");
    let (lines, _) = bench.complete(&at(moved.url("/r.git")), None).await;
    assert_eq!(lines.len(), 2);

    for (location, class) in ELSEWHERE {
        let server =
            Server::start(move |_| async move { with(302, &[("location", location)], "") }).await;
        let error = bench.failure(&at(server.url("/r.git"))).await;
        check(&error, Kind::Redirect, &[class]);
    }
    let server = Server::start(|seen| async move {
        match seen.target.as_str() {
            "/login" => answer(200, "<html>"),
            _ => with(302, &[("location", "/login")], ""),
        }
    })
    .await;
    let error = bench.failure(&at(server.url("/r.git"))).await;
    check(&error, Kind::Redirect, &["as a login page is"]);
}

/// A server that sends a byte each 20 ms.
fn dripping() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
                let mut sent = stream.write_all(head.as_bytes());
                while sent.is_ok() {
                    thread::sleep(Duration::from_millis(20));
                    sent = stream.write_all(b" ");
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn bodies_that_drip_end_the_pass() {
    let bench = Bench::new();
    let patience = Duration::from_millis(400);
    let error = bench.failure(&url(dripping(), patience)).await;
    check(&error, Kind::Timeout, &["less than 1024 bytes per second"]);
    let source = source(Origin::Api {
        endpoint: dripping(),
        timeout: patience,
        access: Access::default(),
    });
    check(&bench.failure(&source).await, Kind::Timeout, &[]);
}
