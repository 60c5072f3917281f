//! A pass and who takes it: pages come as they are wanted, and end when they are not.

use super::{
    api::{api, page, parameter},
    server::{Seen, Server, answer},
    *,
};

/// Pages without end.
async fn endless() -> Server {
    Server::start(|seen: Seen| async move {
        let cursor = parameter(&seen.target, "cursor").unwrap_or("0");
        let number: u64 = cursor.parse().expect("a number");
        page(&format!("a/{number}"), Some(&(number + 1).to_string()))
    })
    .await
}

#[tokio::test]
async fn pages_are_not_asked_for_long_before_they_are_wanted() {
    let bench = Bench::new();
    let server = endless().await;
    let source = api(server.url(""));
    let Ok(Fetch::Items(mut items)) = fetch(&source, Request::default(), &bench.cx).await else {
        panic!("no pass");
    };
    let mut asked = 0;
    for taken in 0..50 {
        assert!(matches!(items.next().await, Ok(Step::Batch(_))));
        asked += server.seen().len();
        assert!(asked <= taken + 5, "{asked} pages asked for, {taken} taken");
    }
}

#[tokio::test]
async fn a_pass_that_nobody_listens_to_ends() {
    let bench = Bench::new();
    let server = endless().await;
    let source = api(server.url(""));
    let Ok(Fetch::Items(mut items)) = fetch(&source, Request::default(), &bench.cx).await else {
        panic!("no pass");
    };
    assert!(matches!(items.next().await, Ok(Step::Batch(_))));
    let others = |bench: &Bench| Arc::strong_count(&bench.cx.sleep) - 1;
    assert_eq!(others(&bench), 1, "the pass holds what it shares");
    drop(items);
    let ended = async {
        while others(&bench) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("the pass has ended");
}

#[tokio::test]
async fn a_wait_between_attempts_ends_when_it_is_stopped() {
    let mut bench = Bench::new();
    bench.cx.sleep = Arc::new(|_| Box::pin(std::future::pending()));
    let server = Server::start(|_| async { answer(503, "") }).await;
    let stop = bench.cx.stop.clone();
    let stopping = async {
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.set();
    };
    let source = api(server.url(""));
    let (error, ()) = tokio::join!(bench.failure(&source), stopping);
    assert_eq!(error.kind, Kind::Stopped);
}
