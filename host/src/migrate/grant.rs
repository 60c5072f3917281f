//! Grants for the user that serves, where another one changes the schema. It runs no statement but a query.

use cairn_registry::{
    Result,
    store::{Db, Statement},
};

/// Statements that let a user of the same server read and write all tables there are.
pub(super) async fn statements(db: &impl Db, user: &str) -> Result<Vec<Statement>> {
    let schema = db
        .query("SELECT current_schema()::text", Vec::new())
        .await?;
    let schema = schema.into_iter().next().map(|mut row| row.text());
    let schema = quoted(&schema.transpose()?.unwrap_or_default());
    let user = quoted(user);
    let grants = [
        format!("GRANT USAGE ON SCHEMA {schema} TO {user}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}"),
    ];
    Ok(grants.map(|sql| Statement::new(sql, Vec::new())).into())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
