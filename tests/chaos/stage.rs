//! What cases are played on: a Postgres of their own, an installation, and nobody else at the same time.

use std::{
    env,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Postgres, Server, database, encode, fixture, installation::of_file,
    load::Question,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// From the moment the database takes connections again until answers have to be there.
pub(crate) const RECOVERY: Duration = Duration::from_secs(2);

/// For what is not measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Cases look at times, and so do not run side by side.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a case is repeated: in the short form, and in the long one.
pub(crate) fn rounds(short: usize, long: usize) -> usize {
    let is_long = env::var("CAIRN_CHAOS").is_ok_and(|form| form == "long");
    if is_long { long } else { short }
}

/// A Postgres for one case, with these settings besides its own; `None`, said aloud, where there is none.
pub(crate) fn postgres(settings: &[&str]) -> Option<Postgres> {
    // A commit that was acknowledged is to survive a crash of the server, and to reach a standby at once.
    let settings = [&["synchronous_commit=on"], settings].concat();
    match Postgres::with(&settings, &[]) {
        Ok(postgres) => Some(postgres),
        Err(why) => {
            println!("not checked: chaos on Postgres: {why}");
            None
        }
    }
}

/// The shipped fixture, on that database; `database` has more of its keys.
pub(crate) fn on(url: &str, database: &Value) -> Value {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = database.clone();
    config["database"]["url"] = json!(url);
    config
}

/// Replicas that only serve what has been read into that database.
pub(crate) fn filled(config: Value) -> Installation {
    let installation = Installation::new(config);
    installation.sync();
    installation
}

/// What clients ask, with the answers as they are now.
pub(crate) fn questions(server: &Server) -> Vec<Question> {
    let name = encode(fixture::names()[0]);
    let targets = [
        "/v0.1/servers?limit=30".to_owned(),
        "/v0.1/servers?search=a".to_owned(),
        format!("/v0.1/servers/{name}/versions/latest"),
    ];
    targets
        .iter()
        .map(|target| Question::learn(&server.public.authority, target))
        .collect()
}

/// Asks past the cache.
pub(crate) fn fresh(server: &Server, target: &str) -> cairn_tests::Answer {
    server
        .public
        .ask("GET", target, &[("cache-control", "no-cache")])
}

/// How long it took until probe and registry answer again.
pub(crate) fn recovery(server: &Server) -> Duration {
    let begun = Instant::now();
    cairn_tests::until("the registry to answer again", PATIENCE, || {
        let ready = server.internal.get("/readyz").status == 200;
        (ready && fresh(server, "/v0.1/servers").status == 200).then_some(())
    });
    begun.elapsed()
}

/// Resident bytes of a process of ours.
pub(crate) fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.expect("a number") * 1024
}

/// A number that the database has, in whatever way it is asked.
pub(crate) fn number(installation: &Installation, database: Option<&str>, sql: &str) -> usize {
    let found: i64 = match database {
        Some(url) => database::ask(url, sql).parse().expect("a number"),
        None => {
            let file = Connection::open(installation.database()).expect("the database");
            file.query_row(sql, [], |row| row.get(0)).expect(sql)
        }
    };
    usize::try_from(found).expect("a count")
}
