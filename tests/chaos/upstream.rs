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
    Installation, Proxy, Server, Upstream, until,
    upstream::{Asked, Given},
};
use serde_json::{Value, json};

use crate::{
    git_server::Repository,
    stage::{PATIENCE, alone, fresh, rounds},
};

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
            let record = record(name);
            let list = json!({ "servers": [{ "server": record }], "metadata": { "count": 1 } });
            (200, "application/json", list.to_string().into_bytes())
        });
        Self { upstream, mood }
    }
}

fn record(name: &str) -> Value {
    json!({ "name": format!("com.example/{name}"), "description": "A server.", "version": "1.0.0" })
}

/// A repository behind a proxy: nobody may be there, and what is there may be rubbish.
struct Shaky {
    name: &'static str,
    repository: Repository,
    proxy: Proxy,
}

const LIST: &str = "servers.json";

impl Shaky {
    fn new(name: &'static str) -> Self {
        let repository = Repository::new(&[(LIST, &json!([record(name)]).to_string())]);
        let proxy = Proxy::to(&[authority(&repository)]);
        Self {
            name,
            repository,
            proxy,
        }
    }

    fn source(&self) -> Value {
        let url = format!("http://{}/r.git", self.proxy.authority());
        json!({
            "name": self.name, "syncPolicy": { "interval": "1s" },
            "git": { "repository": url, "branch": "main", "path": LIST },
        })
    }

    fn go_down(&self) {
        self.proxy.lead_to(&[]);
        self.proxy.cut();
    }

    fn commit_rubbish(&self) {
        self.repository.commit(&[(LIST, "[{\"ser")]);
    }

    fn mend(&self) {
        let list = json!([record(self.name)]).to_string();
        // A file that is back as it was is a commit only where it was not.
        self.repository
            .commit(&[(LIST, &list), ("README", "mended")]);
        self.proxy.lead_to(&[authority(&self.repository)]);
    }
}

fn authority(repository: &Repository) -> String {
    repository.server.url().replace("http://", "")
}

/// Another registry: it is asked several times before it counts as failed.
fn api(name: &str, upstream: &Upstream) -> Value {
    json!({
        "name": name, "syncPolicy": { "interval": "1s" },
        "api": { "endpoint": upstream.url(), "timeout": "300ms" },
    })
}

/// A file at a URL or, in the long form, another registry too.
fn source(name: &str, upstream: &Upstream) -> Value {
    if rounds(0, 1) == 1 {
        return api(name, upstream);
    }
    json!({
        "name": name, "syncPolicy": { "interval": "1s" },
        "file": { "url": format!("{}/list.json", upstream.url()), "timeout": "300ms" },
    })
}

fn status(server: &Server, name: &str, wanted: &str) {
    until(&format!("{name} to be {wanted}"), PATIENCE, || {
        (server.source(name)["status"] == wanted).then_some(())
    });
}

/// All of them, of each kind.
struct Sources {
    fickle: [Fickle; 5],
    shaky: [Shaky; 2],
}

const FICKLE: [&str; 5] = ["down", "slow", "rubbish", "registry", "well"];
const MOODS: [usize; 5] = [DOWN, SLOW, RUBBISH, DOWN, WELL];
const NAMES: [&str; 7] = [
    "down",
    "slow",
    "rubbish",
    "registry",
    "git-down",
    "git-rubbish",
    "well",
];

impl Sources {
    fn new() -> Self {
        Self {
            fickle: FICKLE.map(Fickle::new),
            shaky: ["git-down", "git-rubbish"].map(Shaky::new),
        }
    }

    fn config(&self) -> Value {
        let fickle = FICKLE.iter().zip(&self.fickle);
        let fickle = fickle.map(|(name, one)| match *name {
            "registry" => api(name, &one.upstream),
            name => source(name, &one.upstream),
        });
        let sources: Vec<Value> = fickle.chain(self.shaky.iter().map(Shaky::source)).collect();
        json!({
            "sources": sources,
            "registries": [{ "name": "default", "sources": NAMES }],
            "auth": { "mode": "anonymous" },
        })
    }

    fn fail(&self) {
        for (one, mood) in self.fickle.iter().zip(MOODS) {
            one.mood.store(mood, Ordering::Release);
        }
        self.shaky[0].go_down();
        self.shaky[1].commit_rubbish();
    }

    fn mend(&self) {
        for one in &self.fickle {
            one.mood.store(WELL, Ordering::Release);
        }
        for one in &self.shaky {
            one.mend();
        }
    }
}

#[test]
fn upstreams_that_fail_are_marked_and_harm_nobody() {
    let _alone = alone();
    let sources = Sources::new();
    let installation = Installation::new(sources.config());
    let server = installation.serve(&[]);
    for name in NAMES {
        status(&server, name, "complete");
    }
    let before = fresh(&server, "/v0.1/servers").keys();
    assert_eq!(before.len(), NAMES.len());

    sources.fail();
    for name in &NAMES[..NAMES.len() - 1] {
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
    let well = &sources.fickle[FICKLE.len() - 1].upstream;
    let asked = well.asked().len();
    until("the sound one to be read again", PATIENCE, || {
        (well.asked().len() > asked).then_some(())
    });
    assert_eq!(server.source("well")["status"], "complete");

    // The more often one has failed, the later it is tried again: that takes its time.
    for _ in 0..rounds(0, 1) {
        sources.mend();
        for name in NAMES {
            status(&server, name, "complete");
        }
        assert_eq!(fresh(&server, "/v0.1/servers").keys(), before);
    }
}
