//! Databases on a server: empty ones, and what they say when they are asked by somebody else.

use std::process::{Command, Stdio};

/// An empty database of that name on the server that `CAIRN_TEST_POSTGRES` names, by its URL. It is there until the next
/// one of that name is asked for.
#[must_use]
pub fn empty(name: &str) -> String {
    let url = std::env::var("CAIRN_TEST_POSTGRES").expect("CAIRN_TEST_POSTGRES names a server");
    ask(
        &url,
        &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    );
    ask(&url, &format!("CREATE DATABASE {name}"));
    let (server, rest) = url.rsplit_once('/').expect("a URL with a database");
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    format!("{server}/{name}?{query}")
}

/// What `psql` prints: the rows alone, columns with a bar between them.
pub fn ask(url: &str, sql: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
        url,
    ]);
    let output = psql.stdin(Stdio::null()).output().expect("psql");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "psql: {sql}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
