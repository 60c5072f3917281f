//! Texts that cannot be read to their end.

use std::{io, io::Read, ops::ControlFlow};

use super::{
    super::{Expected, FormatError, Reading, read},
    failure, run,
};
use crate::config::model::Format;

#[test]
fn content_that_is_not_json_is_named() {
    for (text, expected) in [
        (&b""[..], "it is empty"),
        (b" \n ", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"<!DOCTYPE html><p>Log in</p>", "it is HTML or XML"),
        (b"\x1f\x8b\x08", "it is compressed"),
        (b"\xff\xfe{\0", "it is UTF-16"),
        (b"\"x\"", "it is a single value"),
        (b"12", "it is a single value"),
        (b"servers: []", "it seems to be YAML"),
        (b"name: com.example/x\nversion: 1", "it seems to be YAML"),
        (b"---\nservers:\n  - a", "it seems to be YAML"),
        (b"- name: x", "it seems to be YAML"),
        (b"-1", "it is a single value"),
        (b"Not Found", "it is something else"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
            "it is a pointer of Git LFS",
        ),
    ] {
        let (count, message) = failure(text, Expected::Any);
        assert!(message.contains(expected) && count == 0, "{message}");
    }
}

#[test]
fn broken_json_says_where_and_what_came_before_it_has_been_handed_over() {
    for (text, handed_over, expected) in [
        (
            "[{},{},{]",
            2,
            "key must be a string (line 1, column 9, after 2 records)",
        ),
        (
            "[{},\n {\"a\": tru}]",
            1,
            "line 2, column 11, after 1 records",
        ),
        (
            "[{},\n {\"a\":\n 1,}]",
            1,
            "line 3, column 4, after 1 records",
        ),
        ("[{},{}", 2, "the text ends in the middle"),
        ("[{},{\"a\":\"", 1, "the text ends in the middle"),
        (
            "[{},]",
            1,
            "expected a value, found `]` (line 1, column 5, after 1 records)",
        ),
        (
            "[{} {}]",
            1,
            "expected `,` or `]`, found `{` (line 1, column 5",
        ),
        (
            "[{},{}]\n[]",
            2,
            "expected the end: a text is one JSON value, found `[` (line 2, column 1",
        ),
        ("{\"name\":\"a\"}\n{\"name\":\"b\"}", 0, "expected the end"),
        (
            "{\"servers\":[{}],}",
            1,
            "expected a key in quotes, found `}`",
        ),
        ("{\"servers\":[{}],\"a\" 1}", 1, "expected `:`, found `1`"),
        ("{\"servers\":[{}],\"a\":nul}", 1, "line 1, column"),
        (
            "{servers:[]}",
            0,
            "expected a key in quotes, found `s` (line 1, column 2",
        ),
        (
            "{\"servers\":",
            0,
            "the text ends in the middle; expected a value",
        ),
    ] {
        let (count, message) = failure(text.as_bytes(), Expected::Any);
        assert!(
            message.contains(expected) && count == handed_over,
            "{text}: {count} {message}"
        );
    }
}

#[test]
fn a_form_other_than_the_named_one_is_refused_with_the_remedy() {
    let list = r#"{"servers":[{"name":"a/b"}]}"#;
    let legacy = r#"{"servers":{"a":{"image":"x"}}}"#;
    let upstream = r#"{"data":{"servers":[{"name":"a/b"}]}}"#;
    let single = r#"{"name":"a/b"}"#;
    for (text, named, set) in [
        (list, Format::Toolhive, "mcp"),
        (list, Format::Upstream, "mcp"),
        (legacy, Format::Mcp, "toolhive"),
        (legacy, Format::Upstream, "toolhive"),
        (upstream, Format::Mcp, "upstream"),
        (upstream, Format::Toolhive, "upstream"),
        ("[{}]", Format::Toolhive, "mcp"),
        (single, Format::Upstream, "mcp"),
    ] {
        let (count, found) = failure(text.as_bytes(), Expected::Named(named));
        let remedy = format!("set `format: {set}` or remove `format`");
        assert!(
            found.contains(&remedy) && count == 0,
            "{text} {named:?}: {count} {found}"
        );
    }
}

#[test]
fn json_without_servers_is_refused() {
    let toolhive = Expected::Named(Format::Toolhive);
    let map = r#"{"servers":{"a":{"image":"x"}}}"#;
    let mixed = r#"{"remote_servers":{},"servers":[{}]}"#;
    for (text, expected, message) in [
        (
            "{}",
            toolhive,
            "`format: toolhive` is set, but the content has no servers",
        ),
        ("{}", Expected::Any, "of no known form"),
        (r#"{"servers":7}"#, Expected::Any, "of no known form"),
        (
            r#"{"message":"not found"}"#,
            Expected::Any,
            "of no known form",
        ),
        (map, Expected::Page, "it has no array `servers`"),
        ("[{}]", Expected::Page, "it has no array `servers`"),
        (
            r#"{"name":"a/b"}"#,
            Expected::Page,
            "it has no array `servers`",
        ),
        (mixed, Expected::Any, "yet it also has what belongs to MCP"),
    ] {
        let (count, found) = failure(text.as_bytes(), expected);
        assert!(
            found.contains(message) && count == 0,
            "{text} {expected:?}: {count} {found}"
        );
    }
}

#[test]
fn a_sink_that_breaks_ends_the_reading() {
    let mut seen = 0;
    let reading = Reading {
        expected: Expected::Any,
        max_record_size: 1000,
        prefix: "",
    };
    let result = read(&b"[{},{},{},not json at all"[..], reading, &mut |_| {
        seen += 1;
        if seen == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(result, Err(FormatError::Stopped)), "{result:?}");
    assert_eq!(seen, 2);
}

#[test]
fn an_input_that_fails_is_not_taken_for_broken_content() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line is dead"))
        }
    }
    let (lines, result) = run(b"[{},{}".chain(Failing), Expected::Any, 1000);
    assert_eq!(lines.len(), 2);
    assert!(matches!(result, Err(FormatError::Read(_))), "{result:?}");
}
