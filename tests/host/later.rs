//! Databases of a later release, on both engines: worked on where its steps allow it, refused where they do not. What such
//! a release may do to a schema is played by a few statements.

use cairn_tests::{Installation, Postgres, Server, database, fixture, installation::of_file};
use rusqlite::Connection;
use serde_json::json;

/// A place for a registry, and its database as somebody else sees it.
struct Place {
    installation: Installation,
    postgres: Option<Postgres>,
}

impl Place {
    /// One on each engine that is here.
    fn each() -> Vec<Self> {
        let mut places = vec![Self {
            installation: Installation::of_fixture(),
            postgres: None,
        }];
        match Postgres::start() {
            Err(why) => println!("not checked: databases of a later release on Postgres: {why}"),
            Ok(postgres) => {
                let mut config = of_file(&fixture::path("catalog.json"));
                config["database"] = json!({ "url": postgres.url() });
                places.push(Self {
                    installation: Installation::new(config),
                    postgres: Some(postgres),
                });
            }
        }
        places
    }

    fn perform(&self, sql: &str) {
        if let Some(postgres) = &self.postgres {
            database::ask(&postgres.url(), sql);
            return;
        }
        let db = Connection::open(self.installation.database()).expect("the database");
        db.execute_batch(sql).expect(sql);
    }

    /// Adds a step that binaries can work with which know the one before it.
    fn step(&self, name: &str) {
        self.perform(&format!(
            "INSERT INTO schema_version (number, name, applied_at, since) \
             SELECT max(number) + 1, '{name}', 0, max(number) FROM schema_version"
        ));
    }
}

#[test]
fn a_schema_that_only_grew_is_worked_on_as_before() {
    for place in Place::each() {
        let here = &place.installation;
        let _ = here.run(&["migrate", "up", "--yes"]).expect(0);
        place.perform("ALTER TABLE view ADD COLUMN later TEXT");
        place.perform("ALTER TABLE entry ADD COLUMN later BIGINT NOT NULL DEFAULT 7");
        place.perform("CREATE TABLE later (namespace TEXT NOT NULL PRIMARY KEY)");
        place.step("0100_grown");

        let status = here.run(&["migrate", "status"]).expect(0).stdout;
        assert!(status.ends_with("later    0100_grown\n"), "{status}");
        let up = here.run(&["migrate", "up", "--yes"]).expect(0).stdout;
        assert!(up.contains("of a later release"), "{up}");
        let synced = here.run(&["sync", "--once"]).expect(0).stderr;
        assert!(
            synced.contains("0100_grown") && synced.contains("later release"),
            "{synced}"
        );
        let server = here.serve(&[]);
        assert_eq!(
            server.public.get("/v0.1/servers?limit=100").keys(),
            fixture::keys(|record| !record.is_deleted())
        );
        let ready = server.internal.get("/readyz").json();
        assert_eq!(ready["components"]["schema"]["status"], "ahead", "{ready}");
        assert!(server.stop().success());
        let doctor = here.run(&["doctor"]).expect(0).stdout;
        assert!(doctor.contains("1 step(s) ahead"), "{doctor}");

        // Only the binary that knows the step can take it back.
        let down = here.run(&["migrate", "down", "--yes", "-n", "1"]).expect(1);
        assert!(down.stderr.contains("0100_grown"), "{}", down.stderr);
        assert_eq!(here.run(&["migrate", "status"]).expect(0).stdout, status);
    }
}

#[test]
fn a_copy_of_a_schema_that_only_grew_is_restored() {
    let place = Place {
        installation: Installation::of_fixture(),
        postgres: None,
    };
    let here = &place.installation;
    here.sync();
    place.step("0100_grown");
    let _ = here.run(&["backup", "copy.db"]).expect(0);
    let _ = here.run(&["restore", "--force", "copy.db"]).expect(0);
    let status = here.run(&["migrate", "status"]).expect(0).stdout;
    assert!(status.ends_with("later    0100_grown\n"), "{status}");
    here.sync();
}

#[test]
fn a_schema_that_took_something_away_is_refused_everywhere() {
    for place in Place::each() {
        let here = &place.installation;
        here.sync();
        place.step("0100_grown");
        place.step("0101_shrunk");
        let names_it = |text: &str| {
            let remedy = "use the newer binary";
            assert!(
                text.contains("0101_shrunk") && text.contains(remedy),
                "{text}"
            );
        };
        for args in [
            &["migrate", "status"][..],
            &["migrate", "up", "--yes"],
            &["sync", "--once"],
            &["export", "-"],
        ] {
            names_it(&here.run(args).expect(1).stderr);
        }
        let down = here.run(&["migrate", "down", "--yes", "-n", "1"]).expect(1);
        assert!(down.stderr.contains("0101_shrunk"), "{}", down.stderr);
        let Err(said) = Server::try_start(here.serving(&[])).map(drop) else {
            panic!("it started");
        };
        names_it(&said);
        let doctor = here.run(&["doctor", "--offline"]).expect(1).stdout;
        names_it(&doctor);
        assert!(doctor.contains("remedy:"), "{doctor}");
    }
}
