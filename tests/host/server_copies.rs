//! Copies of a database on a server: the commands that the program names are run as they stand, by the programs of the
//! server's own installation.

use std::{path::PathBuf, process::Command, time::Duration};

use cairn_tests::{
    Ended, Installation, Server, database, everything, installation, postgres, until,
};

use crate::turns::{play, registry, turn, turn_shown};

/// A command that the program names, with the programs of the server's own installation.
fn shell(command: &str) {
    let path = std::env::var("PATH").unwrap_or_default();
    let own = postgres::programs().map_or(String::new(), |own| own.display().to_string());
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{own}:{path}"))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}");
}

/// A registry whose database is on a server.
struct OnServer {
    installation: Installation,
    dump: PathBuf,
}

impl OnServer {
    fn run(&self, url: &str, args: &[&str]) -> Ended {
        let mut command = self.installation.command(args);
        command.env("CAIRN_DATABASE_URL", url);
        installation::run(command)
    }

    fn serve(&self, url: &str, sync: &str) -> Server {
        let mut command = self.installation.serving(&[sync]);
        command.env("CAIRN_DATABASE_URL", url);
        let server = Server::start(command);
        server.wait_ready();
        server
    }

    /// What is told of a verb. The password is not, and nothing has been done.
    fn told(&self, url: &str, verb: &str, more: &[&str]) -> Ended {
        let secret = url.replacen("cairn@", "cairn:geheim@", 1);
        let mut args = vec![verb, self.dump.to_str().expect("a path")];
        args.extend(more);
        let ended = self.run(&secret, &args).expect(1);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!said.contains("geheim"), "{said}");
        assert!(ended.stderr.contains("nothing was done"), "{said}");
        ended
    }

    fn follow(&self, url: &str, verb: &str, more: &[&str]) {
        let told = self.told(url, verb, more);
        shell(told.stdout.lines().next().expect("a command"));
    }
}

const COUNTERS: [&str; 4] = [
    "SELECT value FROM generation",
    "SELECT change_seq FROM generation",
    "SELECT max(seq) FROM change",
    "SELECT fence FROM source",
];

fn counters(url: &str) -> [i64; 4] {
    COUNTERS.map(|sql| database::ask(url, sql).parse().expect("a number"))
}

fn can_be_checked() -> bool {
    let what = "not checked: pg_dump and pg_restore";
    if std::env::var_os("CAIRN_TEST_POSTGRES").is_none() {
        println!("{what}, because CAIRN_TEST_POSTGRES names no server");
        return false;
    }
    if postgres::programs().is_none_or(|own| !own.join("pg_dump").is_file()) {
        println!("{what}: they are not installed");
        return false;
    }
    true
}

#[test]
fn a_server_is_backed_up_and_restored_by_the_commands_that_are_told() {
    if !can_be_checked() {
        return;
    }
    let installation = registry();
    let here = OnServer {
        dump: installation.path("it's a dump"),
        installation,
    };
    let (from, to) = (
        database::empty("cairn_dumped"),
        database::empty("cairn_restored"),
    );
    let server = here.serve(&from, "--sync");
    play(&here.installation, &server, 1);
    let expected = everything(&server.public);
    here.follow(&from, "backup", &[]);
    play(&here.installation, &server, 2);
    assert_eq!(server.stop().code(), Some(0));
    let json = here.told(&from, "backup", &["--format", "json"]).json();
    let command = json["command"].as_str().expect("a command");
    assert!(command.starts_with("pg_dump "), "{command}");

    here.follow(&to, "restore", &[]);
    let copied = counters(&to);
    let server = here.serve(&to, "--sync=false");
    assert_eq!(everything(&server.public), expected);
    assert_eq!(server.stop().code(), Some(0));
    here.installation.write("catalog.json", &turn(4));
    let _ = here.run(&to, &["sync", "--once"]).expect(0);
    let server = here.serve(&to, "--sync=false");
    until("the next turn", Duration::from_secs(20), || {
        (turn_shown(&server) == Some(4)).then_some(())
    });
    // It goes on counting where the copy stopped.
    for ((sql, before), after) in COUNTERS.iter().zip(copied).zip(counters(&to)) {
        assert!(after > before, "{sql}: {after} after {before}");
    }
    let gaps = "SELECT max(seq) - count(*) FROM change";
    let gaps = database::ask(&to, gaps);
    assert_eq!(gaps, "0", "a step of the feed is missing");
    assert_eq!(server.stop().code(), Some(0));

    // Over what is there, by the flag that says so.
    here.follow(&to, "restore", &["--force"]);
    let server = here.serve(&to, "--sync=false");
    assert_eq!(everything(&server.public), expected);
}
