//! Postgres is stopped and started while clients ask.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Postgres, Server, Stop, database,
    load::{Load, Reply, assert_right_or_later},
    until,
};
use serde_json::json;

use crate::stage::{
    PATIENCE, RECOVERY, alone, filled, fresh, on, postgres, questions, recovery, rounds,
};

/// Until probes tell that there is no database.
const NOTICED: Duration = Duration::from_secs(5);

/// How long it is away. In the long form that is longer than an answer is kept.
fn outage() -> Duration {
    Duration::from_secs(rounds(1, 7) as u64)
}

/// Stops the database, looks on, and starts it again. Gives the moment at which everything has to be well.
fn interrupt(postgres: &mut Postgres, server: &Server, how: Stop, ended: &AtomicUsize) -> Instant {
    let more = |requests: usize| {
        let wanted = ended.load(Ordering::Relaxed) + requests;
        until("requests", PATIENCE, || {
            (ended.load(Ordering::Relaxed) >= wanted).then_some(())
        });
    };
    more(30);
    let stopped = Instant::now();
    postgres.stop(how);
    until("readiness to fail", NOTICED, || {
        (server.internal.get("/readyz").status == 503).then_some(())
    });
    let noticed = stopped.elapsed();
    assert!(noticed < NOTICED, "unready after {noticed:?}");
    assert_eq!(server.internal.get("/livez").status, 200);
    thread::sleep(outage().saturating_sub(stopped.elapsed()));
    let answer = fresh(server, "/v0.1/servers");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.has("retry-after"));
    postgres.resume().expect("Postgres");
    let back = Instant::now();
    let took = recovery(server);
    println!("{how:?}: unready after {noticed:?}, well again after {took:?}");
    assert!(took < RECOVERY, "well again after {took:?}");
    more(30);
    back + RECOVERY
}

#[test]
fn a_database_that_stops_and_starts_costs_503_and_nothing_else() {
    let _alone = alone();
    let Some(mut postgres) = postgres(&[]) else {
        return;
    };
    let installation = filled(on(&postgres.url(), &json!({})));
    let server = installation.serve(&["--sync=false"]);
    let questions = questions(&server);
    let load = Load {
        clients: 4,
        questions: &questions,
        pause: Duration::from_millis(5),
    };
    let authority = server.public.authority.clone();
    for round in 0..rounds(2, 8) {
        let how = [Stop::Immediate, Stop::Fast][round % 2];
        let (well, outcomes) = load.run(
            |_| authority.clone(),
            |ended| interrupt(&mut postgres, &server, how, ended),
        );
        let (right, later) = assert_right_or_later(&outcomes);
        println!("{right} right answers, {later} times 503");
        assert!(right > 0 && later > 0);
        let late = outcomes
            .iter()
            .find(|outcome| outcome.asked > well && outcome.reply != Reply::Right);
        assert!(late.is_none(), "after the recovery: {late:?}");
    }
    assert!(server.stop().success());
}

#[test]
fn answers_stand_in_through_an_outage_where_that_is_wanted() {
    const LIST: &str = "/v0.1/servers?limit=30";
    let _alone = alone();
    let Some(mut postgres) = postgres(&[]) else {
        return;
    };
    let mut config = on(&postgres.url(), &json!({}));
    config["cache"] = json!({ "staleIfError": "1h" });
    let installation = filled(config);
    let server = installation.serve(&["--sync=false"]);
    // What was read before it follows the database's changes is dropped when it does.
    let follows = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%FROM generation'";
    until("changes to be followed", PATIENCE, || {
        (database::ask(&postgres.url(), follows) == "1").then_some(())
    });
    let before = server.public.get(LIST);
    assert_eq!(before.status, 200);
    postgres.stop(Stop::Immediate);
    let how = |server: &Server| {
        let answer = server.public.get(LIST);
        assert_eq!((answer.status, &answer.body), (200, &before.body));
        answer.header("x-cache")
    };
    // First the kept answer is fresh.
    until("an answer that stands in", PATIENCE, || {
        (how(&server) == "stale").then_some(())
    });
    until("readiness to fail", NOTICED, || {
        (server.internal.get("/readyz").status == 503).then_some(())
    });
    let other = server.public.get("/v0.1/servers?limit=29");
    assert_eq!(other.status, 503, "nothing is known of it");
    postgres.resume().expect("Postgres");
    recovery(&server);
    until("a new answer", RECOVERY, || {
        (how(&server) != "stale").then_some(())
    });
    assert!(server.stop().success());
}
