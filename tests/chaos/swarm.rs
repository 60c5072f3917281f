//! Many replicas start at once on a database that has nothing.

use cairn_tests::{Server, database, until};
use serde_json::json;

use crate::stage::{PATIENCE, alone, fresh, on, postgres, rounds};

const REPLICAS: usize = 10;

#[test]
fn ten_replicas_that_start_at_once_migrate_once_and_are_all_ready() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    for round in 0..rounds(1, 5) {
        let name = format!("swarm_{round}");
        database::ask(&postgres.url(), &format!("CREATE DATABASE {name}"));
        let url = postgres.url_of(&name);
        let config = on(&url, &json!({ "maxOpenConns": 4 }));
        let installation = cairn_tests::Installation::new(config);
        let starting: Vec<_> = (0..REPLICAS)
            .map(|_| {
                let command = installation.serving(&[]);
                std::thread::spawn(move || Server::start(command))
            })
            .collect();
        let running: Vec<Server> = starting
            .into_iter()
            .map(|server| server.join().expect("a server"))
            .collect();
        for server in &running {
            server.wait_ready();
        }
        let applied = |server: &Server| server.log.text().matches("schema step applied").count();
        let applied: usize = running.iter().map(applied).sum();
        let recorded = database::ask(&url, "SELECT count(*) FROM schema_version");
        assert_eq!(
            applied.to_string(),
            recorded,
            "each step once, by one of them"
        );
        let list = fresh(&running[0], "/v0.1/servers?limit=100");
        assert_eq!(list.status, 200);
        for server in &running {
            until("the same everywhere", PATIENCE, || {
                (fresh(server, "/v0.1/servers?limit=100").body == list.body).then_some(())
            });
        }
        let passes = database::ask(
            &url,
            "SELECT count(*) FROM source WHERE full_pass_at IS NOT NULL",
        );
        assert_eq!(passes, "1", "one source, read");
        for server in running {
            assert!(server.stop().success());
        }
    }
}
