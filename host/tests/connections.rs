//! How many connections a server sees, whoever gives up, refuses or falls silent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/postgres.rs"]
mod support;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cairn::db::Postgres;
use cairn_registry::{ErrorKind, store::Db};
use futures_util::future::join_all;
use support::{Fresh, fresh, with_few_connections};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

async fn number(db: &Postgres, sql: &str) -> i64 {
    let rows = db.query(sql, vec![]).await.unwrap();
    rows.into_iter().next().unwrap().integer().unwrap()
}

/// Which connection of the pool a statement of this runtime gets, as the server knows it.
fn connection(runtime: &Runtime, db: &Arc<Postgres>) -> i64 {
    let db = Arc::clone(db);
    runtime.block_on(async move { number(&db, "SELECT pg_backend_pid()").await })
}

/// With a thread of its own: a connection is driven by the runtime that opened it.
fn runtime() -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn a_runtime_keeps_its_connections_while_there_may_be_more() {
    let (here, there) = (runtime(), runtime());
    let Some(fresh) = here.block_on(fresh()) else {
        return;
    };
    for (most, apart) in [(2, true), (1, false)] {
        let mut settings = fresh.settings.clone();
        settings.connections = most;
        let db = Arc::new(Postgres::new(&settings).unwrap());
        let (mine, yours) = (connection(&here, &db), connection(&there, &db));
        assert_eq!(mine != yours, apart, "{most} connections");
        for _ in 0..3 {
            assert_eq!(connection(&there, &db), yours, "{most} connections");
            assert_eq!(connection(&here, &db), mine, "{most} connections");
        }
        assert_eq!(db.open_connections(), most);
    }
    here.block_on(fresh.end());
}

/// A way to a server.
struct Way {
    port: u16,
    /// Of those who took it.
    count: Arc<AtomicUsize>,
    /// Nothing comes back any more to who took it first.
    is_stuck: Arc<AtomicBool>,
}

impl Way {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Self {
            port: listener.local_addr().unwrap().port(),
            count: Arc::default(),
            is_stuck: Arc::default(),
        };
        let (count, is_stuck) = (Arc::clone(&way.count), Arc::clone(&way.is_stuck));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let is_first = count.fetch_add(1, Ordering::AcqRel) == 0;
                let far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (from, back) = near.into_split();
                let (answers, to) = far.into_split();
                let stuck = is_first.then(|| Arc::clone(&is_stuck));
                tokio::spawn(there(from, to));
                tokio::spawn(back_again(answers, back, stuck));
            }
        });
        way
    }
}

/// What asks the server to stop something takes its time.
async fn there(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    const CANCEL: [u8; 4] = 80_877_102_u32.to_be_bytes();
    let mut first = [0; 4096];
    let length = from.read(&mut first).await?;
    if first[4..8] == CANCEL {
        sleep(Duration::from_millis(100)).await;
    }
    to.write_all(&first[..length]).await?;
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn back_again(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    is_stuck: Option<Arc<AtomicBool>>,
) -> io::Result<()> {
    let mut piece = [0; 4096];
    while let length @ 1.. = from.read(&mut piece).await? {
        while is_stuck
            .as_ref()
            .is_some_and(|stuck| stuck.load(Ordering::Acquire))
        {
            sleep(Duration::from_millis(5)).await;
        }
        to.write_all(&piece[..length]).await?;
    }
    to.shutdown().await
}

/// The most connections to this database on which the server has been at work at once, its own to look at them left out.
/// One that was closed is idle until the server has ended its side, and so is not looked at.
async fn most_seen(fresh: &Fresh, over: &AtomicBool) -> i64 {
    let seen = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
    let mut most = 0;
    while !over.load(Ordering::Acquire) {
        most = most.max(number(&fresh.db, seen).await);
        sleep(Duration::from_millis(1)).await;
    }
    most
}

async fn none_sleeps(fresh: &Fresh) {
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
    while number(&fresh.db, asleep).await > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_are_given_up_end_and_hold_their_place_until_then() {
    const MOST: usize = 3;
    let Some(fresh) = fresh().await else {
        return;
    };
    let way = Way::to(fresh.settings.port).await;
    let mut settings = fresh.settings.clone();
    settings.port = way.port;
    settings.connections = MOST;
    let db = Postgres::new(&settings).unwrap();
    let over = AtomicBool::new(false);
    let given_up = async {
        for round in 0..12 {
            let asked = (0..2 * MOST).map(|_| {
                let asked = db.query("SELECT pg_sleep(20)", vec![]);
                timeout(Duration::from_millis(20 + round), asked)
            });
            for outcome in join_all(asked).await {
                outcome.expect_err("nobody has slept enough");
            }
            assert!(db.open_connections() <= MOST);
        }
        over.store(true, Ordering::Release);
    };
    let (most, ()) = tokio::join!(most_seen(&fresh, &over), given_up);
    assert!((1..=3).contains(&most), "{most} connections");
    let stopped = timeout(Duration::from_secs(2), none_sleeps(&fresh)).await;
    stopped.expect("the server still works for nobody");
    // Each of the places is free again.
    let asked = (0..MOST).map(|_| number(&db, "SELECT 1 FROM pg_sleep(0.1)"));
    let answers = timeout(Duration::from_secs(2), join_all(asked)).await;
    assert_eq!(answers.expect("a place for each"), [1; MOST]);
    drop(db);
    fresh.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_stuck_costs_nobody_else_an_answer() {
    let Some(fresh) = fresh().await else {
        return;
    };
    let way = Way::to(fresh.settings.port).await;
    let mut settings = fresh.settings.clone();
    settings.port = way.port;
    settings.connections = 3;
    let db = Postgres::new(&settings).unwrap();
    assert_eq!(number(&db, "SELECT 1").await, 1);
    way.is_stuck.store(true, Ordering::Release);
    let given_up = db.query("SELECT 1", vec![]);
    let given_up = timeout(Duration::from_millis(100), given_up).await;
    given_up.expect_err("it cannot come back");
    // Six at two connections: one of them after another.
    let asked = (0..6).map(async |_| {
        for _ in 0..10 {
            assert_eq!(number(&db, "SELECT 1 FROM pg_sleep(0.02)").await, 1);
        }
    });
    let answered = timeout(Duration::from_secs(4), join_all(asked)).await;
    answered.expect("whoever asks gets the next that is free");
    assert_eq!(db.open_connections(), 3, "the one that is stuck counts");
    drop(db);
    fresh.end().await;
}

#[test]
fn where_no_more_are_given_a_runtime_takes_what_another_has_open() {
    let (here, there) = (runtime(), runtime());
    let Some(fresh) = here.block_on(with_few_connections(1)) else {
        return;
    };
    let way = here.block_on(Way::to(fresh.settings.port));
    let mut settings = fresh.settings.clone();
    settings.port = way.port;
    settings.connections = 3;
    let db = Arc::new(Postgres::new(&settings).unwrap());
    let only = connection(&here, &db);
    let begun = Instant::now();
    let mut asked = 0;
    while asked < 40 {
        assert_eq!(connection(&there, &db), only);
        asked += 1;
    }
    // A first failure, and one more for each second since.
    let most = 2 + usize::try_from(begun.elapsed().as_secs()).unwrap();
    let tries = way.count.load(Ordering::Acquire);
    assert!((2..=1 + most).contains(&tries), "{tries} connections tried");
    assert_eq!(connection(&here, &db), only);
    db.close();
    here.block_on(fresh.end());
}

#[tokio::test]
async fn a_full_server_makes_requests_wait_for_connections_that_are_there() {
    let Some(fresh) = with_few_connections(2).await else {
        return;
    };
    let mut settings = fresh.settings.clone();
    settings.connections = 8;
    let db = Postgres::new(&settings).unwrap();
    // Two are open, and stay in use while the others arrive.
    let slow = || db.query("SELECT 1 FROM pg_sleep(0.2)", vec![]);
    let asked: Vec<_> = std::iter::repeat_with(slow).take(12).collect();
    for answer in join_all(asked).await {
        answer.unwrap();
    }
    db.close();
    fresh.end().await;
}

#[tokio::test]
async fn a_server_full_of_others_refuses_at_once() {
    let Some(fresh) = with_few_connections(1).await else {
        return;
    };
    let (first, second) = (fresh.again(), fresh.again());
    let _ = number(&first, "SELECT 1").await;
    let begun = Instant::now();
    let error = second.query("SELECT 1", vec![]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    first.close();
    fresh.end().await;
}

/// Lets everybody in and then says nothing.
async fn silent_after_login() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut guest, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut told = [0; 1024];
                let _ = guest.read(&mut told).await?;
                // AuthenticationOk, ReadyForQuery.
                guest.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await?;
                while guest.read(&mut told).await? > 0 {}
                io::Result::Ok(())
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_is_silent_after_the_login_is_left_within_the_time_for_connecting() {
    let Some(fresh) = fresh().await else {
        return;
    };
    let mut settings = fresh.settings.clone();
    settings.port = silent_after_login().await;
    settings.connections = 1;
    let db = Postgres::new(&settings).unwrap();
    let begun = Instant::now();
    let error = db.query("SELECT 1", vec![]).await.unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!((4..7).contains(&took.as_secs()), "{took:?}");
    let left = async {
        while db.open_connections() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let left = timeout(Duration::from_secs(1), left).await;
    left.expect("its place is free");
    fresh.end().await;
}
