//! How a server ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::time::{Duration, Instant};

use support::{config, server, until};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_finishes_what_is_under_way_and_takes_nothing_new() {
    let mut server = server(config()).await;
    let stop = server.stop.take().unwrap();
    let (public, internal) = (server.bound.public, server.bound.internal);
    let idle = TcpStream::connect(public).await.unwrap();
    let under_way =
        tokio::spawn(async move { support::send(public, "GET", "/wait?ms=800", &[], "").await });
    server.answering(1).await;
    stop.send(()).unwrap();
    until("nothing new to be accepted", async || {
        TcpStream::connect(public).await.is_err()
    })
    .await;
    let probe = support::send(internal, "GET", "/readyz", &[], "").await;
    assert_eq!(probe.status(), 503, "readiness fails while draining");
    let response = under_way.await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &**response.body()),
        (200, &b"waited"[..])
    );
    tokio::time::timeout(Duration::from_secs(3), server.running)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_ends_when_its_time_is_over() {
    let mut config = config();
    config.limits.drain_timeout = Duration::from_millis(300);
    let mut server = server(config).await;
    let public = server.bound.public;
    let mut stuck = TcpStream::connect(public).await.unwrap();
    stuck
        .write_all(b"GET /wait?ms=3000 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    server.answering(1).await;
    let begun = Instant::now();
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(2), server.running)
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}
