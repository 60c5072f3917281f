//! Configuration that loads: both forms, environment, flags, and what `cairn config` prints.

use cairn_tests::{
    Installation, fixture,
    installation::{of_file, run},
};
use serde_json::{Value, json};

fn effective(installation: &Installation) -> Value {
    installation
        .run(&["config", "--format", "json"])
        .expect(0)
        .json()
}

#[test]
fn what_is_printed_loads_again_and_says_the_same() {
    let newer = json!({
        "sources": [
            { "name": "one", "file": { "path": "a.json" }, "syncPolicy": { "interval": "1m30s" },
              "filter": { "names": { "include": ["io.*"], "exclude": ["*/x"] }, "tags": { "exclude": ["old"] } } },
            { "name": "two", "api": { "endpoint": "https://registry.example.com", "timeout": "3s" },
              "syncPolicy": { "interval": "1h" } },
            { "name": "three", "git": { "repository": "https://git.example.com/r.git", "tag": "v1", "path": "x.json" },
              "syncPolicy": { "interval": "15m" }, "format": "upstream" },
        ],
        "registries": [
            { "name": "all", "sources": ["one", "two", "three"] },
            { "name": "strict", "sources": ["two"], "validOnly": true },
        ],
        "auth": { "mode": "anonymous" },
        "address": "127.0.0.1:9000",
        "limits": { "bodySize": "2MiB", "requestTimeout": "1500ms" },
        "cache": { "size": "1MiB" },
        "log": { "level": "warn" },
    });
    let older = json!({
        "registryName": "mine",
        "registries": [
            { "name": "one", "format": "toolhive", "file": { "path": "a.json" }, "syncPolicy": { "interval": "15m" } },
            { "name": "two", "api": { "endpoint": "https://registry.example.com" }, "syncPolicy": { "interval": "15m" } },
        ],
        "auth": { "mode": "anonymous" },
    });
    for config in [newer, older] {
        let installation = Installation::new(config);
        let first = effective(&installation);
        let printed = installation.run(&["config"]).expect(0).stdout;
        installation.write("config.yaml", &printed);
        assert_eq!(effective(&installation), first, "{printed}");
        assert_eq!(installation.run(&["config"]).expect(0).stdout, printed);
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["log"] = json!({ "level": "error" });
    let installation = Installation::new(config);
    let level = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = installation.command(&["config", "--format", "json"]);
        command.args(flags);
        for (name, value) in variables {
            command.env(name, value);
        }
        run(command).expect(0).json()["log"]["level"].clone()
    };
    assert_eq!(level(&[], &[]), "error");
    assert_eq!(level(&[("CAIRN_LOG_LEVEL", "warn")], &[]), "warn");
    assert_eq!(level(&[("THV_REGISTRY_LOG_LEVEL", "warn")], &[]), "warn");
    assert_eq!(
        level(&[("CAIRN_LOG_LEVEL", "warn")], &["--log-level", "debug"]),
        "debug"
    );
}

#[test]
fn an_earlier_source_shadows_the_same_name_of_a_later_one() {
    let installation = Installation::empty();
    let server = |name: &str, version: &str, text: &str| json!({ "name": format!("com.example/{name}"), "description": text, "version": version });
    let one = json!([
        server("both", "1.0.0", "of one"),
        server("one", "1.0.0", "of one")
    ]);
    let two = json!([
        server("both", "9.0.0", "of two"),
        server("two", "1.0.0", "of two")
    ]);
    let source = |name: &str, list: &Value| {
        let path = installation.write(&format!("{name}.json"), &list.to_string());
        json!({ "name": name, "file": { "path": path }, "syncPolicy": { "interval": "1h" } })
    };
    installation.configure(json!({
        "sources": [source("one", &one), source("two", &two)],
        "registries": [
            { "name": "first", "sources": ["one", "two"] },
            { "name": "second", "sources": ["two", "one"] },
            { "name": "third", "sources": ["two"] },
        ],
        "auth": { "mode": "anonymous" },
    }));
    let server = installation.serve(&[]);
    let keys = |base: &str| {
        server
            .public
            .get(&format!("{base}/servers"))
            .keys()
            .join(", ")
    };
    let first = "com.example/both 1.0.0, com.example/one 1.0.0, com.example/two 1.0.0";
    assert_eq!(
        keys("/v0.1"),
        first,
        "the first registry is the default one"
    );
    assert_eq!(keys("/registry/first/v0.1"), first);
    assert_eq!(
        keys("/registry/second/v0.1"),
        first.replace("both 1", "both 9")
    );
    assert_eq!(
        keys("/registry/third/v0.1"),
        "com.example/both 9.0.0, com.example/two 1.0.0"
    );
}

#[test]
fn a_changed_filter_works_on_the_next_run_although_nothing_else_changed() {
    let installation = Installation::of_fixture();
    installation.sync();
    let mut config = of_file(&fixture::path("catalog.json"));
    config["sources"][0]["filter"] =
        json!({ "names": { "include": ["io.example.*"], "exclude": ["*/rare"] } });
    installation.configure(config);
    let server = installation.serve(&[]);
    let expected = fixture::keys(|record| {
        record.name.starts_with("io.example.") && !record.name.ends_with("/rare")
    });
    cairn_tests::until(
        "the filter to apply",
        std::time::Duration::from_secs(5),
        || (server.public.get("/v0.1/servers?limit=100").keys() == expected).then_some(()),
    );
}

#[test]
fn passwords_in_force_are_said_and_not_shown() {
    let installation = Installation::of_fixture();
    let mut command = installation.command(&["config"]);
    command.env("DATABASE_URL", "postgres://app:s3cret@db/registry");
    command.env("PGPASSFILE", "/absent/pgpass");
    let shown = run(command).expect(0).stdout;
    assert!(shown.contains("database.password is given"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let mut command = installation.command(&["config"]);
    command.env("DATABASE_URL", "postgres://app@db/registry");
    command.env("PGPASSFILE", "/absent/pgpass");
    let shown = run(command).expect(0).stdout;
    assert!(
        shown.contains("/absent/pgpass, which is not there"),
        "{shown}"
    );
}
