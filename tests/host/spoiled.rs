//! Sources whose records turn bad: the last good one of each is served on, in every form of file.

use cairn_tests::{Installation, installation::of_file};
use serde_json::{Value, json};

fn record(name: &str, version: &str) -> Value {
    json!({ "name": format!("com.example/{name}"), "description": "A server.", "version": version })
}

/// Keys that are listed after the file held `good` and then `bad`, and the findings of the second reading.
fn after(good: &str, bad: &str) -> (Vec<String>, Vec<Value>) {
    let installation = Installation::empty();
    let file = installation.write("list.json", good);
    let mut config = of_file(&file);
    config["sync"] = json!({ "maxRecordSize": "4KiB" });
    installation.configure(config);
    installation.sync();
    installation.write("list.json", bad);
    let report = installation.report();
    let server = installation.serve(&["--sync=false"]);
    let findings = report["findings"].as_array().expect("findings").clone();
    (server.public.get("/v0.1/servers").keys(), findings)
}

#[test]
fn records_that_turn_bad_are_served_as_they_were() {
    let good = json!([record("keep", "1.0.0"), record("spoiled", "1.0.0")]).to_string();
    let keep = record("keep", "1.0.0");
    let huge = "x".repeat(5000);
    for bad in [
        r#"{"name":"com.example/spoiled","version":"1.0.0","description":""}"#.to_owned(),
        r#"{"name":"com.example/spoiled","version":"1.0.0"}"#.to_owned(),
        r#"{"name":"com.example/spoiled","version":1,"description":"d"}"#.to_owned(),
        r#"{"name":"com.example/spoiled","description":"d"}"#.to_owned(),
        r#"{"name":"com.example/spoiled","version":"1.0.0","description":"d","x":1e999}"#
            .to_owned(),
        format!(r#"{{"name":"com.example/spoiled","version":"1.0.0","description":"{huge}"}}"#),
        format!(r#"{{"server":{{"name":"com.example/spoiled","description":"{huge}"}}}}"#),
    ] {
        let (keys, findings) = after(&good, &format!("[{keep},{bad}]"));
        let both = ["com.example/keep 1.0.0", "com.example/spoiled 1.0.0"];
        assert_eq!(keys, both, "{bad:.99}");
        assert_eq!(findings[0]["name"], "com.example/spoiled", "{bad:.99}");
        assert_eq!(findings[0]["class"], "quarantined", "{bad:.99}");
    }
}

#[test]
fn legacy_entries_that_turn_bad_are_served_as_they_were() {
    let file = |spoiled: Value| {
        let image = json!({ "image": "i:1", "description": "d", "transport": "stdio" });
        json!({ "version": "1", "last_updated": "x", "servers": { "keep": image, "spoiled": spoiled } })
            .to_string()
    };
    let good = file(json!({ "image": "i:1", "description": "d", "transport": "stdio" }));
    for bad in [
        json!({ "description": "d" }),
        json!(7),
        json!({ "image": "i:1" }),
    ] {
        let (keys, findings) = after(&good, &file(bad.clone()));
        let both = [
            "io.github.stacklok/keep 1.0.0",
            "io.github.stacklok/spoiled 1.0.0",
        ];
        assert_eq!(keys, both, "{bad}");
        assert_eq!(findings[0]["name"], "io.github.stacklok/spoiled", "{bad}");
    }
}

#[test]
fn more_findings_than_the_bound_fail_the_pass_and_cost_no_good_record() {
    let installation = Installation::empty();
    let keep = record("keep", "1.0.0");
    let file = installation.write("list.json", &json!([keep]).to_string());
    installation.configure(of_file(&file));
    installation.sync();
    let mut list = vec![keep, record("new", "1.0.0")];
    list.extend((0..10_001).map(|number| json!(number)));
    installation.write("list.json", &json!(list).to_string());
    let ended = installation.run(&["sync", "--once"]).expect(1);
    assert!(ended.stderr.contains("10000 records"), "{}", ended.stderr);
    let report = installation
        .run(&["sync", "--report", "--format", "json"])
        .expect(0);
    let report = report.json();
    assert_eq!(report["sources"][0]["phase"], "failed");
    let server = installation.serve(&["--sync=false"]);
    let keys = server.public.get("/v0.1/servers").keys();
    assert_eq!(keys, ["com.example/keep 1.0.0", "com.example/new 1.0.0"]);
}
