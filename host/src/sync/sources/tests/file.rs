//! Files on disk, and the line between source and daemon.

use std::{fs, io::Write, path::PathBuf};

use super::*;

fn written(bench: &Bench, name: &str, text: &str) -> PathBuf {
    let path = bench.directory.path().join(name);
    fs::write(&path, text).expect("a file");
    path
}

#[tokio::test]
async fn an_unchanged_file_is_not_read_again() {
    let bench = Bench::new();
    let path = written(&bench, "list.json", &list(2));
    let source = on_disk(&path);
    let (lines, fingerprint) = bench.complete(&source, None).await;
    assert_eq!(
        lines,
        [
            r#"servers[0] {"name":"a/0"}"#,
            r#"servers[1] {"name":"a/1"}"#
        ]
    );
    assert_eq!(
        bench.unchanged(&source, fingerprint.clone()).await,
        fingerprint
    );
}

#[tokio::test]
async fn a_file_that_was_touched_or_replaced_by_the_same_bytes_is_unchanged() {
    let bench = Bench::new();
    let path = written(&bench, "list.json", &list(2));
    let source = on_disk(&path);
    let (_, first) = bench.complete(&source, None).await;
    let other = written(&bench, "other.json", &list(2));
    fs::rename(other, &path).expect("a rename");
    let second = bench.unchanged(&source, first.clone()).await;
    assert!(second.is_some() && second != first, "{second:?}");
    assert_eq!(
        bench.unchanged(&source, second.clone()).await,
        second,
        "now by its metadata alone"
    );
}

#[tokio::test]
async fn a_changed_file_or_configuration_is_read_anew() {
    let mut bench = Bench::new();
    let path = written(&bench, "list.json", &list(2));
    let source = on_disk(&path);
    let (_, fingerprint) = bench.complete(&source, None).await;
    let same_length = list(2).replace("a/1", "a/7");
    fs::write(&path, &same_length).expect("a file");
    assert_eq!(
        bench.complete(&source, fingerprint.clone()).await.0[1],
        r#"servers[1] {"name":"a/7"}"#
    );
    fs::write(&path, list(3)).expect("a file");
    let (lines, fingerprint) = bench.complete(&source, fingerprint).await;
    assert_eq!(lines.len(), 3);
    let named = named(Format::Mcp, source.clone());
    assert_eq!(bench.complete(&named, fingerprint.clone()).await.0.len(), 3);
    bench.cx.max_record_size += 1;
    assert_eq!(bench.complete(&source, fingerprint).await.0.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let bench = Bench::new();
    let missing = bench.directory.path().join("missing.json");
    check(
        &bench.failure(&on_disk(&missing)).await,
        Kind::NotFound,
        &["missing.json", "no such file", "file.path"],
    );
    check(
        &bench.failure(&on_disk(bench.directory.path())).await,
        Kind::Other,
        &["not a regular file"],
    );
    check(
        &bench.failure(&on_disk(&missing.join("\0"))).await,
        Kind::Other,
        &["missing.json"],
    );
    let empty = written(&bench, "empty.json", "");
    check(
        &bench.failure(&on_disk(&empty)).await,
        Kind::Format,
        &["empty.json: ", "it is empty"],
    );
}

#[tokio::test]
async fn a_broken_file_is_handed_over_up_to_the_break_and_is_not_complete() {
    let bench = Bench::new();
    let path = written(
        &bench,
        "list.json",
        &list(250).replace(r#"{"name":"a/201"}"#, r#"{"name":"a/201"#),
    );
    let (lines, end) = bench.pass(&on_disk(&path), Request::default()).await;
    assert_eq!(lines.len(), 201);
    check(
        &end.expect_err("broken"),
        Kind::Format,
        &["list.json: ", "line 1, column", "after 201 records"],
    );
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_not_complete() {
    let bench = Bench::new();
    let path = written(&bench, "list.json", &list(20_000));
    let Ok(Fetch::Items(mut items)) = fetch(&on_disk(&path), Request::default(), &bench.cx).await
    else {
        panic!("no pass");
    };
    assert!(matches!(items.next().await, Ok(Step::Batch(_))));
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the file");
    file.write_all(b"\n").expect("a byte more");
    check(
        &drain(items).await.1.expect_err("changed"),
        Kind::Other,
        &["changed while it was read"],
    );
}

#[tokio::test]
async fn batches_are_bounded_by_number_and_by_size() {
    let mut bench = Bench::new();
    bench.cx.max_record_size = 1 << 20;
    let large = format!(r#"{{"name":"a/x","x":"{}"}}"#, "x".repeat(600_000));
    for (text, sizes) in [
        (list(250), &[100, 100, 50][..]),
        (format!("[{large},{large},{large}]"), &[2, 1]),
        ("[]".to_owned(), &[]),
    ] {
        let path = written(&bench, "list.json", &text);
        let Ok(Fetch::Items(mut items)) =
            fetch(&on_disk(&path), Request::default(), &bench.cx).await
        else {
            panic!("no pass");
        };
        let mut found = Vec::new();
        while let Ok(Step::Batch(batch)) = items.next().await {
            found.push(batch.len());
        }
        assert_eq!(found, sizes);
    }
}

#[tokio::test]
async fn a_pass_ends_when_it_is_stopped() {
    let bench = Bench::new();
    let path = written(&bench, "list.json", &list(20_000));
    let Ok(Fetch::Items(mut items)) = fetch(&on_disk(&path), Request::default(), &bench.cx).await
    else {
        panic!("no pass");
    };
    assert!(matches!(items.next().await, Ok(Step::Batch(_))));
    bench.cx.stop.set();
    let (lines, end) = drain(items).await;
    assert_eq!(end.expect_err("stopped").kind, Kind::Stopped);
    assert!(
        lines.len() <= 500,
        "{} records came after the stop",
        lines.len()
    );
}

#[tokio::test]
async fn a_reader_ends_when_nobody_listens() {
    let (mut outlet, items) = super::super::items::line(&Stop::default());
    drop(items);
    let reader = tokio::task::spawn_blocking(move || {
        let reading = crate::sync::formats::Reading {
            expected: crate::sync::formats::Expected::Any,
            max_record_size: 1000,
            prefix: "",
        };
        let endless = std::iter::repeat_with(|| b"{},".as_slice())
            .take(1_000_000)
            .flatten()
            .copied();
        let text: Vec<u8> = b"[".iter().copied().chain(endless).collect();
        outlet
            .read(text.as_slice(), reading)
            .expect_err("nobody listens")
    });
    let error = reader.await.expect("the reader");
    assert!(
        matches!(error, crate::sync::formats::FormatError::Stopped),
        "{error}"
    );
}

#[tokio::test]
async fn a_pass_that_vanishes_is_a_failure() {
    let (outlet, mut items) = super::super::items::line(&Stop::default());
    drop(outlet);
    check(
        &items.next().await.expect_err("no result"),
        Kind::Other,
        &["ended without a result"],
    );
}

#[tokio::test]
async fn one_page_of_a_longer_list_is_reported() {
    let bench = Bench::new();
    let path = bench.directory.path().join("page.json");
    let page = r#"{"servers":[{"name":"a/0"}],"metadata":{"next_cursor":7}}"#;
    fs::write(&path, page).expect("a file");
    let (lines, _) = bench.complete(&on_disk(&path), None).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("one page of a longer list"), "{lines:?}");
}
