//! Two servers on one database that are asked, overrun, and read by a Prometheus, with sources of three kinds: a large one,
//! one that can be made to fail, and one with a record that nobody can address.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use cairn_tests::{
    Installation, Server, Upstream, fixture,
    load::ask,
    upstream::{Asked, Given, pages},
};
use serde_json::{Value, json};

use crate::{prometheus::Prometheus, tool::tool};

/// Clients there are at most.
pub(crate) const CROWD: usize = 24;

pub(crate) struct Stage {
    pub(crate) prometheus: Prometheus,
    /// Whether one of the sources fails.
    pub(crate) is_partner_ill: Arc<AtomicBool>,
    /// How many clients there are now.
    pub(crate) clients: AtomicUsize,
    servers: [Server; 2],
    _sources: [Upstream; 2],
    _installation: Installation,
}

impl Stage {
    /// `None`, and a line that says so, where there is no Prometheus.
    pub(crate) fn prepare(about: &str) -> Option<Self> {
        tool("prometheus", about)?;
        let is_partner_ill = Arc::<AtomicBool>::default();
        let sources = [
            Upstream::start(pages(30, 100)),
            partner(Arc::clone(&is_partner_ill)),
        ];
        let installation = Installation::empty();
        installation.configure(config(&sources, &team(&installation)));
        let servers = [&[][..], &["--sync=false"]].map(|args| installation.serve(args));
        let named = [("cairn-0", &servers[0]), ("cairn-1", &servers[1])];
        Some(Self {
            prometheus: Prometheus::start(&named, about)?,
            is_partner_ill,
            clients: AtomicUsize::new(CROWD),
            servers,
            _sources: sources,
            _installation: installation,
        })
    }

    /// Lets clients ask while somebody watches.
    pub(crate) fn under_load(&self, watch: impl FnOnce()) {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 0..CROWD {
                let over = &over;
                scope.spawn(move || self.client(number, over));
            }
            // A failure ends the clients too.
            let _end = End(&over);
            watch();
        });
    }

    /// Goes through what clients do, until it is over, as long as it is one of those that there are now.
    fn client(&self, number: usize, over: &AtomicBool) {
        const TARGETS: [&str; 8] = [
            "/v0.1/servers?limit=30",
            "/v0.1/servers?search=server-0000",
            "/v0.1/servers?updated_since=2025-06-20T00:00:00Z",
            "/v0.1/servers/com.example.many%2Fserver-000001/versions",
            "/v0.1/servers/com.example.many%2Fserver-000001/versions/latest",
            "/v0.1/servers?limit=0",
            "/v0.1/servers/absent/versions",
            "/docs",
        ];
        for turn in number.. {
            if over.load(Ordering::Acquire) {
                return;
            }
            if number < self.clients.load(Ordering::Acquire) {
                let fresh: &[_] = if turn % 3 == 0 {
                    &[("Cache-Control", "no-cache")]
                } else {
                    &[]
                };
                let server = &self.servers[turn % self.servers.len()].public.authority;
                // Being turned away is among what is to be seen.
                drop(ask(server, TARGETS[turn % TARGETS.len()], fresh));
            }
            thread::sleep(Duration::from_millis(5 + turn as u64 % 23));
        }
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A registry that answers as long as it is not ill.
fn partner(is_ill: Arc<AtomicBool>) -> Upstream {
    let well = pages(4, 100);
    Upstream::start(move |asked: &Asked| -> Given {
        if is_ill.load(Ordering::Acquire) {
            return (500, "text/plain", Vec::new());
        }
        well(asked)
    })
}

/// The fixture, and a record that nobody can address.
fn team(installation: &Installation) -> PathBuf {
    let text = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    let mut catalog: Value = serde_json::from_str(&text).expect("JSON");
    let records = catalog["servers"].as_array_mut().expect("a list");
    records.push(json!({ "server": { "description": "Has no name." } }));
    installation.write("team.json", &catalog.to_string())
}

fn config([public, partner]: &[Upstream; 2], team: &Path) -> Value {
    json!({
        "sources": [
            { "name": "public", "api": { "endpoint": public.url() }, "syncPolicy": { "interval": "20s" } },
            { "name": "partner", "api": { "endpoint": partner.url() }, "syncPolicy": { "interval": "5s" } },
            { "name": "team", "file": { "path": team }, "syncPolicy": { "interval": "10s" } },
        ],
        "registries": [{ "name": "default", "sources": ["team", "partner", "public"] }],
        "auth": { "mode": "anonymous" },
        // Few enough for the crowd to reach them.
        "limits": { "requests": 4 },
    })
}
