//! Directories in git repositories: several files make one source.

use super::{git_server::Repository, *};
use crate::config::model::GitReference::Default;

#[tokio::test]
async fn a_directory_is_read_file_by_file_in_byte_order() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/b.json", r#"{"name":"a/b"}"#),
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
                r#"dir/b.json: the document {"name":"a/b"}"#,
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
async fn one_broken_file_of_a_directory_costs_the_pass_but_not_the_others() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/a.json", r#"{"name":"a/a""#),
        ("dir/b.json", r#"{"name":"a/b"}"#),
    ]);
    let link = repository.root().join("work/dir/c.json");
    std::os::unix::fs::symlink("b.json", link).expect("a link");
    repository.commit(&[]);
    let server = repository.serve().await;
    let source = repository.source(server.url("/r.git"), Default, "dir");
    let (lines, end) = bench.pass(&source, Request::default()).await;
    assert!(lines[0].starts_with("dir/a.json rejected: "), "{lines:?}");
    assert_eq!(lines[1], r#"dir/b.json: the document {"name":"a/b"}"#);
    assert!(
        lines[2].starts_with("dir/c.json rejected: is a symbolic link"),
        "{lines:?}"
    );
    check(
        &end.expect_err("not complete"),
        Kind::Format,
        &["dir/a.json"],
    );
}

#[tokio::test]
async fn a_directory_is_complete_without_what_is_no_registry_file() {
    let bench = Bench::new();
    let repository = Repository::new(&[
        ("dir/a.json", r#"{"name":"a/a"}"#),
        ("dir/settings.json", r#"{"tabs":4}"#),
        ("none/settings.json", r#"{"tabs":4}"#),
    ]);
    let server = repository.serve().await;
    let address = server.url("/r.git");
    let (lines, _) = bench
        .complete(&repository.source(address.clone(), Default, "dir"), None)
        .await;
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1].starts_with("dir/settings.json rejected: "),
        "{lines:?}"
    );
    let error = bench
        .failure(&repository.source(address, Default, "none"))
        .await;
    check(
        &error,
        Kind::Format,
        &["none/settings.json", "of no known form"],
    );
}
