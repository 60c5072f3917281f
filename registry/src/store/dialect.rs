//! Everything in which the engines truly differ, side by side.

use super::{Engine, Statement, Value};

/// SQLite has no statistics here and would take any index that fits; Postgres plans by statistics and knows no such hint.
pub(super) fn index(engine: Engine, name: &'static str) -> String {
    match engine {
        Engine::Sqlite => format!(" INDEXED BY {name}"),
        Engine::Postgres => String::new(),
    }
}

/// The inner side of a join, as in `FROM outer CROSS JOIN inner WHERE on`: looked up for each row of what stands before
/// it. SQLite takes `CROSS JOIN` for that order. Postgres may turn the sides around when it has no statistics yet,
/// except where the one depends on the other.
pub(super) fn inner(engine: Engine, table: &str, index: &'static str, on: &str) -> String {
    match engine {
        Engine::Sqlite if index.is_empty() => table.to_owned(),
        Engine::Sqlite => format!("{table} INDEXED BY {index}"),
        Engine::Postgres => {
            let alias = table.rsplit(' ').next().unwrap_or(table);
            format!("LATERAL (SELECT {alias}.* FROM {table} WHERE {on} OFFSET 0) {alias}")
        }
    }
}

/// What lets a query run only if `holds` is true of the number of rows of `hit`: what goes before its tables, and what
/// behind its conditions. SQLite looks at an outer table of one row or none first; Postgres at a condition without tables.
pub(super) fn only_if(engine: Engine, holds: &str) -> (String, String) {
    match engine {
        Engine::Sqlite => (
            format!(
                "(SELECT 1 FROM (SELECT count(*) AS hits FROM hit) c WHERE hits {holds}) g CROSS JOIN "
            ),
            String::new(),
        ),
        Engine::Postgres => (
            String::new(),
            format!(" AND (SELECT count(*) FROM hit) {holds}"),
        ),
    }
}

/// The shortest term the trigram index answers, in characters.
const TRIGRAM: usize = 3;

/// A condition that is true where the `search` column of `v` contains the parameter as it stands.
pub(super) fn contains(engine: Engine, parameter: usize) -> String {
    match engine {
        Engine::Sqlite => format!("instr(v.search, ?{parameter}) > 0"),
        Engine::Postgres => format!("strpos(v.search, ?{parameter}) > 0"),
    }
}

/// A query for the ids of at most `most` entries that contain `term`, by the trigram index; its parameter is added to
/// `parameters`. `None` where the term is too short for one. Where Postgres has no such index, it reads every text.
pub(super) fn rare_hits(
    engine: Engine,
    term: &str,
    most: usize,
    parameters: &mut Vec<Value>,
) -> Option<String> {
    if term.chars().count() < TRIGRAM {
        return None;
    }
    let parameter = parameters.len() + 1;
    let (pattern, hits) = match engine {
        Engine::Sqlite => (
            format!("\"{}\"", term.replace('"', "\"\"")),
            format!("SELECT rowid AS id FROM search WHERE search MATCH ?{parameter} LIMIT {most}"),
        ),
        Engine::Postgres => (
            format!("%{}%", escaped(term)),
            format!("SELECT id FROM entry WHERE search LIKE ?{parameter} LIMIT {most}"),
        ),
    };
    parameters.push(Value::Text(pattern));
    Some(hits)
}

/// The text as a pattern that matches nothing else.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Makes an entry's text findable by the trigram index. Postgres indexes the view's column itself.
pub(super) fn insert_search(engine: Engine, id: i64, text: &str) -> Option<Statement> {
    match engine {
        Engine::Sqlite => Some(Statement::new(
            "INSERT INTO search (rowid, text) VALUES (?1, ?2)",
            vec![id.into(), text.into()],
        )),
        Engine::Postgres => None,
    }
}

/// Undoes [`insert_search`]; a contentless index has to be told the text it holds.
pub(super) fn delete_search(engine: Engine, id: i64, text: &str) -> Option<Statement> {
    match engine {
        Engine::Sqlite => Some(Statement::new(
            "INSERT INTO search (search, rowid, text) VALUES ('delete', ?1, ?2)",
            vec![id.into(), text.into()],
        )),
        Engine::Postgres => None,
    }
}
