//! `cairn backup`, and the way back: what was served at one moment is served again, elsewhere, and life goes on from there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use cairn_tests::{
    Installation, Upstream, everything,
    installation::of_source,
    until,
    upstream::{Asked, Given, pages},
};
use serde_json::json;

use crate::turns::{assert_sound, elsewhere, one, play, registry, run, turn, turn_shown};

/// Copies made one after another while a server takes in five turns, and what it answered in each of them.
fn copies_while_writing(here: &Installation) -> (Vec<PathBuf>, BTreeMap<usize, Vec<String>>) {
    let server = here.serve(&[]);
    fs::create_dir(here.path("copies")).expect("a folder");
    let over = AtomicBool::new(false);
    let mut expected = BTreeMap::new();
    let copies = thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut copies = Vec::new();
            while !over.load(Ordering::Acquire) {
                let copy = here.path(&format!("copies/{}.db", copies.len()));
                let _ = run(here, "backup", &copy, &[]).expect(0);
                copies.push(copy);
            }
            copies
        });
        for number in 1..6 {
            play(here, &server, number);
            expected.insert(number, everything(&server.public));
        }
        over.store(true, Ordering::Release);
        copying.join().expect("copies")
    });
    assert_eq!(server.stop().code(), Some(0));
    (copies, expected)
}

/// A copy in an empty place.
fn restored(here: &Installation, copy: &Path) -> Installation {
    let there = elsewhere(&here.path("catalog.json"));
    let _ = run(&there, "restore", copy, &[]).expect(0);
    assert_sound(&there.database());
    there
}

#[test]
fn a_backup_made_in_the_middle_of_writing_answers_as_the_server_did_then() {
    let here = registry();
    let (copies, expected) = copies_while_writing(&here);
    let mut seen = BTreeMap::new();
    for copy in &copies {
        assert_sound(copy);
        let there = restored(&here, copy);
        let server = there.serve(&["--sync=false"]);
        let number = turn_shown(&server).unwrap_or_default();
        if let Some(expected) = expected.get(&number) {
            assert_eq!(&everything(&server.public), expected, "turn {number}");
            seen.insert(number, copy);
        }
        if seen.len() > 3 {
            break;
        }
    }
    assert!(
        seen.len() > 1,
        "of {} copies all show the same",
        copies.len()
    );

    // The next sync goes on counting where the copy stopped.
    let (_, copy) = seen.first_key_value().expect("a copy");
    let there = restored(&here, copy);
    here.write("catalog.json", &turn(100));
    there.sync();
    for sql in [
        "SELECT value FROM generation",
        "SELECT change_seq FROM generation",
        "SELECT max(seq) FROM change",
        "SELECT fence FROM source",
    ] {
        assert!(one(&there.database(), sql) > one(copy, sql), "{sql}");
    }
    let gaps = "SELECT max(seq) - count(*) FROM change";
    assert_eq!(
        one(&there.database(), gaps),
        0,
        "a step of the feed is missing"
    );
    let server = there.serve(&["--sync=false"]);
    assert_eq!(turn_shown(&server), Some(100));
}

#[test]
fn a_backup_of_a_sync_under_way_goes_on_from_its_last_page() {
    const PAGES: usize = 60;
    const SIZE: usize = 50;
    let answer = pages(PAGES, SIZE);
    let upstream = Upstream::start(move |asked: &Asked| -> Given {
        thread::sleep(Duration::from_millis(20));
        answer(asked)
    });
    let source =
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } });
    let here = Installation::new(of_source(source.clone()));
    let mut syncing = here
        .command(&["sync", "--once"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let copy = here.path("copy.db");
    let records = until("a part of the sync", Duration::from_secs(30), || {
        here.database().exists().then_some(())?;
        let made = run(&here, "backup", &copy, &["--force", "--format", "json"]);
        let told = (made.code == Some(0)).then(|| made.json())?;
        told["entries"].as_i64().filter(|entries| *entries > 0)
    });
    assert!(
        syncing.try_wait().expect("a child").is_none(),
        "it had ended"
    );
    assert!(syncing.wait().expect("a child").success());
    assert_sound(&copy);
    assert_eq!(records % SIZE as i64, 0, "whole pages only");
    assert_eq!(one(&copy, "SELECT count(*) FROM view"), records);
    assert!(one(&copy, "SELECT lease_until FROM source") > 0);

    let there = Installation::new(of_source(source));
    let restored = run(&there, "restore", &copy, &["--format", "json"]).expect(0);
    assert_eq!(restored.json()["entries"], records);
    upstream.forget();
    there.sync();
    let asked = upstream.asked();
    assert!(asked[0].parameter("cursor").is_some(), "it began anew");
    let all = "SELECT count(*) FROM entry";
    assert_eq!(one(&there.database(), all), one(&here.database(), all));
    assert_eq!(one(&there.database(), all), (PAGES * SIZE) as i64);
}
