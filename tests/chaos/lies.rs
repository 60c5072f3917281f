//! Upstreams that lie, at random from a seed: sources go on, nothing is flooded, and once the upstreams are honest the
//! registry is what a new one would be.

use std::{
    env,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{Installation, Server, until};
use serde_json::{Value, json};

use crate::{
    liar::Liar,
    stage::{PATIENCE, alone, fresh, number, rounds},
};

/// Upstreams of each kind.
const EACH: usize = 6;
/// Lines of log that a source may cause in a second.
const LINES: usize = 20;

fn seed() -> u64 {
    let given = env::var("CAIRN_SEED").ok();
    let seed = given.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a number"));
    println!("the seed is {seed}: CAIRN_SEED={seed} repeats it");
    seed
}

fn names() -> Vec<String> {
    let of = |kind: &str| {
        (0..EACH)
            .map(move |number| format!("{kind}-{number}"))
            .collect::<Vec<_>>()
    };
    [of("api"), of("file")].concat()
}

fn config(liars: &[Liar]) -> Value {
    let sources = names().into_iter().zip(liars).map(|(name, liar)| {
        let url = liar.upstream.url();
        let origin = match name.starts_with("api") {
            true => json!({ "endpoint": url, "timeout": "500ms" }),
            false => json!({ "url": format!("{url}/list.json"), "timeout": "500ms" }),
        };
        let kind = name.split('-').next().unwrap_or_default();
        json!({ "name": name, "syncPolicy": { "interval": "500ms" }, kind: origin })
    });
    json!({
        "sources": sources.collect::<Vec<_>>(),
        "registries": [{ "name": "default", "sources": names() }],
        "auth": { "mode": "anonymous" },
        "sync": { "fullPassInterval": "1s" },
    })
}

/// Answers to clients, without the times at which this registry learnt of the records.
fn told(server: &Server) -> Vec<Value> {
    let mut told = Vec::new();
    let mut target = "/v0.1/servers?limit=100".to_owned();
    loop {
        let page = fresh(server, &target);
        let body = page.json();
        let servers = body["servers"].as_array().cloned().unwrap_or_default();
        told.extend(servers.into_iter().map(|one| {
            let official = &one["_meta"]["io.modelcontextprotocol.registry/official"];
            json!([one["server"], official["status"], official["isLatest"]])
        }));
        match page.next() {
            Some(next) => {
                target = format!(
                    "/v0.1/servers?limit=100&cursor={}",
                    cairn_tests::encode(&next)
                )
            }
            None => return told,
        }
    }
}

/// Looks at the server while it is lied to: it answers, and is ready.
fn watch(server: &Server, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        let answer = fresh(server, "/v0.1/servers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(server.internal.get("/readyz").status, 200);
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn upstreams_that_lie_neither_stop_nor_flood_their_sources() {
    let _alone = alone();
    let seed = seed();
    let of = |(number, name): (usize, String)| Liar::new(name, seed.wrapping_add(number as u64));
    let liars: Vec<Liar> = names().into_iter().enumerate().map(of).collect();
    let installation = Installation::new(config(&liars));
    let server = installation.serve(&[]);
    until("the first pass", PATIENCE, || {
        let complete = |name: &String| server.source(name)["status"] == "complete";
        names().iter().all(complete).then_some(())
    });
    let honest = told(&server);
    let before = server.log.text().lines().count();

    let time = Duration::from_secs(rounds(60, 1200) as u64);
    liars.iter().for_each(|liar| liar.lie(true));
    watch(&server, time);
    liars.iter().for_each(|liar| liar.lie(false));

    for (name, liar) in names().iter().zip(&liars) {
        let lies = liar.told.load(Ordering::Acquire);
        assert!(lies > 5, "{name} was only told {lies} lies");
    }
    let log = server.log.text();
    assert!(!log.contains("panicked"), "{log}");
    let lines = log.lines().count() - before;
    let most = LINES * liars.len() * usize::try_from(time.as_secs()).expect("seconds");
    assert!(lines < most, "{lines} lines of log");
    for name in names() {
        let sql = format!("SELECT count(*) FROM finding WHERE source = '{name}'");
        let findings = number(&installation, None, &sql);
        assert!(findings <= 20_002, "{findings} findings of {name}");
    }

    until("the registry to be as before", PATIENCE, || {
        (told(&server) == honest).then_some(())
    });
    let other = Installation::new(config(&liars));
    let new = other.serve(&[]);
    until("a new registry to be the same", PATIENCE, || {
        (told(&new) == told(&server)).then_some(())
    });
}

#[test]
fn waits_that_an_upstream_asks_for_are_bounded() {
    let _alone = alone();
    for asked in [
        "9999999999",
        "18446744073709551615",
        "99999999999999999999999999",
        "Thu, 01 Jan 2099 00:00:00 GMT",
    ] {
        let upstream = cairn_tests::Upstream::of_bytes(move |_| {
            format!("HTTP/1.1 503 X\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes()
        });
        let source = json!({
            "name": "patient", "syncPolicy": { "interval": "1s" },
            "file": { "url": format!("{}/list.json", upstream.url()) },
        });
        let installation = Installation::new(cairn_tests::installation::of_source(source));
        let ended = installation.run(&["sync", "--once"]);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        let wait = "SELECT (next_run_at - CAST(strftime('%s', 'now') AS INTEGER) * 1000000) / 1000000 FROM source";
        let wait = number(&installation, None, wait);
        assert!((3500..=4600).contains(&wait), "{asked}: {wait} s");
    }
}
