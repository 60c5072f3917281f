//! Tables of another program on a server, under names that cairn's own have. A file is examined before it is opened:
//! `db/identity.rs`. Nothing is changed here.

use cairn_registry::{
    Error, Result,
    store::{Db, Engine},
};

use super::STEPS;

/// Tables of the schema in use with their columns, at one moment.
const TABLES: &str = "SELECT c.relname::text, COALESCE((SELECT string_agg(a.attname::text, ' ' ORDER BY a.attnum) \
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '') \
    FROM pg_class c WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

/// Columns of the table of steps.
const COLUMNS: &str = "number name applied_at since";

/// Refuses a schema in which tables of cairn's names are there without its table of steps.
pub(super) async fn refuse(db: &impl Db) -> Result<()> {
    if db.engine() == Engine::Sqlite {
        return Ok(());
    }
    let mut tables = Vec::new();
    for mut row in db.query(TABLES, Vec::new()).await? {
        tables.push((row.text()?, row.text()?));
    }
    match taken(&tables) {
        None => Ok(()),
        Some(name) => Err(Error::unavailable(
            format!(
                "the database has a table {name:?} of another program, and was left as it is: give cairn a database of \
                 its own by database.database, or a schema of its own (ALTER ROLE … SET search_path = …)"
            ),
            "not a database of cairn",
        )),
    }
}

/// The first table that stands in the way.
fn taken(tables: &[(String, String)]) -> Option<&str> {
    let steps = tables.iter().find(|(name, _)| name == "schema_version");
    match steps {
        Some((_, columns)) if columns == COLUMNS => None,
        Some((name, _)) => Some(name),
        None => {
            let is_ours = |name: &str| {
                STEPS
                    .iter()
                    .any(|step| step.tables().any(|own| own == name))
            };
            let mut names = tables.iter().map(|(name, _)| name.as_str());
            names.find(|name| is_ours(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::taken;

    #[test]
    fn tables_of_our_names_without_our_steps_are_in_the_way() {
        for (tables, expected) in [
            (&[][..], None),
            (&[("users", "id name")], None),
            (&[("users", "id"), ("source", "id url")], Some("source")),
            (&[("view", "id")], Some("view")),
            (&[("schema_version", "version")], Some("schema_version")),
            (&[("schema_version", super::COLUMNS), ("source", "x")], None),
        ] {
            let owned: Vec<_> = tables
                .iter()
                .map(|(name, columns)| ((*name).to_owned(), (*columns).to_owned()))
                .collect();
            assert_eq!(taken(&owned), expected, "{tables:?}");
        }
    }
}
