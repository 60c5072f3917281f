//! A write through one replica shows in the caches of all others, and soon, even when nobody tells them of it.

use std::time::{Duration, Instant};

use cairn_tests::{Installation, Server, database, installation::of_file, until};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, alone, postgres, rounds};

/// After the commit, at most.
const VISIBLE: Duration = Duration::from_secs(1);

const LIST: &str = "/v0.1/servers?limit=100";

/// Written as often as the case likes, each time with another version.
struct Source(Installation);

impl Source {
    fn new(url: &str) -> Self {
        let installation = Installation::empty();
        let mut config = of_file(&installation.path("list.json"));
        config["database"] = json!({ "url": url });
        installation.configure(config);
        let source = Self(installation);
        source.write(0);
        source
    }

    fn write(&self, version: usize) {
        let list: Value = json!([{
            "name": "com.example/a", "description": "A server.", "version": format!("1.0.{version}"),
        }]);
        self.0.write("list.json", &list.to_string());
    }
}

/// Whether the answer, from the cache or not, knows of that version.
fn knows(server: &Server, version: usize) -> bool {
    let answer = server.public.get(LIST);
    assert_eq!(answer.status, 200);
    answer.text().contains(&format!("\"1.0.{version}\""))
}

/// How long after its commit a write shows in a replica that keeps the list.
fn visible(source: &Source, (writer, reader): (&Server, &Server), version: usize) -> Duration {
    until("the list to be kept", PATIENCE, || {
        (reader.public.get(LIST).header("x-cache") == "hit").then_some(())
    });
    assert!(!knows(reader, version));
    source.write(version);
    until("the write", PATIENCE, || {
        knows(writer, version).then_some(())
    });
    let written = Instant::now();
    until("the write to show", PATIENCE, || {
        knows(reader, version).then_some(())
    });
    written.elapsed()
}

#[test]
fn a_write_shows_in_every_cache_within_a_second() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    let url = postgres.url();
    let source = Source::new(&url);
    let writer = source.0.serve(&[]);
    let reader = source.0.serve(&["--sync=false"]);
    let both = (&writer, &reader);
    let (mut version, mut told, mut alone) = (0, Vec::new(), Vec::new());
    for _ in 0..rounds(5, 50) {
        version += 1;
        told.push(visible(&source, both, version));
    }
    // The connection that notices come by is ended, at both.
    let deaf = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE query LIKE '%FROM generation' AND pid <> pg_backend_pid()";
    for _ in 0..rounds(2, 20) {
        version += 1;
        assert_ne!(database::ask(&url, deaf), "0", "nobody was listening");
        told.push(visible(&source, both, version));
    }
    // Nobody is told any more: it has to be found.
    database::ask(&url, "ALTER TABLE generation DISABLE TRIGGER announce");
    for _ in 0..rounds(3, 30) {
        version += 1;
        alone.push(visible(&source, both, version));
    }
    println!("told: {told:?}, found: {alone:?}");
    let longest = told.iter().chain(&alone).max().expect("writes");
    assert!(*longest < VISIBLE, "{longest:?}");
}
