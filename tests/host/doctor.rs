//! `cairn doctor`: what is wrong, and what to do about it.

use cairn_tests::{Installation, fixture, installation::of_file};

#[test]
fn it_finds_nothing_where_nothing_is_wrong() {
    let installation = Installation::of_fixture();
    installation.sync();
    let doctor = installation.run(&["doctor"]).expect(0);
    assert!(!doctor.stdout.contains("bad "), "{}", doctor.stdout);
    for word in [
        "configuration",
        "schema current",
        "source source: reachable, 78 records",
    ] {
        assert!(doctor.stdout.contains(word), "{word}: {}", doctor.stdout);
    }
}

#[test]
fn it_names_what_is_broken_and_the_remedy() {
    let installation = Installation::of_fixture();
    let check = |args: &[&str], words: &[&str]| {
        let ended = installation.run(args).expect(1);
        for word in words.iter().chain(&["remedy:"]) {
            assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
        }
    };
    check(&["doctor"], &["no database", "cairn migrate up"]);
    let _ = installation
        .run(&["migrate", "up", "--yes", "--num-steps", "1"])
        .expect(0);
    check(&["doctor"], &["lacks", "cairn migrate up"]);
    installation.sync();

    installation.configure(of_file(&installation.path("absent.json")));
    let _ = installation.run(&["sync", "--once"]).expect(1);
    check(&["doctor"], &["source source", "absent.json"]);
    check(
        &["doctor", "--offline"],
        &["failed attempts", "absent.json"],
    );

    installation.write("config.yaml", "sorces: []\n");
    check(&["doctor"], &["sorces", "sources"]);
    installation.write("garbage.db", &"no database at all ".repeat(100));
    installation.configure(of_file(&fixture::path("catalog.json")));
    let garbage = installation.path("garbage.db");
    let garbage = garbage.to_str().expect("a path");
    check(&["doctor", "--database", garbage], &["garbage.db"]);
}
