//! Upstreams are down, slow, or send rubbish: their last good data is served, they are marked, the others go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Server, Upstream, until,
    upstream::{Asked, Given},
};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, alone, fresh, rounds};

/// What an upstream does.
const WELL: usize = 0;
const DOWN: usize = 1;
const SLOW: usize = 2;
const RUBBISH: usize = 3;

/// Says so many records until it is told to misbehave.
struct Fickle {
    upstream: Upstream,
    mood: Arc<AtomicUsize>,
}

impl Fickle {
    fn new(name: &'static str) -> Self {
        let mood = Arc::<AtomicUsize>::default();
        let seen = Arc::clone(&mood);
        let upstream = Upstream::start(move |_: &Asked| -> Given {
            match seen.load(Ordering::Acquire) {
                DOWN => return (503, "text/plain", b"down".to_vec()),
                SLOW => thread::sleep(Duration::from_secs(2)),
                RUBBISH => return (200, "application/json", b"{\"servers\":[{\"ser".to_vec()),
                _ => {}
            }
            let record = json!({
                "name": format!("com.example/{name}"), "description": "A server.", "version": "1.0.0",
            });
            let list = json!({ "servers": [{ "server": record }], "metadata": { "count": 1 } });
            (200, "application/json", list.to_string().into_bytes())
        });
        Self { upstream, mood }
    }
}

/// A file at a URL or, in the long form, another registry: that one is asked several times before it counts as failed.
fn source(name: &str, upstream: &Upstream) -> Value {
    let mut source = json!({ "name": name, "syncPolicy": { "interval": "1s" } });
    if rounds(0, 1) == 0 {
        source["file"] =
            json!({ "url": format!("{}/list.json", upstream.url()), "timeout": "300ms" });
    } else {
        source["api"] = json!({ "endpoint": upstream.url(), "timeout": "300ms" });
    }
    source
}

fn status(server: &Server, name: &str, wanted: &str) {
    until(&format!("{name} to be {wanted}"), PATIENCE, || {
        (server.source(name)["status"] == wanted).then_some(())
    });
}

#[test]
fn upstreams_that_fail_are_marked_and_harm_nobody() {
    let _alone = alone();
    let names = ["down", "slow", "rubbish", "well"];
    let fickle = names.map(Fickle::new);
    let config = json!({
        "sources": names.iter().zip(&fickle)
            .map(|(name, one)| source(name, &one.upstream)).collect::<Vec<_>>(),
        "registries": [{ "name": "default", "sources": names }],
        "auth": { "mode": "anonymous" },
    });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    for name in names {
        status(&server, name, "complete");
    }
    let before = fresh(&server, "/v0.1/servers").keys();
    assert_eq!(before.len(), names.len());

    for (one, mood) in fickle.iter().zip([DOWN, SLOW, RUBBISH, WELL]) {
        one.mood.store(mood, Ordering::Release);
    }
    for name in &names[..3] {
        status(&server, name, "failed");
        let marked = server.source(name);
        assert!(marked["last_success"].is_string(), "{marked}");
        assert!(!marked["message"].as_str().unwrap_or_default().is_empty());
    }
    let asked = Instant::now();
    assert_eq!(fresh(&server, "/v0.1/servers").keys(), before);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "reads do not wait"
    );
    assert_eq!(server.internal.get("/readyz").status, 200);
    let well = fickle[3].upstream.asked().len();
    until("the sound one to be read again", PATIENCE, || {
        (fickle[3].upstream.asked().len() > well).then_some(())
    });
    assert_eq!(server.source("well")["status"], "complete");

    // The more often one has failed, the later it is tried again: that takes its time.
    for _ in 0..rounds(0, 1) {
        for one in &fickle {
            one.mood.store(WELL, Ordering::Release);
        }
        for name in names {
            status(&server, name, "complete");
        }
        assert_eq!(fresh(&server, "/v0.1/servers").keys(), before);
    }
}
