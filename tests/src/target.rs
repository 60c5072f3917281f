//! The server that all cases ask, chosen by `CAIRN_TARGET`:
//!
//! | value | what is asked |
//! |---|---|
//! | `host-libsql`, or nothing | the native host, started once for this process |
//! | `host-postgres` | the same on an empty database of the server that `CAIRN_TEST_POSTGRES` names |
//! | `spin` | the same component in Spin, over a database that the binary has filled |
//! | `url=http://HOST:PORT` | a server that is there; it serves `fixtures/catalog.json` as the registry `default` |
//!
//! Cases do not know which one it is.

use std::{
    env, net::TcpListener, panic, path::Path, process::Command, sync::OnceLock, time::Duration,
};

use crate::{Client, Installation, database, fixture, process, process::Log, server, until};

const START: Duration = Duration::from_secs(60);

/// The server under test; the first case starts it.
pub fn target() -> &'static Client {
    // A target that does not come up is tried once, not by every case anew.
    static TARGET: OnceLock<Option<Client>> = OnceLock::new();
    let started = TARGET.get_or_init(|| panic::catch_unwind(start).ok());
    started
        .as_ref()
        .expect("there is no target: see the first failure")
}

fn start() -> Client {
    let name = env::var("CAIRN_TARGET").unwrap_or_default();
    let client = match name.as_str() {
        "" | "host-libsql" => native(None),
        "host-postgres" => native(Some(database::empty("cairn_blackbox"))),
        "spin" => spin(),
        other => match other.strip_prefix("url=http://") {
            Some(authority) => Client::new(authority.trim_end_matches('/')),
            None => {
                panic!(
                    "CAIRN_TARGET is {other:?}: give host-libsql, host-postgres, spin or url=http://HOST:PORT"
                )
            }
        },
    };
    wait_for_fixture(&client);
    client
}

/// With an embedded database, or one on a server.
fn native(server: Option<String>) -> Client {
    let installation = Installation::of_fixture();
    let mut command = installation.serving(&[]);
    if let Some(url) = server {
        command.env("CAIRN_DATABASE_URL", url);
    }
    let log = process::leashed(command, &installation.keep());
    let Some((public, _)) = log.wait(START, server::listening) else {
        panic!("the server does not start:\n{}", log.text());
    };
    show_on_failure(log);
    Client::new(public)
}

/// `spin up` with the manifest of the repository. Its files go to a folder of ours, and its database is one that the
/// binary has filled, named in a runtime configuration.
fn spin() -> Client {
    let installation = Installation::of_fixture();
    installation.sync();
    let runtime = format!(
        "[sqlite_database.default]\ntype = \"spin\"\npath = \"{}\"\n",
        installation.database().display()
    );
    let runtime = installation.write("runtime.toml", &runtime);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the repository");
    let authority = free_address();
    let mut command = Command::new("spin");
    command
        .current_dir(root)
        .args(["up", "--from", "spin.toml", "--listen", &authority])
        .arg("--runtime-config-file")
        .arg(runtime)
        .arg("--state-dir")
        .arg(installation.path("state"));
    let log = process::leashed(command, &installation.keep());
    let client = Client::new(authority);
    let answers =
        |log: &Log| std::net::TcpStream::connect(&client.authority).is_ok() || log.has_ended();
    until("spin to listen", START, || answers(&log).then_some(()));
    assert!(!log.has_ended(), "spin does not start:\n{}", log.text());
    show_on_failure(log);
    client
}

/// Free a moment ago: Spin does not tell which port it was given.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

fn wait_for_fixture(client: &Client) {
    let whole = "/registry/default/v0.1/servers?limit=1000&include_deleted=true";
    let expected = fixture::keys(|_| true);
    until("the fixture to be served", START, || {
        let answer = client.get(whole);
        (answer.status == 200 && answer.keys() == expected).then_some(())
    });
}

/// The server outlives the tests, so its last words are shown by whichever of them fails.
fn show_on_failure(log: Log) {
    const LINES: usize = 40;
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        let text = log.text();
        let from = text.lines().count().saturating_sub(LINES);
        eprintln!("--- the server said last:");
        text.lines().skip(from).for_each(|line| eprintln!("{line}"));
    }));
}
