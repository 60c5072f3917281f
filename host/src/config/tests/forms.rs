//! Both forms of a file, and what each key of a source becomes.

use std::{path::PathBuf, time::Duration};

use super::{super::model::*, CURRENT, OLDER, read};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_older_form_loads_as_the_deployment_guide_has_it() {
    let config = read(OLDER, &[("HOME", "/home/me")]).expect("loads");
    let source = Source {
        name: "toolhive".to_owned(),
        origin: Origin::Git {
            repository: "https://github.com/stacklok/toolhive.git".to_owned(),
            reference: GitReference::Branch("main".to_owned()),
            path: "pkg/registry/data/registry.json".to_owned(),
            auth: None,
            ca_path: None,
        },
        format: Some(Format::Toolhive),
        interval: 15 * MINUTE,
        removals: Removals::Confirmed,
        filter: Filter::default(),
    };
    let registry = |name: &str| Registry {
        name: name.to_owned(),
        sources: vec!["toolhive".to_owned()],
        valid_only: false,
    };
    assert_eq!(config.name, "my-registry");
    assert_eq!(config.sources, [source]);
    assert_eq!(
        config.registries,
        [registry("my-registry"), registry("toolhive")]
    );
    assert_eq!(config.auth, Auth::Anonymous);
    assert_eq!(
        (
            config.address.to_string(),
            config.internal_address.to_string()
        ),
        ("[::]:8080".into(), "[::]:8081".into())
    );
    assert_eq!(
        config.database.path,
        PathBuf::from("/home/me/.local/share/cairn/cairn.db")
    );
}

#[test]
fn the_older_form_takes_every_origin_and_keeps_the_order() {
    let file = "registries:
  - { name: b, file: { path: /data/b.json }, syncPolicy: { interval: 1m }, filter: { names: { include: [x/*] } } }
  - { name: a, api: { endpoint: https://example.com }, syncPolicy: { interval: 1m }, validOnly: true }
";
    let config = read(file, &[]).expect("loads");
    let views: Vec<_> = config
        .registries
        .iter()
        .map(|r| (r.name.as_str(), r.sources.join(" "), r.valid_only))
        .collect();
    assert_eq!(
        views,
        [
            ("default", "b a".to_owned(), false),
            ("b", "b".to_owned(), false),
            ("a", "a".to_owned(), true)
        ]
    );
    assert_eq!(config.sources[0].filter.include_names, ["x/*"]);
}

#[test]
fn the_current_form_loads_every_key() {
    let config = read(CURRENT, &[]).expect("loads");
    assert_eq!(config.name, "first");
    let strict = config
        .registries
        .iter()
        .find(|registry| registry.name == "strict")
        .expect("there");
    assert_eq!(
        (strict.sources.join(" "), strict.valid_only),
        ("upstream local".to_owned(), true)
    );
    assert_eq!(
        config.sources[0],
        Source {
            name: "tagged".to_owned(),
            origin: Origin::Git {
                repository: "http://127.0.0.1:4000/catalog.git".to_owned(),
                reference: GitReference::Tag("1.10".to_owned()),
                path: "registry.json".to_owned(),
                auth: Some(BasicAuth {
                    username: "reader".to_owned(),
                    password_file: PathBuf::from("/run/secrets/git"),
                }),
                ca_path: None,
            },
            format: Some(Format::Upstream),
            interval: 90 * MINUTE,
            removals: Removals::Confirmed,
            filter: Filter {
                include_names: vec!["io.github.*".to_owned(), "com.example/*".to_owned()],
                exclude_names: vec!["io.github.bad/*".to_owned()],
                include_tags: vec!["stable".to_owned()],
                exclude_tags: vec!["beta".to_owned()],
            },
        }
    );
    let git = |reference, path: &str| Origin::Git {
        repository: "https://example.com/catalog".to_owned(),
        reference,
        path: path.to_owned(),
        auth: None,
        ca_path: None,
    };
    let origins: Vec<Origin> = config
        .sources
        .iter()
        .skip(1)
        .map(|source| source.origin.clone())
        .collect();
    assert_eq!(
        origins,
        [
            git(
                GitReference::Commit("0123456789".repeat(4)),
                "registry.json"
            ),
            git(GitReference::Default, "data/all.json"),
            Origin::Api {
                endpoint: "https://registry.example.com/registry/all".to_owned(),
                timeout: 5 * MINUTE,
                access: Access::default(),
            },
            Origin::File(FileOrigin::Path(PathBuf::from("./servers.json"))),
            Origin::File(FileOrigin::Url {
                url: "https://example.com/raw?ref=main".to_owned(),
                timeout: Duration::from_secs(30),
                access: Access::default(),
            }),
        ]
    );
}

#[test]
fn anchors_and_merge_keys_spare_repetition() {
    let file = "sources:
  - &first { name: a, file: { path: a.json }, syncPolicy: &often { interval: 1m } }
  - { name: b, file: { path: b.json }, syncPolicy: *often }
  - { <<: *first, name: c }
registries: [{ name: all, sources: [a, b, c] }]
";
    let config = read(file, &[]).expect("loads");
    let names: Vec<_> = config
        .sources
        .iter()
        .map(|source| (source.name.as_str(), source.interval))
        .collect();
    assert_eq!(names, [("a", MINUTE), ("b", MINUTE), ("c", MINUTE)]);
}

#[test]
fn what_says_off_may_stay() {
    let file = format!(
        "{CURRENT}    claims: {{}}\nauth:\n  mode: anonymous\n  publicPaths: []\n  oauth:\ntelemetry:\n  enabled: false\n  serviceName: x\n  \
         tracing: {{ enabled: true, sampling: 0.05 }}\naudit: {{ enabled: false, eventTypes: [server.list] }}\ndatabase:\n"
    );
    let variables = [
        ("THV_REGISTRY_TELEMETRY_ENABLED", "False"),
        ("THV_REGISTRY_TELEMETRY_TRACING_SAMPLING", "1"),
        ("THV_REGISTRY_COMPRESS_RESPONSE", "true"),
        ("THV_REGISTRY_DATABASE_HOST", ""),
    ];
    read(file, &variables).expect("loads");
}
