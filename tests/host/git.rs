//! A git source: read once, asked again, fetched only when it has changed.

use std::time::Duration;

use cairn_tests::{Installation, installation::of_source, until};
use serde_json::{Value, json};

use crate::git_server::Repository;

const PATH: &str = "registry/servers.json";

fn servers(names: &[&str]) -> String {
    let server = |name: &&str| json!({ "name": format!("com.example/{name}"), "description": "From git.", "version": "1.0.0" });
    Value::Array(names.iter().map(server).collect()).to_string()
}

fn source(repository: &Repository, interval: &str) -> Value {
    of_source(json!({
        "git": { "repository": repository.url(), "branch": "main", "path": PATH },
        "syncPolicy": { "interval": interval },
    }))
}

#[test]
fn an_unchanged_branch_is_asked_for_and_nothing_is_fetched() {
    let repository = Repository::new(&[(PATH, &servers(&["one", "two"]))]);
    let installation = Installation::new(source(&repository, "1h"));
    repository.fetches();
    installation.sync();
    assert_eq!(repository.fetches().0, 1);
    for _ in 0..2 {
        installation.sync();
        let (fetches, requests) = repository.fetches();
        assert_eq!(fetches, 0);
        assert!((1..=2).contains(&requests), "{requests}");
    }
    repository.commit(&[("README", "the branch moves, the file does not")]);
    repository.fetches();
    let report = installation.report();
    assert_eq!(repository.fetches().0, 1);
    assert_eq!(report["records"], 2);
}

#[test]
fn a_server_follows_the_branch() {
    let repository = Repository::new(&[(PATH, &servers(&["one", "two"]))]);
    let installation = Installation::new(source(&repository, "100ms"));
    let server = installation.serve(&[]);
    assert_eq!(
        server.public.get("/v0.1/servers").keys(),
        ["com.example/one 1.0.0", "com.example/two 1.0.0"]
    );
    repository.commit(&[(PATH, &servers(&["two", "three"]))]);
    until(
        "the new commit to be served",
        Duration::from_secs(20),
        || {
            let keys = server.public.get("/v0.1/servers").keys();
            (keys == ["com.example/three 1.0.0", "com.example/two 1.0.0"]).then_some(())
        },
    );
    let gone = server
        .public
        .get("/v0.1/servers/com.example%2Fone/versions/1.0.0?include_deleted=true");
    let block = &gone.json()["_meta"]["io.modelcontextprotocol.registry/official"];
    assert_eq!(block["status"], "deleted");
}

#[test]
fn what_is_not_there_is_named() {
    let repository = Repository::new(&[(PATH, &servers(&["one"]))]);
    let check = |git: Value, words: &[&str]| {
        let config = of_source(json!({ "git": git, "syncPolicy": { "interval": "1h" } }));
        let installation = Installation::new(config);
        let ended = installation.run(&["sync", "--once"]).expect(1);
        for word in words {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
    };
    let url = repository.url();
    check(
        json!({ "repository": url, "branch": "nobody", "path": PATH }),
        &["source source", "nobody"],
    );
    check(
        json!({ "repository": url, "branch": "main", "path": "absent.json" }),
        &["absent.json"],
    );
    check(
        json!({ "repository": url.replace("r.git", "absent.git") }),
        &["absent.git"],
    );
}
