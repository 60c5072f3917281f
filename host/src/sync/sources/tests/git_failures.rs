//! Repositories that cannot be read.

use super::{
    git_server::{Repository, guarded, without},
    server::{Answer, Server, answer},
    *,
};
use crate::config::model::GitReference::{Branch, Commit, Default, Tag};

const PATH: &str = "data/registry.json";

fn repository() -> Repository {
    Repository::new(&[
        (PATH, &list(1)),
        ("data/registry.old", "x"),
        ("data/zzz", "x"),
    ])
}

#[tokio::test]
async fn a_reference_that_is_not_there_is_answered_with_those_that_are() {
    let bench = Bench::new();
    let repository = repository();
    repository.git(&["branch", "release"]);
    repository.git(&["tag", "v1.0.0"]);
    repository.push();
    let server = repository.serve().await;
    let absent = "0123456789012345678901234567890123456789";
    for (reference, kind, parts) in [
        (
            Branch("mian".into()),
            Kind::NotFound,
            ["no branch `mian`", "there are main, release"],
        ),
        (
            Tag("v1.0".into()),
            Kind::NotFound,
            ["no tag `v1.0`", "there are v1.0.0"],
        ),
        (
            Commit(absent.into()),
            Kind::NotFound,
            [absent, "on no branch"],
        ),
        (
            Commit("abc".into()),
            Kind::Other,
            ["`abc` is no commit id", "40 digits"],
        ),
        (
            Branch("a*b".into()),
            Kind::Other,
            ["`a*b`", "cannot be the name"],
        ),
    ] {
        check(
            &bench
                .failure(&repository.source(server.url("/r.git"), reference, PATH))
                .await,
            kind,
            &parts,
        );
    }
    assert_eq!(bench.left_behind(), 0);
}

#[tokio::test]
async fn an_empty_repository_has_no_head() {
    let bench = Bench::new();
    let repository = repository();
    repository.git(&[
        "push",
        "-q",
        &repository.bare().display().to_string(),
        "main:other",
    ]);
    std::fs::remove_file(repository.bare().join("refs/heads/main")).expect("a ref");
    let server = repository.serve().await;
    let source = repository.source(server.url("/r.git"), Default, PATH);
    check(
        &bench.failure(&source).await,
        Kind::NotFound,
        &["has no HEAD", "set `git.branch`; there are other"],
    );
}

#[tokio::test]
async fn a_path_that_is_not_there_is_answered_with_its_neighbours() {
    let bench = Bench::new();
    let repository = repository();
    std::os::unix::fs::symlink("registry.json", repository.root().join("work/data/link"))
        .expect("a link");
    let work = repository.root().join("work").display().to_string();
    repository.git(&["submodule", "--quiet", "add", &work, "module"]);
    repository.commit(&[]);
    let server = repository.serve().await;
    for (path, kind, parts) in [
        (
            "data/registry.jsn",
            Kind::NotFound,
            [
                "no `registry.jsn`",
                "data; there are registry.json, registry.old",
            ],
        ),
        (
            "dta/registry.json",
            Kind::NotFound,
            ["no `dta`", "at the root; there are data"],
        ),
        (
            "data/zzz/x.json",
            Kind::NotFound,
            ["data/zzz", "is a file, not a directory"],
        ),
        ("data/link", Kind::NotFound, ["data/link", "symbolic link"]),
        ("module", Kind::NotFound, ["module", "submodule"]),
        ("module/x", Kind::NotFound, ["module", "submodule"]),
        (
            "../etc/passwd",
            Kind::Other,
            ["leaves the repository", "git.path"],
        ),
        ("", Kind::NotFound, ["no file in directory", ".json"]),
    ] {
        let source = repository.source(server.url("/r.git"), Default, path);
        check(&bench.failure(&source).await, kind, &parts);
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_classified() {
    let bench = Bench::new();
    let repository = repository();
    let guarded = repository.serve_if(guarded).await;
    let missing = repository.serve_if(without).await;
    let unwell = Server::start(|_| async { answer(503, "") }).await;
    let page = Server::start(|_| async { answer(200, "<html>Log in</html>") }).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    for (address, kind, part) in [
        (
            guarded.url("/r.git"),
            Kind::Unauthorized,
            "set `auth.username` and `auth.passwordFile`",
        ),
        (
            missing.url("/r.git"),
            Kind::NotFound,
            "check `git.repository`",
        ),
        (unwell.url("/r.git"), Kind::Unreachable, "HTTP 503"),
        (
            page.url("/r.git"),
            Kind::Other,
            "check that `git.repository` names a git repository",
        ),
        (
            format!("http://{closed}/r.git"),
            Kind::Unreachable,
            "refused",
        ),
        ("ssh://git@git.example/r.git".into(), Kind::Other, "http(s)"),
        ("git@git.example:r.git".into(), Kind::Other, "http(s)"),
        (
            repository.bare().display().to_string(),
            Kind::Other,
            "http(s)",
        ),
        (
            format!("file://{}", repository.bare().display()),
            Kind::Other,
            "http(s)",
        ),
    ] {
        let error = bench
            .failure(&repository.source(address.clone(), Default, PATH))
            .await;
        check(&error, kind, &[part]);
    }
}

#[tokio::test]
async fn a_password_file_that_is_not_there_is_named() {
    let bench = Bench::new();
    let repository = repository();
    let server = repository.serve_if(guarded).await;
    let file = bench.directory.path().join("absent");
    let source = git_server::with_auth(
        repository.source(server.url("/r.git"), Default, PATH),
        &file,
    );
    check(
        &bench.failure(&source).await,
        Kind::Secret,
        &["absent cannot be read", "auth.passwordFile"],
    );
}

#[tokio::test]
async fn a_fetch_ends_when_it_is_stopped() {
    let bench = Bench::new();
    let repository = repository();
    let silent = Server::start(|_| std::future::pending::<Answer>()).await;
    let source = repository.source(silent.url("/r.git"), Default, PATH);
    let stop = bench.cx.stop.clone();
    let stopping = async {
        while silent.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.set();
    };
    let (error, ()) = tokio::join!(bench.failure(&source), stopping);
    assert_eq!(error.kind, Kind::Stopped);
}

#[tokio::test]
async fn a_fetch_is_bounded_in_bytes_objects_and_size_of_one_object() {
    let mut random = fastrand::Rng::with_seed(7);
    let noise: String = (0..400_000).map(|_| random.alphanumeric()).collect();
    let record = format!(r#"{{"name":"a/b","noise":"{noise}"}}"#);
    let many: Vec<_> = (0..50)
        .map(|n| (format!("many/{n}"), n.to_string()))
        .collect();
    let mut files = vec![(PATH, record.as_str())];
    files.extend(
        many.iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let repository = Repository::new(&files);
    let server = repository.serve().await;
    let roomy = super::super::git::Limits::default();
    for (limits, part) in [
        (
            super::super::git::Limits {
                bytes: 100_000,
                ..roomy
            },
            "use a repository that has little else",
        ),
        (
            super::super::git::Limits {
                objects: 20,
                ..roomy
            },
            "use a repository that has little else",
        ),
        (
            super::super::git::Limits {
                object_size: 300_000,
                ..roomy
            },
            "more than",
        ),
    ] {
        let mut bench = Bench::new();
        bench.cx.git_limits = limits;
        let source = repository.source(server.url("/r.git"), Default, PATH);
        check(&bench.failure(&source).await, Kind::TooLarge, &[part]);
        assert_eq!(bench.left_behind(), 0);
    }
    let mut bench = Bench::new();
    bench.cx.max_record_size = 1 << 20;
    let source = repository.source(server.url("/r.git"), Default, PATH);
    assert_eq!(
        bench.complete(&source, None).await.0.len(),
        1,
        "within the limits it is read"
    );
}

#[tokio::test]
async fn a_repository_with_sha256_names_is_called_that() {
    let bench = Bench::new();
    let repository = Repository::with_format("sha256", &[(PATH, &list(1))]);
    let server = repository.serve().await;
    let source = repository.source(server.url("/r.git"), Default, PATH);
    let error = bench.failure(&source).await;
    check(&error, Kind::Other, &["SHA-256", "not supported"]);
}
