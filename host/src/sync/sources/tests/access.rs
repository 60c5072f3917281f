//! Sources that identify themselves.

use super::{
    api::{api, three},
    server::{Answer, Seen, Server, answer, with},
    *,
};
use crate::config::model::{BasicAuth, Credentials};

/// Origins of both kinds that show this.
fn sources(address: &str, access: &Access) -> [Source; 2] {
    let timeout = Duration::from_secs(5);
    [
        source(Origin::Api {
            endpoint: address.to_owned(),
            timeout,
            access: access.clone(),
        }),
        source(Origin::File(FileOrigin::Url {
            url: format!("{address}/list.json"),
            timeout,
            access: access.clone(),
        })),
    ]
}

fn answered(seen: &Seen) -> Answer {
    match seen.target.starts_with("/list.json") {
        true => answer(200, list(1)),
        false => three(seen),
    }
}

/// A token and a password, each with the header it becomes and its key.
fn access(bench: &Bench) -> [(Access, &'static str, &'static str); 2] {
    let file = bench.directory.path().join("secret");
    std::fs::write(&file, "s3cret\n").expect("a file");
    let basic = BasicAuth {
        username: "me".into(),
        password_file: file.clone(),
    };
    [
        (
            Credentials::Token(file.clone()),
            "Bearer s3cret",
            "tokenFile",
        ),
        (
            Credentials::Basic(basic),
            "Basic bWU6czNjcmV0",
            "passwordFile",
        ),
    ]
    .map(|(credentials, shown, key)| {
        let access = Access {
            credentials: Some(credentials),
            headers: vec![("X-Tenant".into(), "acme".into())],
            header_files: vec![("X-Key".into(), file.clone())],
            ca_path: None,
        };
        (access, shown, key)
    })
}

#[tokio::test]
async fn every_request_shows_credentials_and_headers() {
    let bench = Bench::new();
    for (access, shown, _) in access(&bench) {
        let server = Server::start(|seen| async move { answered(&seen) }).await;
        for source in sources(&server.url(""), &access) {
            bench.complete(&source, None).await;
            let seen = server.seen();
            assert!(!seen.is_empty());
            for request in seen {
                assert_eq!(request.header("authorization"), Some(shown));
                assert_eq!(request.header("x-tenant"), Some("acme"));
                assert_eq!(request.header("x-key"), Some("s3cret"));
            }
        }
    }
}

#[tokio::test]
async fn other_origins_see_neither_credentials_nor_headers() {
    let bench = Bench::new();
    for (access, ..) in access(&bench) {
        let other = Server::start(|seen| async move { answered(&seen) }).await;
        let elsewhere = other.url("");
        let server = Server::start(move |seen: Seen| {
            let location = format!("{elsewhere}{}", seen.target);
            async move { with(307, &[("location", &location)], "") }
        })
        .await;
        for source in sources(&server.url(""), &access) {
            bench.complete(&source, None).await;
            let seen = server.seen();
            assert!(seen.iter().all(|seen| seen.header("x-key").is_some()));
            let seen = other.seen();
            assert!(!seen.is_empty());
            for name in ["authorization", "x-tenant", "x-key"] {
                assert!(seen.iter().all(|seen| seen.header(name).is_none()));
            }
        }
    }
}

#[tokio::test]
async fn refused_access_names_the_keys() {
    let bench = Bench::new();
    let server = Server::start(|_| async { answer(401, "") }).await;
    for (access, _, key) in access(&bench) {
        for (source, section) in sources(&server.url(""), &access)
            .iter()
            .zip(["api", "file"])
        {
            let error = bench.failure(source).await;
            let key = format!("{section}.auth.{key}");
            check(&error, Kind::Unauthorized, &["HTTP 401", &key]);
        }
    }
    let error = bench.failure(&api(server.url(""))).await;
    check(&error, Kind::Unauthorized, &["set `api.auth.tokenFile`"]);
}

#[tokio::test]
async fn secrets_that_are_not_there_fail_the_pass_by_name() {
    let bench = Bench::new();
    let server = Server::start(|seen| async move { answered(&seen) }).await;
    let access = Access {
        credentials: Some(Credentials::Token("/nowhere/token".into())),
        ..Access::default()
    };
    for source in sources(&server.url(""), &access) {
        let error = bench.failure(&source).await;
        check(&error, Kind::Secret, &["/nowhere/token", "auth.tokenFile`"]);
    }
    assert!(server.seen().is_empty());
}
