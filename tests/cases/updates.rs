//! `updated_since`: what changed strictly after a time, deleted records included.

use cairn_tests::{
    encode,
    fixture::{self, comparable},
    target,
};

fn check(time: &str, utc: &str) {
    let expected = fixture::keys(|record| record.time("updatedAt") > comparable(utc));
    for base in ["/v0.1", "/registry/default/v0.1"] {
        let answer = target().get(&format!("{base}/servers?limit=100&updated_since={time}"));
        assert_eq!(answer.status, 200, "{base} {time}: {}", answer.text());
        assert_eq!(answer.keys(), expected, "{base} {time}");
    }
}

#[test]
fn what_changed_strictly_after_a_time_comes_in_list_order() {
    let mut times: Vec<String> = fixture::catalog()
        .iter()
        .map(|record| record.time("updatedAt"))
        .collect();
    times.sort_unstable();
    times.dedup();
    for time in &times {
        check(time, time);
    }
    check("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
    check("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
}

#[test]
fn times_are_read_with_fractions_and_offsets_escaped_or_not() {
    let utc = "2025-04-12T00:00:00Z";
    for time in [
        utc,
        "2025-04-12T00:00:00.000Z",
        "2025-04-12t00:00:00z",
        "2025-04-12T02:00:00+02:00",
        "2025-04-12T02:00:00%2B02:00",
        "2025-04-12T02:00:00%2002:00",
        "2025-04-11T19%3A00%3A00-05%3A00",
    ] {
        check(time, utc);
    }
    check(
        "2025-01-05T00:00:00.0000009Z",
        "2025-01-05T00:00:00.000000Z",
    );
}

#[test]
fn it_goes_with_the_other_filters() {
    let since = "2025-04-06T00:00:00Z";
    let changed = |record: &fixture::Record| record.time("updatedAt") > comparable(since);
    let get = |query: &str| {
        let since = encode(since);
        target().get(&format!(
            "/v0.1/servers?limit=100&updated_since={since}{query}"
        ))
    };
    assert_eq!(
        get("&include_deleted=true").keys(),
        fixture::keys(changed),
        "what is implied may be said"
    );
    assert_eq!(
        get("&version=latest").keys(),
        fixture::keys(|record| changed(record) && record.is_latest())
    );
    assert_eq!(
        get("&search=pulled").keys(),
        fixture::keys(
            |record| changed(record) && record.description.contains("pulled")
                || changed(record) && record.name.contains("pulled")
        )
    );
}
