//! The SQL in the store's source: what a record of all that is sent has to have.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, path::PathBuf};

/// SQL of the store's source that none of the statements has.
pub(crate) fn unrecorded(statements: &[String]) -> Vec<String> {
    let statements: Vec<String> = statements.iter().map(|sql| unnumbered(sql)).collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../registry/src/store");
    let mut missing = Vec::new();
    let mut found = 0;
    for file in fs::read_dir(folder).expect("the store") {
        let source = fs::read_to_string(file.expect("a file").path()).expect("a text");
        for literal in literals(&source).into_iter().filter(|text| is_sql(text)) {
            found += 1;
            if !statements.iter().any(|sql| has(sql, &unnumbered(&literal))) {
                missing.push(literal);
            }
        }
    }
    assert!(found > 60, "only {found} texts in the source");
    missing
}

/// The string literals of a source file, tests and comments left out.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '");
    let (mut all, mut rest) = (Vec::new(), code.as_str());
    while let Some((_, behind)) = rest.split_once('"') {
        let mut escaped = false;
        let end = behind.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (text, behind) = behind.split_at(end.expect("a literal ends"));
        let mut lines = text.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let whole = lines.fold(first, |whole, line| whole + line.trim_start());
        all.push(whole.replace("\\\"", "\""));
        rest = &behind[1..];
    }
    all
}

fn is_sql(text: &str) -> bool {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '{');
    verbs.iter().any(|verb| text.starts_with(verb)) || text.split('?').skip(1).any(digit)
}

/// Placeholders without their numbers: a record numbers them anew.
fn unnumbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "?" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// Whether what stands between the holes of a format comes in a statement, one after another.
fn has(sql: &str, format: &str) -> bool {
    let mut parts = format
        .split('{')
        .map(|part| part.rsplit('}').next().unwrap_or(part));
    let mut rest = sql;
    parts.all(|part| match rest.split_once(part) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => part.is_empty(),
    })
}

#[test]
fn a_literal_is_found_in_what_was_made_of_it() {
    let source = "// \"SELECT no\"\nlet a = \"SELECT {x} \\\n   FROM \\\"t\\\" WHERE a = ?1\"; '\"' \"b\"\n#[cfg(test)] \"c\"";
    let found = literals(source);
    assert_eq!(found, ["SELECT {x} FROM \"t\" WHERE a = ?1", "b"]);
    assert!(is_sql(&found[0]) && !is_sql(&found[1]));
    for (sql, expected) in [
        ("SELECT y FROM \"t\" WHERE a = ?", true),
        ("SELECT y, z FROM \"t\" WHERE a = ? AND b", true),
        ("SELECT y FROM \"t\" WHERE b = ?", false),
    ] {
        assert_eq!(has(sql, &unnumbered(&found[0])), expected, "{sql}");
    }
}
