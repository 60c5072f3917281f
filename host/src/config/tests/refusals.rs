//! What exists elsewhere and not here, and variables that nobody knows: never ignored in silence.

use super::{
    super::{
        key::{Bind, toolhive_twin, twin},
        refused,
    },
    FINE, check, problems, read, source,
};

#[test]
fn every_key_of_a_missing_feature_fails_the_start_by_name() {
    for key in refused::CONFIG {
        let Bind::Refused { .. } = key.bind else {
            continue;
        };
        let (section, name) = key.path.split_once('.').expect("a section");
        let mode = if section == "auth" {
            "mode: anonymous, "
        } else {
            ""
        };
        check(
            &format!("{FINE}{section}: {{ {mode}{name}: x }}\n"),
            &[&format!("5: {}: {}", key.path, key.doc)],
        );
        check(
            &format!("{FINE}{section}: {{ {mode}{name}: {{ a: {{ b: 1 }} }} }}\n"),
            &[&format!("5: {}: {}", key.path, key.doc)],
        );
        for variable in [
            twin(key.path),
            toolhive_twin(key.path),
            format!("{}_BELOW", toolhive_twin(key.path)),
        ] {
            let expected = format!("{variable}: {}", key.doc);
            assert_eq!(problems(read(FINE, &[(&variable, "hunter2")])), [expected]);
        }
    }
    for key in refused::SOURCE.iter().map(|key| (key.path, key.doc)) {
        let (name, inner) = key
            .0
            .split_once('.')
            .map_or((key.0, "{ x: 1 }"), |(name, _)| (name, "{ data: x }"));
        let found = problems(read(
            source(&format!(
                "    syncPolicy: {{ interval: 1m }}\n    {name}: {inner}\n"
            )),
            &[],
        ));
        assert!(
            found.contains(&format!("5: sources[0].{}: {}", key.0, key.1)),
            "{found:?}"
        );
    }
    for switch in refused::SWITCHES {
        let expected = format!("{}: {}", switch.name, switch.why);
        assert_eq!(problems(read(FINE, &[(switch.name, "other")])), [expected]);
    }
    check(
        &source("    managed: {}\n    syncPolicy: { interval: 1m }\n"),
        &[&format!(
            "4: sources[0].managed: {}",
            refused::SOURCE[0].doc
        )],
    );
}

#[test]
fn unknown_variables_with_our_prefixes_fail_the_start() {
    for (name, value, expected) in [
        (
            "CAIRN_CACHE_SIZ",
            "1",
            Some("is unknown; did you mean `CAIRN_CACHE_SIZE`?"),
        ),
        (
            "CAIRN_DATABASE_BUSYTIMEOUT",
            "1s",
            Some("is unknown; did you mean `CAIRN_DATABASE_BUSY_TIMEOUT`?"),
        ),
        (
            "THV_REGISTRY_LOGLEVEL",
            "info",
            Some("is unknown; did you mean `THV_REGISTRY_LOG_LEVEL`?"),
        ),
        (
            "CAIRN_XYZ",
            "1",
            Some("is unknown; unset it, or see `cairn config --document` for all names"),
        ),
        (
            "CAIRN_SOURCES_0_NAME",
            "x",
            Some("lists can only be given in the file; unset the variable"),
        ),
        ("CAIRN_SERVICE_HOST", "10.0.0.1", None),
        ("CAIRN_PORT", "tcp://10.0.0.1:80", None),
        (
            "CAIRN_TEST_DATA",
            "/data",
            Some("is unknown; unset it, or see `cairn config --document` for all names"),
        ),
        ("PGPASSFILE", "/x", None),
        ("DATABASE_URL", "postgres://x", None),
        ("DATABASE_DSN", "postgresql+asyncpg://a:b@x/d", None),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .map(|message| format!("{name}: {message}"))
            .collect();
        assert_eq!(problems(read(FINE, &[(name, value)])), expected);
    }
    assert_eq!(
        problems(read(FINE, &[("CAIRN_CACHE_SIZE", "big")])),
        [
            "CAIRN_CACHE_SIZE: cache.size: `big` is not a size; write bytes or a unit, such as 64MiB or 1GiB"
        ]
    );
}
