//! Records that cannot be handed over must not cost the others, and none may cost more memory than the limit.

use std::{io, io::Read};

use super::{super::Expected, lines, run};

#[test]
fn an_element_that_is_no_record_is_rejected_and_the_others_serve() {
    for (element, reason) in [
        ("7", "-: a number, not an object"),
        ("null", "-: null, not an object"),
        ("true", "-: a boolean, not an object"),
        (r#""text""#, "-: a string, not an object"),
        ("[{}]", "-: an array, not an object"),
        (
            r#"{"server":[1]}"#,
            "-: `server` is an array, not an object",
        ),
        (r#"{"server":null}"#, "-: `server` is null, not an object"),
        (r#"{"name":"a/b","\ud800":1}"#, "-: "),
    ] {
        let text = format!(r#"{{"servers":[{{"name":"a/x"}},{element},{{"name":"a/y"}}]}}"#);
        let found = lines(&text);
        assert_eq!(found.len(), 3, "{element}: {found:?}");
        assert!(
            found[1].starts_with(&format!("servers[1] rejected {reason}")),
            "{element}: {found:?}"
        );
    }
}

#[test]
fn a_record_in_another_encoding_is_rejected_by_name() {
    let text = b"[{\"name\":\"a/b\",\"title\":\"caf\xe9\"},{\"name\":\"a/c\"}]";
    let (lines, result) = run(&text[..], Expected::Any, 10_000);
    assert_eq!(
        lines,
        [
            "[0] rejected a/b: the text is not UTF-8",
            r#"[1] {"name":"a/c"}"#
        ]
    );
    assert_eq!(result.expect("the rest is well-formed").rejected, 1);
}

#[test]
fn a_record_over_the_limit_is_rejected_by_name_and_the_next_one_serves() {
    let pad = "x\\\"]}".repeat(30_000);
    for (large, name) in [
        (format!(r#"{{"name":"a/large","x":"{pad}"}}"#), "a/large"),
        (
            format!(r#"{{"server":{{"name":"a/large","x":"{pad}"}}}}"#),
            "a/large",
        ),
        (format!(r#"{{"x":"{pad}","name":"a/large"}}"#), "-"),
    ] {
        let size = large.len();
        let text = format!(r#"[{large},{{"name":"a/c"}}]"#);
        let (lines, _) = run(text.as_bytes(), Expected::Any, 1000);
        let reason = format!("[0] rejected {name}: {size} bytes are more than a record may have");
        assert_eq!(lines, [reason, r#"[1] {"name":"a/c"}"#.to_owned()]);
    }
    let single = format!(r#"{{"name":"a/large","x":"{pad}"}}"#);
    assert!(
        run(single.as_bytes(), Expected::Any, 1000).0[0]
            .starts_with("the document rejected a/large")
    );
}

#[test]
fn the_limit_is_exact() {
    let record = r#"{"name":"a/b"}"#;
    let text = format!("[{record}]");
    assert!(run(text.as_bytes(), Expected::Any, record.len()).0[0].ends_with(record));
    assert!(run(text.as_bytes(), Expected::Any, record.len() - 1).0[0].contains("14 bytes"));
}

#[test]
fn reading_byte_by_byte_gives_the_same() {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }
    let text = "\u{feff}{\"metadata\" : {\"nextCursor\":\"x\"},\n\"servers\":[ {\"name\":\"a\\\\\"} , 17 , {}]}";
    let (all, summary) = run(text.as_bytes(), Expected::Any, 1000);
    let (dripped, same) = run(Drip(text.as_bytes()), Expected::Any, 1000);
    assert_eq!(all, dripped);
    assert_eq!(summary.expect("whole"), same.expect("dripped"));
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = format!("[{}{}]", "[".repeat(200_000), "]".repeat(200_000));
    let (lines, _) = run(deep.as_bytes(), Expected::Any, 1_000_000);
    assert_eq!(lines, ["[0] rejected -: an array, not an object"]);
}
