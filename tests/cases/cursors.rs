//! Cursors: ours, the official registry's, ToolHive's; what they carry and what is refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cairn_tests::{encode, fixture, target};

use crate::lists::walk;

fn first(query: &str) -> String {
    let answer = target().get(&format!("/v0.1/servers?{query}"));
    answer
        .next()
        .unwrap_or_else(|| panic!("{query}: {}", answer.text()))
}

/// The first keys behind a cursor that is pasted as it is.
fn behind(cursor: &str) -> Vec<String> {
    let answer = target().get(&format!(
        "/v0.1/servers?limit=3&include_deleted=true&cursor={cursor}"
    ));
    assert_eq!(answer.status, 200, "{cursor}: {}", answer.text());
    answer.keys()
}

fn expected_behind(name: &str, version: &str) -> Vec<String> {
    let mut keys = fixture::keys(|record| {
        (record.name.as_bytes(), record.version.as_bytes()) > (name.as_bytes(), version.as_bytes())
    });
    keys.truncate(3);
    keys
}

#[test]
fn ours_need_no_escaping() {
    for query in [
        "limit=1",
        "limit=30",
        "limit=1&search=%C3%BC",
        "limit=1&version=1.0.0",
    ] {
        let cursor = first(query);
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!(cursor.bytes().all(safe), "{query}: {cursor}");
        assert_eq!(encode(&cursor), cursor);
    }
}

#[test]
fn ours_carry_the_query_that_clients_do_not_repeat() {
    let check = |query: &str, size: usize| {
        let whole = target()
            .get(&format!("/v0.1/servers?limit=100&{query}"))
            .keys();
        assert!(whole.len() > size, "{query} needs a second page");
        assert_eq!(walk(target(), "/v0.1", query, size), whole, "{query}");
    };
    check("search=example", 50);
    check("search=zebra", 1);
    check("version=latest", 10);
    check("version=1.0.0", 5);
    check("include_deleted=true", 20);
    check("updated_since=2025-04-01T00:00:00Z", 5);
    check(
        "updated_since=2025-04-01T00:00:00Z&search=pulled&version=1.0.0",
        1,
    );
}

#[test]
fn who_repeats_the_query_may_and_who_contradicts_it_is_told() {
    let cursor = first("limit=1&search=zebra");
    let silent = target().get(&format!("/v0.1/servers?limit=2&cursor={cursor}"));
    let repeated = target().get(&format!(
        "/v0.1/servers?limit=2&search=zebra&cursor={cursor}"
    ));
    assert_eq!(repeated.text(), silent.text());
    for other in ["search=quokka", "search=zebr"] {
        let answer = target().get(&format!("/v0.1/servers?{other}&cursor={cursor}"));
        assert_eq!(answer.status, 400, "{other}");
        assert_eq!(answer.json()["errors"][0]["location"], "query.cursor");
    }
    let latest = first("limit=1&version=latest");
    let answer = target().get(&format!("/v0.1/servers?version=1.0.0&cursor={latest}"));
    assert_eq!(answer.status, 400);
}

#[test]
fn cursors_are_good_under_every_base() {
    let cursor = first("limit=7&search=example");
    let expected = target().get(&format!("/v0.1/servers?cursor={cursor}"));
    for base in fixture::BASES {
        let answer = target().get(&format!("{base}/servers?cursor={cursor}"));
        assert_eq!(answer.text(), expected.text(), "{base}");
    }
}

#[test]
fn the_official_registry_s_are_places() {
    for (name, version) in [
        ("com.example/ab", "0.1.0"),
        ("com.example/gone", "1.9.0"),
        ("com.example/leading-zeros", "2025.10.02"),
        ("com.example/nobody-has-this-name", "1.0.0"),
        ("com.example/ab", ""),
    ] {
        let expected = expected_behind(name, version);
        assert_eq!(expected.len(), 3);
        assert_eq!(behind(&format!("{name}:{version}")), expected);
        assert_eq!(behind(&encode(&format!("{name}:{version}"))), expected);
    }
    assert_eq!(
        behind("com.example/ab"),
        expected_behind("com.example/ab", "")
    );
    let plus = "com.example/build-metadata:1.0.1+build.7";
    let expected = expected_behind("com.example/build-metadata", "1.0.1+build.7");
    assert_eq!(behind(plus), expected, "a plus that nobody escaped");
}

#[test]
fn toolhive_s_are_places_too() {
    for (name, version) in [
        ("com.example/ab", "0.1.0"),
        ("com.example/ab", "0.2.0"),
        ("com.example/build-metadata", "1.0.0+build.99"),
        ("io.example.search/rare", "1.0.0"),
    ] {
        let cursor = STANDARD.encode(format!("{name},{version}"));
        let expected = expected_behind(name, version);
        assert_eq!(behind(&encode(&cursor)), expected, "{cursor}");
        assert_eq!(behind(&cursor), expected, "{cursor}, pasted");
        assert_eq!(
            behind(cursor.trim_end_matches('=')),
            expected,
            "{cursor}, unpadded"
        );
    }
}

#[test]
fn what_is_none_is_refused() {
    let good = first("limit=1");
    let mut altered = good.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("ASCII");
    let shorter = good[..good.len() - 4].to_owned();
    let longest = "A".repeat(4000);
    for cursor in [
        "x",
        "!!!",
        "AAAA",
        "nonsense",
        "%20",
        "com.example%2Fa%20b:1",
        "bm8gc2xhc2gsMQ==",
        altered.as_str(),
        shorter.as_str(),
        longest.as_str(),
    ] {
        for base in ["/v0.1", "/registry/default/v0.1"] {
            let answer = target().get(&format!("{base}/servers?cursor={cursor}"));
            assert_eq!(answer.status, 400, "{base} {cursor:.60}");
        }
    }
}

#[test]
fn one_behind_everything_leads_to_an_empty_page() {
    let answer = target().get("/v0.1/servers?cursor=zz.zz/zz:9");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"servers":[],"metadata":{"count":0}}"#);
}
