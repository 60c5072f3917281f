//! Configuration that does not load: every problem by its key, its line, and what to do.

use cairn_tests::{
    Installation, Server, fixture,
    installation::{of_file, run},
};

/// A configuration with these lines added, that must be refused with all these words.
fn check(lines: &str, words: &[&str]) {
    let installation = Installation::empty();
    let catalog = fixture::path("catalog.json");
    let text = format!(
        "sources:\n  - name: source\n    file:\n      path: {}\n    syncPolicy:\n      interval: 1m\n\
         registries:\n  - name: default\n    sources: [source]\n{lines}",
        catalog.display()
    );
    installation.write("config.yaml", &text);
    for args in [
        &["config"][..],
        &["sync", "--once"],
        &["migrate", "status"],
        &["serve"],
    ] {
        let ended = installation.run(args).expect(1);
        for word in words.iter().chain(&["config.yaml"]) {
            assert!(
                ended.stderr.contains(word),
                "{args:?} {word}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_known_one() {
    check(
        "limts:\n  requests: 5\n",
        &["config.yaml:10", "limts", "limits"],
    );
    check(
        "limits:\n  request: 5\n",
        &["config.yaml:11", "limits.request", "requests"],
    );
    check("registryname: x\n", &["registryName"]);
}

#[test]
fn what_is_not_supported_yet_is_refused_by_name() {
    check("auth:\n  mode: oauth\n", &["oauth", "not supported yet"]);
    check(
        "auth:\n  mode: anonymous\n  oauth:\n    realm: x\n",
        &["auth.oauth", "not supported yet"],
    );
    check("database:\n  type: mysql\n", &["database.type", "mysql"]);
    check(
        "telemetry:\n  enabled: true\n  metrics:\n    enabled: true\n",
        &["telemetry.metrics.enabled", "/metrics"],
    );
    let source = |kind: &str| {
        let installation = Installation::empty();
        let text = format!(
            "sources:\n  - name: a\n    {kind}: {{}}\nregistries:\n  - name: r\n    sources: [a]\n"
        );
        installation.write("config.yaml", &text);
        installation.run(&["config"]).expect(1).stderr
    };
    for kind in ["managed", "kubernetes"] {
        let said = source(kind);
        assert!(
            said.contains(&format!("sources[0].{kind}")) && said.contains("not supported yet"),
            "{said}"
        );
    }
}

#[test]
fn all_problems_are_named_at_once() {
    check(
        "limits:\n  requests: none\n  bodySize: 1XB\nlog:\n  level: loud\ncache: 5\n",
        &[
            "limits.requests",
            "limits.bodySize",
            "log.level",
            "cache",
            "4 problems",
        ],
    );
}

#[test]
fn without_auth_only_this_machine_is_served() {
    check("address: 0.0.0.0:0\n", &["address", "auth"]);
    check("internalAddress: :8081\n", &["internalAddress", "auth"]);
    let mut config = of_file(&fixture::path("catalog.json"));
    config.as_object_mut().expect("an object").remove("auth");
    let installation = Installation::new(config);
    let mut command = installation.command(&["serve", "--address", "0.0.0.0:0"]);
    command.args(["--internal-address", "127.0.0.1:0"]);
    let Err(said) = Server::try_start(command).map(drop) else {
        panic!("it listens on every interface");
    };
    assert!(
        said.contains("--address") && said.contains("auth"),
        "{said}"
    );
    let server = installation.serve(&[]);
    assert_eq!(
        server.public.get("/v0.1/servers").status,
        200,
        "loopback needs none"
    );
}

#[test]
fn unknown_variables_of_ours_are_refused_too() {
    let installation = Installation::of_fixture();
    for (variable, nearest) in [
        ("CAIRN_LOG_LEVLE", "CAIRN_LOG_LEVEL"),
        ("THV_REGISTRY_ADRESS", "THV_REGISTRY_ADDRESS"),
    ] {
        let mut command = installation.command(&["config"]);
        command.env(variable, "x");
        let ended = run(command).expect(1);
        for word in [variable, nearest] {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
    }
}

#[test]
fn calls_that_cannot_be_understood_exit_with_2() {
    let installation = Installation::of_fixture();
    for args in [
        &["srve"][..],
        &["serve", "--adress", "x"],
        &["sync", "--format", "xml"],
        &["migrate"],
    ] {
        let _ = installation.run(args).expect(2);
    }
    let absent = Installation::empty();
    let ended = absent.run(&["config", "--config", "absent.yaml"]).expect(1);
    assert!(ended.stderr.contains("absent.yaml"), "{}", ended.stderr);
    let source = installation
        .run(&["sync", "--once", "--source", "sorce"])
        .expect(1);
    assert!(
        source.stderr.contains("sorce") && source.stderr.contains("source"),
        "{}",
        source.stderr
    );
}
