//! Names in paths: encoded, in two segments, with and without a slash too many.

use cairn_tests::{encode, fixture, resolve, target};

#[test]
fn a_name_may_be_encoded_or_stand_in_two_segments() {
    for base in fixture::BASES {
        for name in fixture::names() {
            let (space, own) = name.split_once('/').expect("a slash");
            let deleted = "?include_deleted=true";
            let encoded = target().get(&format!(
                "{base}/servers/{}/versions{deleted}",
                encode(name)
            ));
            assert_eq!(encoded.status, 200, "{base} {name}");
            for path in [format!("{space}/{own}"), format!("{space}%2f{own}")] {
                let answer = target().get(&format!("{base}/servers/{path}/versions{deleted}"));
                assert_eq!(answer.text(), encoded.text(), "{base} {path}");
                let latest =
                    target().get(&format!("{base}/servers/{path}/versions/latest{deleted}"));
                assert_eq!(latest.json()["server"]["name"], name, "{base} {path}");
            }
        }
        if base == "/v0" {
            // The other bases share the parser; one more is enough.
            return;
        }
    }
}

#[test]
fn every_base_finds_a_name() {
    for base in fixture::BASES {
        for path in [
            "com.example%2Fzebra",
            "com.example/zebra",
            "%63om.example%2Fzebra",
        ] {
            let answer = target().get(&format!("{base}/servers/{path}/versions/latest"));
            assert_eq!(answer.status, 200, "{base} {path}");
            assert_eq!(answer.json()["server"]["version"], "2.0.0");
        }
    }
}

#[test]
fn case_is_part_of_a_name() {
    let name = |path: &str| {
        let answer = target().get(&format!("/v0.1/servers/{path}/versions/latest"));
        answer.json()["server"]["name"].as_str().map(str::to_owned)
    };
    assert_eq!(
        name("com.example%2FZebra").as_deref(),
        Some("com.example/Zebra")
    );
    assert_eq!(
        name("com.example%2Fzebra").as_deref(),
        Some("com.example/zebra")
    );
    assert_eq!(name("com.example%2FZEBRA"), None);
    assert_eq!(name("COM.example%2Fzebra"), None);
}

#[test]
fn a_slash_too_many_is_redirected_away_with_the_query() {
    let check = |path: &str, location: &str| {
        let answer = target().get(path);
        assert_eq!(answer.status, 308, "{path}");
        let found = answer.header("location");
        assert!(
            found.starts_with("../"),
            "{path}: a prefix survives: {found}"
        );
        assert_eq!(resolve(path, &found), location, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    };
    check("/v0.1/servers/", "/v0.1/servers");
    check("/v0/servers//", "/v0/servers");
    check("/servers/", "/servers");
    check(
        "/v0.1/servers/?limit=2&cursor=a%2Fb",
        "/v0.1/servers?limit=2&cursor=a%2Fb",
    );
    check(
        "/registry/default/v0.1/servers/",
        "/registry/default/v0.1/servers",
    );
    check(
        "/v0.1/servers/com.example%2Fa/versions/",
        "/v0.1/servers/com.example%2Fa/versions",
    );
    check(
        "/v0.1/servers/com.example/a/versions/latest/",
        "/v0.1/servers/com.example/a/versions/latest",
    );
    check("/openapi.yaml/", "/openapi.yaml");
    check("/docs/", "/docs");
    check("/v0.1/ping/", "/v0.1/ping");
    let asked = "/v0.1/servers/?limit=2";
    let followed = resolve(asked, &target().get(asked).header("location"));
    assert_eq!(target().get(&followed).keys().len(), 2);
    assert_eq!(
        target().get("/nothing/").status,
        404,
        "there is nothing without it either"
    );
    assert_eq!(target().get("/").status, 200);
}

#[test]
fn the_longest_name_is_found() {
    let longest = fixture::names()
        .into_iter()
        .max_by_key(|name| name.len())
        .expect("a name");
    assert_eq!(longest.len(), 200);
    let answer = target().get(&format!(
        "/v0.1/servers/{}/versions/latest",
        encode(longest)
    ));
    assert_eq!(answer.json()["server"]["name"], longest);
}
