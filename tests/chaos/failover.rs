//! A streaming standby: read from while it keeps up, missed without harm, and promoted when the primary is lost.

use std::{
    sync::atomic::AtomicUsize,
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Postgres, Proxy, Server, Stop, database,
    installation::of_file,
    load::{Load, Question, assert_all_right},
    until,
};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, alone, fresh, postgres, rounds};

/// From a change of the source to its sight through the standby: less than an answer would be kept by its age alone.
const VISIBLE: Duration = Duration::from_secs(3);

const LIST: &str = "/v0.1/servers?limit=100";

/// A primary behind a proxy, as behind a name that may lead elsewhere, and its standby.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    address: Proxy,
    installation: Installation,
}

impl Pair {
    fn new() -> Option<Self> {
        let primary = postgres(&[])?;
        let standby = match primary.standby(&["hot_standby_feedback=on"]) {
            Ok(standby) => standby,
            Err(why) => {
                println!("not checked: a standby: {why}");
                return None;
            }
        };
        let address = Proxy::to_port(primary.port());
        let installation = Installation::empty();
        let mut config = of_file(&installation.path("list.json"));
        let own = primary.port().to_string();
        config["database"] = json!({
            "url": primary.url().replace(&own, &address.port().to_string()),
            "readUrl": standby.url(),
        });
        installation.configure(config);
        let pair = Self {
            primary,
            standby,
            address,
            installation,
        };
        pair.write(0);
        Some(pair)
    }

    /// Another version of the only record.
    fn write(&self, version: usize) {
        let list: Value = json!([{
            "name": "com.example/a", "description": "A server.", "version": format!("1.0.{version}"),
        }]);
        self.installation.write("list.json", &list.to_string());
    }

    /// Commits so far, at the primary and at the standby.
    fn generations(&self) -> (String, String) {
        let sql = "SELECT COALESCE(sum(value), 0) FROM generation";
        (
            database::ask(&self.primary.url(), sql),
            database::ask(&self.standby.url(), sql),
        )
    }

    /// What the standby was asked for by us, and not merely looked at.
    fn reads_at_the_standby(&self) -> usize {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cairn' AND query LIKE '%FROM view%'";
        database::ask(&self.standby.url(), sql)
            .parse()
            .expect("a number")
    }
}

fn knows(server: &Server, version: usize) -> bool {
    let answer = server.public.get(LIST);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().contains(&format!("\"1.0.{version}\""))
}

fn shows(server: &Server, version: usize, within: Duration) {
    until(&format!("1.0.{version}"), within, || {
        knows(server, version).then_some(())
    });
}

fn standby_is(server: &Server, up: bool) {
    let wanted = f64::from(u8::from(up));
    until("the standby's state", PATIENCE, || {
        (server.metric("cairn_database_standby_up") == Some(wanted)).then_some(())
    });
}

/// How often the log says so.
fn said(server: &Server, words: &str) -> usize {
    server.log.text().matches(words).count()
}

#[test]
fn a_standby_is_read_from_as_long_as_it_keeps_up() {
    let _alone = alone();
    let Some(mut pair) = Pair::new() else {
        return;
    };
    // Who writes drops its own cache with each commit: what is looked at is another one's.
    let writer = pair.installation.serve(&[]);
    let server = pair.installation.serve(&["--sync=false"]);
    standby_is(&server, true);
    shows(&server, 0, PATIENCE);
    assert_eq!(fresh(&server, LIST).status, 200);
    assert!(pair.reads_at_the_standby() > 0, "lists are read there");
    for version in 1..=rounds(5, 50) {
        pair.write(version);
        shows(&server, version, VISIBLE);
    }
    falls_behind_a_little(&pair, &server, 500);
    falls_behind(&pair, &server, 1000);
    is_lost(&mut pair, &server);
    assert!(server.stop().success() && writer.stop().success());
}

/// What was kept while the standby was behind goes as soon as it is not.
fn falls_behind_a_little(pair: &Pair, server: &Server, version: usize) {
    database::ask(&pair.standby.url(), "SELECT pg_wal_replay_pause()");
    pair.write(version);
    until("the commit at the primary", PATIENCE, || {
        let commits = server.metric("cairn_database_standby_lag_generations")?;
        (commits > 0.0).then_some(())
    });
    until("the older list to be kept", PATIENCE, || {
        (server.public.get(LIST).header("x-cache") == "hit").then_some(())
    });
    assert!(!knows(server, version));
    database::ask(&pair.standby.url(), "SELECT pg_wal_replay_resume()");
    shows(server, version, Duration::from_secs(1));
}

/// Replay stands still: what is committed does not show, and after a while reads go where it does.
fn falls_behind(pair: &Pair, server: &Server, version: usize) {
    database::ask(&pair.standby.url(), "SELECT pg_wal_replay_pause()");
    pair.write(version);
    until("the lag to be measured", PATIENCE, || {
        let seconds = server.metric("cairn_database_standby_lag_seconds")?;
        let commits = server.metric("cairn_database_standby_lag_generations")?;
        (seconds > 1.0 && commits > 0.0).then_some(())
    });
    assert!(!knows(server, version), "it is not at the standby yet");
    let (there, here) = pair.generations();
    assert_ne!(there, here);
    let doctor = pair.installation.run(&["doctor", "--offline"]).expect(0);
    let said = doctor.stdout;
    assert!(said.contains("commits behind"), "{said}");
    shows(server, version, Duration::from_secs(10));
    standby_is(server, false);
    assert_eq!(server.internal.get("/readyz").status, 200);
    database::ask(&pair.standby.url(), "SELECT pg_wal_replay_resume()");
    standby_is(server, true);
    assert!(knows(server, version), "what was shown is never taken back");
}

/// Clients that leave each other time.
fn gentle(questions: &[Question]) -> Load<'_> {
    Load {
        clients: 4,
        questions,
        pause: Duration::from_millis(5),
    }
}

/// It is lost under load: nobody notices, and it is said once.
fn is_lost(pair: &mut Pair, server: &Server) {
    let questions = [Question::learn(&server.public.authority, LIST)];
    let load = gentle(&questions);
    let authority = server.public.authority.clone();
    let before = said(server, "reads go to the primary");
    let times = rounds(1, 5);
    let lose = |_: &AtomicUsize| {
        for _ in 0..times {
            pair.standby.stop(Stop::Immediate);
            standby_is(server, false);
            thread::sleep(Duration::from_secs(1));
            pair.standby.resume().expect("the standby");
            standby_is(server, true);
        }
    };
    let ((), outcomes) = load.run(|_| authority.clone(), lose);
    println!("{} requests while the standby was lost", outcomes.len());
    assert_all_right(&outcomes);
    let told = said(server, "reads go to the primary") - before;
    assert_eq!(told, times, "said once each time");
}

#[test]
fn a_primary_that_is_lost_is_succeeded_by_its_standby() {
    let _alone = alone();
    for _ in 0..rounds(1, 4) {
        let Some(mut pair) = Pair::new() else {
            return;
        };
        let server = pair.installation.serve(&[]);
        standby_is(&server, true);
        pair.write(1);
        shows(&server, 1, PATIENCE);
        until("replication", PATIENCE, || {
            let (there, here) = pair.generations();
            (there == here).then_some(())
        });

        pair.primary.stop(Stop::Immediate);
        let lost = Instant::now();
        let questions = [Question::learn(&server.public.authority, LIST)];
        let load = gentle(&questions);
        let authority = server.public.authority.clone();
        // In the long form longer than answers are kept.
        let outage = Duration::from_secs(rounds(2, 7) as u64);
        let ((), outcomes) = load.run(
            |_| authority.clone(),
            |_| thread::sleep(outage.saturating_sub(lost.elapsed())),
        );
        println!("{} requests without a primary", outcomes.len());
        assert_all_right(&outcomes);
        assert_eq!(server.internal.get("/readyz").status, 200, "reads go on");

        pair.write(2);
        database::ask(&pair.standby.url(), "SELECT pg_promote()");
        pair.address
            .lead_to(&[format!("127.0.0.1:{}", pair.standby.port())]);
        let promoted = Instant::now();
        shows(&server, 2, Duration::from_secs(15));
        println!("writes go on {:?} after the promotion", promoted.elapsed());
        let history = format!(
            "/v0.1/servers/{}/versions?limit=100",
            cairn_tests::encode("com.example/a")
        );
        let versions = fresh(&server, &history);
        assert_eq!(versions.status, 200);
        let gone = fresh(&server, "/v0.1/servers?include_deleted=true&limit=100");
        for version in 0..=2 {
            assert!(
                gone.text().contains(&format!("\"1.0.{version}\"")),
                "1.0.{version} was acknowledged: {}",
                gone.text()
            );
        }
        assert!(server.stop().success());
    }
}
