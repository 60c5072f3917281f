//! Reading from git repositories.

use super::{
    git_server::{Repository, fetches, guarded, old, with_auth},
    *,
};
use crate::config::model::GitReference::{Branch, Commit, Default, Tag};

const PATH: &str = "data/registry.json";

fn repository() -> Repository {
    Repository::new(&[(PATH, &list(1)), ("README", "text")])
}

#[tokio::test]
async fn every_kind_of_reference_is_read() {
    let repository = repository();
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "light"]);
    repository.git(&["tag", "-a", "-m", "annotated", "heavy"]);
    repository.git(&["branch", "feature/x"]);
    repository.commit(&[(PATH, &list(3))]);
    let server = repository.serve().await;
    for (reference, count) in [
        (Default, 3),
        (Branch("main".into()), 3),
        (Branch("feature/x".into()), 1),
        (Tag("light".into()), 1),
        (Tag("heavy".into()), 1),
        (Commit(first), 1),
    ] {
        let bench = Bench::new();
        let source = repository.source(server.url("/r.git"), reference.clone(), PATH);
        let (lines, fingerprint) = bench.complete(&source, None).await;
        assert_eq!(lines.len(), count, "{reference:?}");
        assert_eq!(
            bench.unchanged(&source, fingerprint.clone()).await,
            fingerprint,
            "{reference:?}"
        );
        assert_eq!(bench.left_behind(), 0, "{reference:?}");
    }
}

#[tokio::test]
async fn an_unchanged_ref_is_asked_for_and_nothing_is_fetched() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve().await;
    let source = repository.source(server.url("/r.git"), Branch("main".into()), PATH);
    let (_, fingerprint) = bench.complete(&source, None).await;
    assert_eq!(fetches(&server.seen()), 1);
    assert!(
        bench
            .unchanged(&source, fingerprint.clone())
            .await
            .is_some()
    );
    let seen = server.seen();
    assert!(!seen.is_empty());
    assert_eq!(fetches(&seen), 0);
    repository.commit(&[(PATH, &list(2))]);
    assert_eq!(bench.complete(&source, fingerprint).await.0.len(), 2);
    assert_eq!(fetches(&server.seen()), 1);
}

#[tokio::test]
async fn a_known_commit_needs_no_request_at_all() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve().await;
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let source = repository.source(server.url("/r.git"), Commit(commit), PATH);
    let (_, fingerprint) = bench.complete(&source, None).await;
    server.seen();
    assert!(bench.unchanged(&source, fingerprint).await.is_some());
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn only_one_commit_is_fetched_of_a_long_history() {
    let bench = Bench::new();
    let repository = repository();
    let first = repository.git(&["rev-parse", "HEAD"]);
    let noise = |n: usize| {
        (0..2000)
            .map(|i| format!("{}\n", n * 7919 + i * i))
            .collect::<String>()
    };
    for n in 0..20 {
        repository.commit(&[("noise.txt", &noise(n))]);
    }
    let server = repository.serve().await;
    for reference in [Default, Commit(first)] {
        let source = repository.source(server.url("/r.git"), reference.clone(), PATH);
        bench.complete(&source, None).await;
        let seen = server.seen();
        let deepens =
            |seen: &&server::Seen| String::from_utf8_lossy(&seen.body).contains("deepen 1");
        let found = (fetches(&seen), seen.iter().filter(deepens).count());
        assert_eq!(found, (1, 1), "{reference:?}");
    }
}

#[tokio::test]
async fn a_server_of_the_oldest_protocol_is_read_too() {
    let repository = repository();
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.commit(&[(PATH, &list(3))]);
    let server = repository.serve_if(old).await;
    for (reference, count) in [(Branch("main".into()), 3), (Commit(first), 1)] {
        let bench = Bench::new();
        let source = repository.source(server.url("/r.git"), reference.clone(), PATH);
        let (lines, fingerprint) = bench.complete(&source, None).await;
        assert_eq!(
            lines.len(),
            count,
            "{reference:?}: a commit is found in what the refs reach"
        );
        server.seen();
        assert!(bench.unchanged(&source, fingerprint).await.is_some());
        assert_eq!(fetches(&server.seen()), 0);
    }
}

#[tokio::test]
async fn the_password_is_read_from_its_file_at_each_use() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve_if(guarded).await;
    let file = bench.directory.path().join("password");
    let source = with_auth(
        repository.source(server.url("/r.git"), Default, PATH),
        &file,
    );
    std::fs::write(&file, "wrong\n").expect("a file");
    let error = bench.failure(&source).await;
    check(
        &error,
        Kind::Unauthorized,
        &["auth.username", "auth.passwordFile", "password"],
    );
    assert!(!error.message.contains("wrong"));
    std::fs::write(&file, "right\n").expect("a file");
    let (lines, fingerprint) = bench.complete(&source, None).await;
    assert_eq!(lines.len(), 1);
    assert!(bench.unchanged(&source, fingerprint).await.is_some());
}

#[tokio::test]
async fn a_password_in_the_address_works_and_is_never_shown() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve_if(guarded).await;
    let address = |password: &str| {
        server
            .url("/r.git")
            .replace("http://", &format!("http://reader:{password}@"))
    };
    let source = repository.source(address("right"), Default, PATH);
    assert_eq!(bench.complete(&source, None).await.0.len(), 1);
    let error = bench
        .failure(&repository.source(address("right"), Branch("nope".into()), PATH))
        .await;
    check(
        &error,
        Kind::NotFound,
        &["no branch `nope`; there are main"],
    );
    assert!(!error.message.contains("right"), "{error}");
    let error = bench
        .failure(&repository.source(address("hunter2"), Default, PATH))
        .await;
    check(&error, Kind::Unauthorized, &["access is refused"]);
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_password_is_not_sent_to_where_a_server_redirects() {
    let bench = Bench::new();
    let repository = repository();
    let other = repository.serve_if(guarded).await;
    let elsewhere = other.url("");
    let server = server::Server::start(move |seen: server::Seen| {
        let location = format!("{elsewhere}{}", seen.target);
        async move { server::with(302, &[("location", &location)], "") }
    })
    .await;
    let file = bench.directory.path().join("password");
    std::fs::write(&file, "right").expect("a file");
    let source = with_auth(
        repository.source(server.url("/r.git"), Default, PATH),
        &file,
    );
    check(
        &bench.failure(&source).await,
        Kind::Unauthorized,
        &["access is refused"],
    );
    let seen = other.seen();
    assert!(
        !seen.is_empty()
            && seen
                .iter()
                .all(|seen| seen.header("authorization").is_none())
    );
}

#[tokio::test]
async fn the_named_format_holds_for_git_too() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve().await;
    let plain = repository.source(server.url("/r.git"), Default, PATH);
    let source = named(Format::Toolhive, plain);
    check(
        &bench.failure(&source).await,
        Kind::Format,
        &[PATH, "set `format: mcp` or remove `format`"],
    );
}
