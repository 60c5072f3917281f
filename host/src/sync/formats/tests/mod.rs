//! What the reader makes of a text, as tables: one line for each item.

mod errors;
mod forms;
mod legacy;
mod limits;
mod real;

use std::{io::Read, ops::ControlFlow};

use super::{Expected, FormatError, Item, Reading, Summary, read};

/// One line for each item.
fn line(item: &Item) -> String {
    match item {
        Item::Record(record) => {
            let official = record
                .official
                .as_ref()
                .map_or(String::new(), |raw| format!(" official {raw}"));
            format!(
                "{} {}{official}",
                record.position,
                String::from_utf8_lossy(&record.document)
            )
        }
        Item::Rejected {
            position,
            name,
            reason,
        } => {
            format!(
                "{position} rejected {}: {reason}",
                name.as_deref().unwrap_or("-")
            )
        }
        Item::Skipped { what, count } => format!("{count} {what}"),
        other => format!("{other:?}"),
    }
}

fn run(
    input: impl Read,
    expected: Expected,
    limit: usize,
) -> (Vec<String>, Result<Summary, FormatError>) {
    let mut lines = Vec::new();
    let reading = Reading {
        expected,
        max_record_size: limit,
        prefix: "",
    };
    let result = read(input, reading, &mut |item| {
        lines.push(line(&item));
        ControlFlow::Continue(())
    });
    (lines, result)
}

fn lines(text: &str) -> Vec<String> {
    let (lines, result) = run(text.as_bytes(), Expected::Any, 10_000);
    assert!(result.is_ok(), "{text}: {result:?}");
    lines
}

fn failure(text: &[u8], expected: Expected) -> (usize, String) {
    let (lines, result) = run(text, expected, 10_000);
    (
        lines.len(),
        result
            .expect_err(&String::from_utf8_lossy(text))
            .to_string(),
    )
}
