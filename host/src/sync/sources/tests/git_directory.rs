//! Directories in git repositories: several files make one source.

use super::{git_server::Repository, *};
use crate::config::model::GitReference::Default;

#[tokio::test]
async fn a_directory_is_read_file_by_file_in_byte_order() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/b.json", r#"{"name":"a.x/b"}"#),
        ("dir/B.json", &list(1)),
        ("dir/a.json", r#"[{"name":"a/a"}]"#),
        ("dir/notes.txt", "not read"),
        ("dir/deeper/c.json", r#"{"name":"a/c"}"#),
        ("dir/trap.json/d.json", r#"{"name":"a/d"}"#),
    ]);
    let server = repository.serve().await;
    for path in ["dir", "dir/", "./dir", "/dir//"] {
        let source = repository.source(server.url("/r.git"), Default, path);
        assert_eq!(
            bench.complete(&source, None).await.0,
            [
                r#"dir/B.json: servers[0] {"name":"a/0"}"#,
                r#"dir/a.json: [0] {"name":"a/a"}"#,
                r#"dir/b.json: the document {"name":"a.x/b"}"#,
            ],
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_root_of_a_repository_is_a_directory_too() {
    let bench = Bench::new();
    let repository = Repository::new(&[("x.json", &list(2))]);
    let server = repository.serve().await;
    for path in ["", ".", "/"] {
        let source = repository.source(server.url("/r.git"), Default, path);
        assert_eq!(bench.complete(&source, None).await.0.len(), 2, "{path}");
    }
}

#[tokio::test]
async fn one_broken_file_of_a_directory_leaves_the_pass_partial() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/a.json", r#"{"name":"a.x/a""#),
        ("dir/b.json", r#"{"name":"a.x/b"}"#),
        ("none/a.json", r#"{"name":"a.x/a""#),
    ]);
    let link = repository.root().join("work/dir/c.json");
    std::os::unix::fs::symlink("b.json", link).expect("a link");
    repository.commit(&[]);
    let server = repository.serve().await;
    let source = |path| repository.source(server.url("/r.git"), Default, path);
    let (lines, end) = bench.pass(&source("dir"), Request::default()).await;
    assert!(lines[0].starts_with("dir/a.json rejected: "), "{lines:?}");
    assert_eq!(lines[1], r#"dir/b.json: the document {"name":"a.x/b"}"#);
    assert!(
        lines[2].starts_with("dir/c.json rejected: is a symbolic link"),
        "{lines:?}"
    );
    let end = end.expect("complete");
    assert!(end.partial && end.fingerprint.is_some(), "{end:?}");
    let error = bench.failure(&source("none")).await;
    check(&error, Kind::Format, &["none/a.json"]);
}

#[tokio::test]
async fn files_of_other_programs_are_passed_over() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/server.json", r#"{"name":"a.x/a"}"#),
        (
            "dir/package.json",
            r#"{"name":"ts","version":"9.9.9","description":"npm"}"#,
        ),
        (
            "dir/tsconfig.json",
            "{ // a comment\n \"compilerOptions\": {} }",
        ),
        ("none/settings.json", r#"{"tabs":4}"#),
    ]);
    let server = repository.serve().await;
    let source = |path| repository.source(server.url("/r.git"), Default, path);
    let (lines, end) = bench.pass(&source("dir"), Request::default()).await;
    assert_eq!(
        lines,
        [
            r#"dir/server.json: the document {"name":"a.x/a"}"#,
            "2 files of other programs"
        ]
    );
    assert!(!end.expect("complete").partial);
    let error = bench.failure(&source("none")).await;
    check(&error, Kind::Format, &["`none`", "a list of servers"]);
}
