//! Everything in which the engines truly differ, side by side.

use super::{Engine, Statement, Value};

/// SQLite has no statistics here and would take any index that fits; Postgres plans by statistics and knows no such hint.
pub(super) fn index(engine: Engine, name: &'static str) -> String {
    match engine {
        Engine::Sqlite => format!(" INDEXED BY {name}"),
        Engine::Postgres => String::new(),
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
/// `parameters`. `None` where the engine has no use for one: the term is too short, or the planner decides by itself.
pub(super) fn rare_hits(
    engine: Engine,
    term: &str,
    most: usize,
    parameters: &mut Vec<Value>,
) -> Option<String> {
    match engine {
        Engine::Sqlite if term.chars().count() >= TRIGRAM => {
            parameters.push(Value::Text(format!("\"{}\"", term.replace('"', "\"\""))));
            let parameter = parameters.len();
            Some(format!(
                "SELECT rowid AS id FROM search WHERE search MATCH ?{parameter} LIMIT {most}"
            ))
        }
        Engine::Sqlite | Engine::Postgres => None,
    }
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
