//! Dirty records: one must never cost the others. The fixture says of each what must become of it.

use cairn_tests::{Installation, Server, encode, fixture, raw};
use serde_json::{Value, json};

/// An element of `dirt.json`.
struct Case {
    dirt: String,
    expect: String,
    pointer: Option<String>,
    /// The `server` as text, compacted.
    server: Option<String>,
    /// Both are texts.
    key: Option<(String, String)>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(fixture::path("dirt.json")).expect("dirt.json");
    raw::servers(&text).iter().map(case).collect()
}

fn case(element: &raw::Members) -> Case {
    let text =
        |member: &str| serde_json::from_str::<Option<String>>(element[member].get()).expect(member);
    let server = element.get("server").map(|server| server.get());
    let members = server
        .filter(|server| server.starts_with('{'))
        .map(raw::members);
    let field = |field: &str| {
        let member = members.as_ref()?.get(field)?;
        serde_json::from_str::<String>(member.get()).ok()
    };
    Case {
        dirt: text("x-dirt").expect("x-dirt"),
        expect: text("x-expect").expect("x-expect"),
        pointer: text("x-pointer"),
        server: server.map(raw::compact),
        key: field("name").zip(field("version")),
    }
}

fn address(key: &(String, String)) -> String {
    format!(
        "/v0.1/servers/{}/versions/{}",
        encode(&key.0),
        encode(&key.1)
    )
}

/// The dirt, read once; its report; and a server over it, with a registry for strict clients beside the default one.
fn served() -> (Installation, Value, Server) {
    let source = json!({ "name": "source", "file": { "path": fixture::path("dirt.json") }, "syncPolicy": { "interval": "1h" } });
    let installation = Installation::new(json!({
        "sources": [source],
        "registries": [
            { "name": "default", "sources": ["source"] },
            { "name": "strict", "sources": ["source"], "validOnly": true },
        ],
        "auth": { "mode": "anonymous" },
    }));
    let report = installation.report();
    let server = installation.serve(&["--sync=false"]);
    (installation, report, server)
}

/// The warnings of a record.
fn warnings<'a>(report: &'a Value, key: &(String, String)) -> Vec<&'a Value> {
    let warned = report["warned"].as_array().expect("warned");
    warned
        .iter()
        .filter(|one| one["name"] == key.0.as_str() && one["version"] == key.1.as_str())
        .flat_map(|one| one["warnings"].as_array().expect("warnings"))
        .collect()
}

fn assert_served(server: &Server, case: &Case) {
    let key = case
        .key
        .as_ref()
        .unwrap_or_else(|| panic!("{}: no key", case.dirt));
    let answer = server.public.get(&address(key));
    assert_eq!(answer.status, 200, "{}", case.dirt);
    let element = raw::members(answer.text());
    let expected = case.server.as_ref().expect("a server");
    assert_eq!(
        &raw::compact(element["server"].get()),
        expected,
        "{}",
        case.dirt
    );
}

/// What became of a case, in the words of the fixture, with the pointers of its warnings.
fn fate(case: &Case, position: &str, report: &Value) -> (String, Vec<String>) {
    let findings = report["findings"].as_array().expect("findings");
    if let Some(finding) = findings
        .iter()
        .find(|finding| finding["position"] == position)
    {
        return (
            finding["class"].as_str().expect("a class").to_owned(),
            Vec::new(),
        );
    }
    let found = warnings(
        report,
        case.key
            .as_ref()
            .expect("a record without a key is a finding"),
    );
    let pointer = |warning: &&Value| warning["pointer"].as_str().expect("a pointer").to_owned();
    ("served".to_owned(), found.iter().map(pointer).collect())
}

/// Whether that is what the fixture says.
fn is_right(case: &Case, (fate, pointers): &(String, Vec<String>)) -> bool {
    let below = |wanted: &str| {
        pointers
            .iter()
            .any(|found| found == wanted || found.starts_with(&format!("{wanted}/")))
    };
    match case.expect.as_str() {
        "served-clean" => fate == "served" && pointers.is_empty(),
        "served" => fate == "served" && case.pointer.as_deref().is_none_or(below),
        expected => fate == expected,
    }
}

#[test]
fn every_kind_of_dirt_becomes_what_the_fixture_says() {
    let (_installation, report, server) = served();
    let mut wrong = Vec::new();
    for (index, case) in cases().iter().enumerate() {
        let fate = fate(case, &format!("servers[{index}]"), &report);
        if !is_right(case, &fate) {
            wrong.push(format!(
                "{}: {} {:?}, not {fate:?}",
                case.dirt, case.expect, case.pointer
            ));
        }
        match &case.key {
            _ if case.expect.starts_with("served") => assert_served(&server, case),
            Some(key) if case.expect == "quarantined" && !key.0.is_empty() && !key.1.is_empty() => {
                let status = server.public.get(&address(key)).status;
                assert!(matches!(status, 400 | 404), "{}: {status}", case.dirt);
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lists_hold_what_is_served_and_nothing_else() {
    let (_installation, report, server) = served();
    let mut expected: Vec<String> = cases()
        .iter()
        .filter(|case| case.expect.starts_with("served"))
        .map(|case| case.key.as_ref().expect("a key"))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    expected.sort_unstable();
    let listed = |base: &str| {
        let mut keys = server
            .public
            .get(&format!("{base}/servers?limit=1000&include_deleted=true"))
            .keys();
        keys.sort_unstable();
        keys
    };
    assert_eq!(listed("/registry/default/v0.1"), expected);
    assert_eq!(report["records"], expected.len());
    let warned: Vec<String> = report["warned"]
        .as_array()
        .expect("warned")
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["name"].as_str().unwrap_or_default(),
                one["version"].as_str().unwrap_or_default()
            )
        })
        .collect();
    expected.retain(|key| !warned.contains(key));
    let deviating = |case: &&Case| case.expect == "served" && case.pointer.is_some();
    let deviating = cases().iter().filter(deviating).count();
    assert!(expected.len() > 10 && warned.len() >= deviating && deviating > 70);
    assert_eq!(listed("/registry/strict/v0.1"), expected);
}

#[test]
fn there_are_enough_kinds_of_dirt_each_in_its_own_words() {
    let cases = cases();
    let mut words: Vec<&str> = cases.iter().map(|case| case.dirt.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), cases.len());
    let dirty = cases
        .iter()
        .filter(|case| case.expect != "served-clean")
        .count();
    assert!(dirty >= 25, "{dirty}");
}

#[test]
fn the_report_is_there_as_text_without_reading_again_and_before_writing() {
    let (installation, report, _server) = served();
    let text = installation.run(&["sync", "--report"]).expect(0).stdout;
    for finding in report["findings"].as_array().expect("findings") {
        let position = finding["position"].as_str().expect("a position");
        assert!(text.contains(position), "{position}");
    }
    assert!(text.contains("/repository"), "warnings too");
    let other = Installation::new(cairn_tests::installation::of_file(&fixture::path(
        "dirt.json",
    )));
    let dry = other
        .run(&["sync", "--dry-run", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        dry["findings"].as_array().map(Vec::len),
        report["findings"].as_array().map(Vec::len)
    );
    let server = other.start(&["--sync=false"]);
    assert_eq!(
        server.internal.get("/readyz").status,
        503,
        "nothing was written"
    );
}

#[test]
fn a_record_over_the_limit_is_quarantined_and_the_rest_serves() {
    let installation = Installation::empty();
    let record = |name: &str, size: usize| json!({ "name": format!("com.example/{name}"), "version": "1.0.0", "description": "d", "x": "y".repeat(size) });
    let list = json!({ "servers": [record("a", 10), record("large", 5000), record("z", 10)] });
    let file = installation.write("list.json", &list.to_string());
    let mut config = cairn_tests::installation::of_file(&file);
    config["sync"] = json!({ "maxRecordSize": "4KiB" });
    installation.configure(config);
    let report = installation.report();
    assert_eq!(
        (&report["records"], &report["findings"][0]["class"]),
        (&json!(2), &json!("quarantined"))
    );
    assert_eq!(report["findings"][0]["position"], "servers[1]");
}
