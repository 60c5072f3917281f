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
            format!(
                "LATERAL (SELECT {alias}.ctid, {alias}.* FROM {table} WHERE {on} OFFSET 0) {alias}"
            )
        }
    }
}

/// What lets a query run only if a condition holds that has nothing to do with its tables: what goes before these, and
/// what behind the other conditions. SQLite looks at an outer table of one row or none first; Postgres at such a
/// condition.
pub(super) fn only_if(engine: Engine, condition: &str) -> (String, String) {
    match engine {
        Engine::Sqlite => (
            format!("(SELECT 1 WHERE {condition}) g CROSS JOIN "),
            String::new(),
        ),
        Engine::Postgres => (String::new(), format!(" AND {condition}")),
    }
}

/// What leads to a row of a table for as long as a statement runs.
pub(super) fn row(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "rowid",
        Engine::Postgres => "ctid",
    }
}

/// The order of a page whose rows were found in that order. SQLite's nested loops keep it, and to sort whole elements
/// would cost as much as to find them; Postgres may join otherwise.
pub(super) fn order_of_rows(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " ORDER BY v.name, v.version",
    }
}

/// The columns of a listing: heads one after another, and elements by `separator`, which holds no quote.
pub(super) fn joined(engine: Engine, separator: &str) -> (&'static str, String) {
    match engine {
        Engine::Sqlite => (
            "group_concat(head, '')",
            format!("CAST(group_concat(element, '{separator}') AS BLOB)"),
        ),
        Engine::Postgres => (
            "string_agg(head, '')",
            format!("string_agg(element, '{separator}'::bytea)"),
        ),
    }
}

/// Characters of what the text index knows.
const TRIGRAM: usize = 3;

/// Ends every text in the index, so that its last characters begin a trigram too. No term has it.
const END: &str = "\u{1f}\u{1f}";

/// Whether a term is shorter than what the text index knows.
pub(super) fn is_short(term: &str) -> bool {
    term.chars().nth(TRIGRAM - 1).is_none()
}

/// A query for the ids of entries that may contain a term, some perhaps twice.
pub(super) struct Candidates {
    pub(super) sql: String,
    /// Whether the index gives them in the order of ids, from any id on.
    pub(super) in_order: bool,
}

/// Asks the engine's text index for at most `most` entries; `next` is the number of the first of a term's [`patterns`].
/// `None` where the term is too short for the index; Postgres without one reads every text.
pub(super) fn candidates(
    engine: Engine,
    short: bool,
    most: usize,
    next: usize,
) -> Option<Candidates> {
    let (from, in_order) = match engine {
        Engine::Sqlite if short => (
            format!(
                "doc AS id FROM search_trigram WHERE term >= ?{next} AND term <= ?{}",
                next + 1
            ),
            false,
        ),
        Engine::Sqlite => (
            format!("rowid AS id FROM search WHERE search MATCH ?{next}"),
            true,
        ),
        Engine::Postgres if short => return None,
        Engine::Postgres => (format!("id FROM entry WHERE search LIKE ?{next}"), false),
    };
    let sql = format!("SELECT {from} LIMIT {most}");
    Some(Candidates { sql, in_order })
}

/// The parameters by which the text index is asked for a term.
pub(super) fn patterns(engine: Engine, term: &str) -> Vec<Value> {
    match engine {
        // Its beginning: all trigrams from the term itself to the last one that begins with it.
        Engine::Sqlite if is_short(term) => {
            vec![term.into(), format!("{term}{}", char::MAX).into()]
        }
        Engine::Sqlite => vec![trigrams(term).into()],
        Engine::Postgres if is_short(term) => Vec::new(),
        Engine::Postgres => vec![format!("%{}%", escaped(term)).into()],
    }
}

/// A query for texts that have the trigrams at the ends of a term and, in a long one, in its middle. More of them would
/// exclude little more, and each costs a list to be read; what is found is looked at anyway.
fn trigrams(term: &str) -> String {
    let characters: Vec<char> = term.chars().collect();
    let last = characters.len().saturating_sub(TRIGRAM);
    let middle = if last > TRIGRAM { last / 2 } else { last };
    let mut trigrams: Vec<&[char]> = Vec::new();
    for at in [0, middle, last] {
        let trigram = characters.get(at..at + TRIGRAM).unwrap_or_default();
        if !trigrams.contains(&trigram) {
            trigrams.push(trigram);
        }
    }
    let quoted = |trigram: &&[char]| {
        let text: String = trigram.iter().collect();
        format!("\"{}\"", text.replace('"', "\"\""))
    };
    let quoted: Vec<_> = trigrams.iter().map(quoted).collect();
    quoted.join(" AND ")
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

/// Has the text index know an entry by another text; an index without content has to be told the one it holds. It is
/// written out anew at each id that is lower than the one before. Postgres indexes the column itself.
pub(super) fn index_text(
    engine: Engine,
    id: i64,
    old: Option<&str>,
    new: Option<&str>,
) -> Vec<Statement> {
    if engine == Engine::Postgres || old == new {
        return Vec::new();
    }
    let change =
        |sql, text: &str| Statement::new(sql, vec![id.into(), format!("{text}{END}").into()]);
    let delete = "INSERT INTO search (search, rowid, text) VALUES ('delete', ?1, ?2)";
    let insert = "INSERT INTO search (rowid, text) VALUES (?1, ?2)";
    let delete = old.map(|text| change(delete, text));
    delete
        .into_iter()
        .chain(new.map(|text| change(insert, text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_found_by_few_of_its_trigrams() {
        let check = |term, expected: &str| assert_eq!(trigrams(term), expected, "{term}");
        check("git", r#""git""#);
        check("gith", r#""git" AND "ith""#);
        check("github", r#""git" AND "hub""#);
        check("github-", r#""git" AND "thu" AND "ub-""#);
        check("intelligence", r#""int" AND "lli" AND "nce""#);
        check("aaaaaaaa", r#""aaa""#);
        check("größe", r#""grö" AND "öße""#);
        check(r#"a"b"#, r#""a""b""#);
    }
}
