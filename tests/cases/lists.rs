//! Lists: order, pages, limits, filters by version.

use cairn_tests::{
    Client, encode,
    fixture::{self, BASES},
    target,
};

/// All pages of a list, each with its cursor pasted as it came, and nothing else repeated but the limit.
pub(crate) fn walk(client: &Client, base: &str, query: &str, limit: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let mut target = format!("{base}/servers?limit={limit}&{query}");
    loop {
        let answer = client.get(&target);
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let page = answer.keys();
        assert_eq!(answer.json()["metadata"]["count"], page.len(), "{target}");
        keys.extend(page.iter().cloned());
        let Some(next) = answer.next() else {
            assert!(page.len() <= limit, "{target}");
            return keys;
        };
        assert_eq!(
            page.len(),
            limit,
            "only the last page may be short: {target}"
        );
        target = format!("{base}/servers?limit={limit}&cursor={next}");
    }
}

#[test]
fn pages_of_any_size_are_the_file_in_its_order() {
    let (all, living) = (
        fixture::keys(|_| true),
        fixture::keys(|record| !record.is_deleted()),
    );
    for base in ["/v0.1", "/registry/default/v0.1"] {
        for limit in [1, 7, 30, 100] {
            assert_eq!(walk(target(), base, "", limit), living, "{base} {limit}");
            let query = "include_deleted=true";
            assert_eq!(walk(target(), base, query, limit), all, "{base} {limit}");
        }
    }
}

#[test]
fn the_order_is_that_of_bytes() {
    let keys = fixture::catalog();
    let places: Vec<_> = keys
        .iter()
        .map(|record| (record.name.as_bytes(), record.version.as_bytes()))
        .collect();
    assert!(places.is_sorted(), "the fixture itself");
    let listed = target().get("/v0.1/servers?limit=100").keys();
    let position = |key: &str| listed.iter().position(|listed| listed == key);
    assert!(position("com.example/Zebra 1.0.0") < position("com.example/a 0.1.0"));
    assert!(
        position("com.example/ten-after-nine 1.10.0")
            < position("com.example/ten-after-nine 1.2.0")
    );
}

#[test]
fn every_base_serves_the_same_bytes() {
    for query in ["", "?limit=5", "?version=latest&limit=100", "?search=zebra"] {
        let first = target().get(&format!("{}/servers{query}", BASES[0]));
        assert_eq!(first.status, 200);
        assert_eq!(first.header("content-type"), "application/json");
        for base in BASES {
            let other = target().get(&format!("{base}/servers{query}"));
            assert_eq!(other.text(), first.text(), "{base}{query}");
        }
    }
}

#[test]
fn a_page_has_thirty_records_unless_asked_otherwise() {
    let size = |target_: &str| target().get(target_).keys().len();
    let living = fixture::keys(|record| !record.is_deleted()).len();
    assert!(living > 60 && living < 100, "the fixture fits these checks");
    assert_eq!(size("/v0.1/servers"), 30);
    assert_eq!(size("/v0.1/servers?limit="), 30, "empty is absent");
    assert_eq!(size("/registry/default/v0.1/servers"), 30);
    assert_eq!(size("/v0.1/servers?limit=100"), living);
    assert_eq!(size("/registry/default/v0.1/servers?limit=1000"), living);
    assert_eq!(
        size("/registry/default/v0.1/servers?limit=99999999999999999999"),
        living
    );
}

#[test]
fn a_last_page_that_is_full_leads_nowhere() {
    let living = fixture::keys(|record| !record.is_deleted()).len();
    let answer = target().get(&format!("/v0.1/servers?limit={living}"));
    assert_eq!(answer.next(), None);
    let before = target().get(&format!("/v0.1/servers?limit={}", living - 1));
    let next = before.next().expect("one more");
    let last = target().get(&format!("/v0.1/servers?cursor={next}"));
    assert_eq!((last.keys().len(), last.next()), (1, None));
    assert!(last.json()["metadata"].get("nextCursor").is_none());
}

#[test]
fn a_version_is_latest_or_exact() {
    let check = |version: &str, expected: Vec<String>| {
        assert!(version == "0.0.0-none" || !expected.is_empty());
        for base in ["/v0.1", "/registry/default/v0"] {
            let query = format!("version={}", encode(version));
            assert_eq!(
                walk(target(), base, &query, 7),
                expected,
                "{base} {version}"
            );
        }
    };
    check(
        "latest",
        fixture::keys(|record| record.is_latest() && !record.is_deleted()),
    );
    for version in ["1.0.0", "2.0.0", "nightly", "v1.2.10", "1.0.1+build.7"] {
        check(
            version,
            fixture::keys(|record| record.version == version && !record.is_deleted()),
        );
    }
    check("0.0.0-none", Vec::new());
    let unescaped = target().get("/v0.1/servers?version=1.0.1+build.7");
    assert_eq!(
        unescaped.keys(),
        ["com.example/build-metadata 1.0.1+build.7"]
    );
}

#[test]
fn what_is_not_known_is_ignored_and_of_two_the_first_counts() {
    let plain = target().get("/v0.1/servers?limit=3");
    for query in [
        "limit=3&unknown=1&sort=name",
        "limit=3&limit=5",
        "&&limit=3&",
        "limit=3&search&cursor",
        "limit=3&search=&version=&updated_since=&include_deleted=",
        "%6Cimit=%33",
    ] {
        let answer = target().get(&format!("/v0.1/servers?{query}"));
        assert_eq!(answer.text(), plain.text(), "{query}");
    }
}
