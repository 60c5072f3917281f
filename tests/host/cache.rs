//! The response cache: a repeat comes from it, and nobody is shown what is no longer so.

use std::{
    fs,
    time::{Duration, Instant},
};

use cairn_tests::{Answer, Installation, Server, fixture, installation::of_file, until};

const LIST: &str = "/v0.1/servers?limit=5";

/// What the cache did for a request.
fn outcome(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    server.public.ask(method, target, headers).header("x-cache")
}

#[test]
fn a_repeat_comes_from_the_cache_with_its_age() {
    let installation = Installation::of_fixture();
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let first = server.public.get(LIST);
    let second = server.public.get(LIST);
    assert_eq!(first.header("x-cache"), "miss");
    assert_eq!(second.header("x-cache"), "hit");
    assert!(!first.has("age"));
    assert!(
        second
            .header("age")
            .parse::<u32>()
            .is_ok_and(|age| age < 60)
    );
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(outcome(&server, "HEAD", LIST, &[]), "hit");
    let tag = first.header("etag");
    let known = server.public.ask("GET", LIST, &[("if-none-match", &tag)]);
    assert_eq!(
        (known.status, known.header("x-cache").as_str()),
        (304, "hit")
    );
}

#[test]
fn another_question_is_another_entry() {
    let installation = Installation::of_fixture();
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let questions: [(&str, &[(&str, &str)]); 6] = [
        (LIST, &[]),
        ("/v0.1/servers?limit=6", &[]),
        ("/v0/servers?limit=5", &[]),
        ("/registry/default/v0.1/servers?limit=5", &[]),
        (LIST, &[("accept", "application/json")]),
        (LIST, &[("origin", "https://a.example")]),
    ];
    for expected in ["miss", "hit"] {
        for (target, headers) in questions {
            assert_eq!(
                outcome(&server, "GET", target, headers),
                expected,
                "{target} {headers:?}"
            );
        }
    }
}

#[test]
fn who_does_not_want_the_cache_does_not_get_it() {
    let installation = Installation::of_fixture();
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    assert_eq!(outcome(&server, "GET", LIST, &[]), "miss");
    for headers in [
        ("cache-control", "no-cache"),
        ("cache-control", "no-store"),
        ("cache-control", "max-age=0"),
        ("pragma", "no-cache"),
        ("authorization", "Bearer x"),
        ("cookie", "a=b"),
    ] {
        assert_eq!(
            outcome(&server, "GET", LIST, &[headers]),
            "bypass",
            "{headers:?}"
        );
    }
    assert_eq!(outcome(&server, "GET", LIST, &[]), "hit");
    let other = "/v0.1/servers?limit=9";
    let personal = [("authorization", "Bearer x")];
    assert_eq!(outcome(&server, "GET", other, &personal), "bypass");
    assert_eq!(
        outcome(&server, "GET", other, &[]),
        "miss",
        "nothing was kept of it"
    );
    for _ in 0..2 {
        assert_eq!(
            outcome(&server, "GET", "/", &[]),
            "miss",
            "no-store is not kept"
        );
        assert_eq!(
            outcome(&server, "GET", "/v0.1/servers?limit=0", &[]),
            "miss"
        );
    }
    assert_eq!(outcome(&server, "POST", LIST, &[]), "", "not a read");
}

#[test]
fn it_can_be_switched_off() {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["cache"] = serde_json::json!({ "enabled": false });
    let installation = Installation::new(config);
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    for _ in 0..2 {
        assert_eq!(outcome(&server, "GET", LIST, &[]), "bypass");
    }
}

#[test]
fn what_another_process_wrote_is_seen_within_a_second() {
    let installation = Installation::empty();
    let text = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    let file = installation.write("catalog.json", &text);
    installation.configure(of_file(&file));
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let one = "/v0.1/servers/com.example%2Fa/versions/latest";
    let description = |answer: &Answer| answer.json()["server"]["description"].to_string();
    for expected in ["miss", "hit"] {
        let answer = server.public.get(one);
        assert_eq!(answer.header("x-cache"), expected);
        assert!(description(&answer).contains("shortest name"));
    }
    let tag = server.public.get(one).header("etag");

    installation.write(
        "catalog.json",
        &text.replace("The shortest name here.", "A changed name."),
    );
    installation.sync();
    let written = Instant::now();
    let changed = until("the change to be seen", Duration::from_secs(5), || {
        let answer = server.public.get(one);
        description(&answer)
            .contains("A changed name")
            .then_some(answer)
    });
    let took = written.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_ne!(changed.header("etag"), tag);
    let stale = server.public.ask("GET", one, &[("if-none-match", &tag)]);
    assert_eq!(stale.status, 200);
    let other = server
        .public
        .get("/v0.1/servers/com.example%2Fzebra/versions/latest");
    assert_eq!(other.status, 200);
}
