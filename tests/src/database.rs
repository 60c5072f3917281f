//! Empty databases on the server that `CAIRN_TEST_POSTGRES` names.

use std::process::Command;

/// An empty database of that name, by its URL. It is there until the next one of that name is asked for.
#[must_use]
pub fn empty(name: &str) -> String {
    let url = std::env::var("CAIRN_TEST_POSTGRES").expect("CAIRN_TEST_POSTGRES names a server");
    for sql in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name}"),
    ] {
        let mut psql = Command::new("psql");
        let done = psql.args(["-X", "-q", "-c", &sql, &url]).status();
        assert!(done.is_ok_and(|status| status.success()), "psql: {sql}");
    }
    let (server, rest) = url.rsplit_once('/').expect("a URL with a database");
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    format!("{server}/{name}?{query}")
}
