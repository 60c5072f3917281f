//! The file system of an embedded database is full: a small one, mounted for the case.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use cairn_tests::{Installation, Upstream, installation::of_source, until, upstream::pages};
use rusqlite::Connection;
use serde_json::json;

use crate::{
    refused::{Done, until_state},
    stage::{PATIENCE, alone, fresh, rounds},
};

/// A file system of a few megabytes, unmounted with the value.
struct Small(PathBuf);

impl Small {
    /// `None`, said aloud, where nothing can be mounted.
    fn mount(at: PathBuf, megabytes: usize) -> Option<Self> {
        fs::create_dir(&at).expect("a folder");
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => {
                println!("not checked: a full disk: this user may not mount a file system");
                None
            }
        }
    }

    fn resize(&self, megabytes: usize) {
        let size = format!("remount,size={megabytes}m");
        let mut mount = Command::new("mount");
        let done = mount.args(["-o", &size]).arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "mount -o {size}");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn check(file: &Path) -> String {
    let db = Connection::open(file).expect("the database");
    let checked = db.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    checked.expect("a check")
}

#[test]
fn a_full_disk_stops_writes_alone_and_passes_with_its_cause() {
    let _alone = alone();
    for _ in 0..rounds(1, 5) {
        let Some(()) = fill() else { return };
    }
}

fn fill() -> Option<()> {
    let few = Upstream::start(pages(2, 50));
    let many = Upstream::start(pages(120, 50));
    let installation = Installation::empty();
    let disk = Small::mount(installation.path("small"), 3)?;
    let source = |upstream: &Upstream| {
        let source =
            json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1s" } });
        let mut config = of_source(source);
        config["database"] = json!({ "path": disk.0.join("cairn.db") });
        config
    };
    installation.configure(source(&few));
    installation.sync();
    let file = disk.0.join("cairn.db");
    installation.configure(source(&many));
    let server = installation.serve(&[]);
    let state = until("the disk to be full", PATIENCE, || {
        let state = server.source("source");
        (state["status"] == "failed").then_some(state)
    });
    let message = state["message"].as_str().unwrap_or_default();
    assert!(message.contains("no room left"), "{state}");
    let list = fresh(&server, "/v0.1/servers?limit=30");
    assert_eq!(list.keys().len(), 30, "reads go on");
    until_state(&server, "full");
    Done::assert_calm(&server);
    let once = installation.run(&["sync", "--once"]).expect(1);
    assert!(once.stderr.contains("no room left"), "{}", once.stderr);
    assert_eq!(check(&file), "ok");

    disk.resize(64);
    until("the source to be read", Duration::from_secs(30), || {
        (server.source("source")["status"] == "complete").then_some(())
    });
    let last = fresh(&server, "/v0.1/servers?search=server-001999");
    assert_eq!(last.status, 200);
    assert!(!last.keys().is_empty(), "all of it was read");
    assert!(server.stop().success());
    assert_eq!(check(&file), "ok");
    Some(())
}
