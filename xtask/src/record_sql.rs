//! `cargo xtask record-sql`: what this version sends to either engine, written down when it is released. From then on a test
//! runs it on every later schema.

use anyhow::Result;

use crate::{
    build::{self, Profile},
    cargo::{self, Workspace},
    postgres::{self, Postgres},
    term,
};

/// The test that knows all that is sent.
const TEST: &str = "store_suite";

pub(crate) fn record_sql(workspace: &Workspace) -> Result<()> {
    // One engine alone would be half a record.
    let postgres = Postgres::find()?;
    let mut test = workspace.cargo();
    test.args(["test", "--workspace", "--test", TEST]);
    build::embed(&mut test, &build::artifact(workspace, Profile::Dev));
    test.env(postgres::URL, postgres.url())
        .env("CAIRN_RECORD_SQL", "1");
    cargo::run(&mut test)?;
    term::result("host/tests/released/ written");
    Ok(())
}
