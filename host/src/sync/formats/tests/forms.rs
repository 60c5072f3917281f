//! The known forms, and what is taken out of them.

use super::{
    super::{Expected, Layout},
    lines, run,
};

#[test]
fn null_lists_are_empty_pages_and_faults_of_files() {
    let page = r#"{"servers":null,"metadata":{"count":0}}"#;
    for text in [page, r#"{"data":{"servers":null}}"#] {
        let error = run(text.as_bytes(), Expected::Any, 10_000).1;
        let error = error.expect_err(text).to_string();
        assert!(error.contains("is null, not a list"), "{error}");
    }
    let summary = run(page.as_bytes(), Expected::Page, 10_000).1;
    assert_eq!(summary.expect("a page").records, 0);
}

#[test]
fn every_form_is_detected() {
    for (text, layout, records) in [
        (
            r#"{"servers":[{"server":{"name":"a/b"}}],"metadata":{"count":1}}"#,
            Layout::List,
            1,
        ),
        (r#"{"servers":[]}"#, Layout::List, 0),
        (
            r#"[{"name":"a/b"},{"server":{"name":"a/c"},"_meta":{}}]"#,
            Layout::Array,
            2,
        ),
        ("[]", Layout::Array, 0),
        (r#"{"name":"a/b"}"#, Layout::Single, 1),
        (r#"{"server":{"name":"a/b"},"_meta":{}}"#, Layout::Single, 1),
        (r#"{"servers":{"a":{"image":"x"}}}"#, Layout::Legacy, 1),
        (
            r#"{"remote_servers":{"a":{"url":"x"}},"servers":{}}"#,
            Layout::Legacy,
            1,
        ),
        (r#"{"groups":[{"name":"g"}]}"#, Layout::Legacy, 0),
        (
            r#"{"data":{"servers":[{"name":"a/b"}]}}"#,
            Layout::Upstream,
            1,
        ),
        (r#"{"data":{"skills":[]}}"#, Layout::Upstream, 0),
    ] {
        let (lines, result) = run(text.as_bytes(), Expected::Any, 10_000);
        let summary = result.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (summary.layout, summary.records),
            (layout, records),
            "{text}"
        );
        assert!(lines.len() as u64 >= records, "{text}");
    }
}

#[test]
fn a_document_keeps_its_bytes_and_the_official_block_is_taken_out() {
    for (text, expected) in [
        (
            "{ \"servers\" : [ { \"_meta\" : {\"x\":1,\"io.modelcontextprotocol.registry/official\": {\"status\" :\"active\"} },\n \"server\": { \"name\":\"a/b\",\n\t\"n\": 1.0e2 } , \"z\": 0 } ] }",
            "servers[0] { \"name\":\"a/b\",\n\t\"n\": 1.0e2 } official {\"status\" :\"active\"}",
        ),
        (
            r#"[ {"name":"a/b", "server":{"x":1}} ]"#,
            r#"[0] {"name":"a/b", "server":{"x":1}}"#,
        ),
        (r#"[{"server":{"v":1},"server":{"v":2}}]"#, r#"[0] {"v":2}"#),
        (r#"[{"server":{"v":1},"_meta":7}]"#, r#"[0] {"v":1}"#),
        (
            r#"[{"server":{},"_meta":{"io.modelcontextprotocol.registry/official":null}}]"#,
            "[0] {}",
        ),
        (
            r#"[{"name":"a/b","_meta":{"io.modelcontextprotocol.registry/official":{"status":"deleted"}}}]"#,
            r#"[0] {"name":"a/b","_meta":{"io.modelcontextprotocol.registry/official":{"status":"deleted"}}} official {"status":"deleted"}"#,
        ),
        (
            " \n{ \"b\" : [1, 2],\n \"name\" : \"a/b\" } \n",
            "the document { \"b\" : [1, 2],\n \"name\" : \"a/b\" }",
        ),
        (
            r#"{"data":{"servers":[{"name":"ä/\u00e4"}]}}"#,
            r#"data.servers[0] {"name":"ä/\u00e4"}"#,
        ),
    ] {
        assert_eq!(lines(text), [expected], "{text}");
    }
}

#[test]
fn keys_may_stand_in_any_order_and_unknown_ones_are_skipped() {
    let list = |keys: [&str; 3]| format!("{{{}}}", keys.join(","));
    let (servers, metadata, other) = (
        r#""servers":[{"name":"a/b"}]"#,
        r#""metadata":{"nextCursor":"c\u0031"}"#,
        r#""other":[{"servers":{"x":{}}},"]",null]"#,
    );
    for keys in [
        [servers, metadata, other],
        [other, metadata, servers],
        [metadata, other, servers],
    ] {
        let (lines, result) = run(list(keys).as_bytes(), Expected::Page, 10_000);
        assert_eq!(lines, [r#"servers[0] {"name":"a/b"}"#]);
        assert_eq!(result.expect("a page").cursors.next.as_deref(), Some("c1"));
    }
}

#[test]
fn empty_cursors_end_the_list() {
    for metadata in [
        r#"{"nextCursor":""}"#,
        r#"{"nextCursor":null}"#,
        r#"{"next_cursor":0}"#,
        "{}",
        "7",
    ] {
        let text = format!(r#"{{"servers":[],"metadata":{metadata}}}"#);
        let (_, result) = run(text.as_bytes(), Expected::Page, 10_000);
        assert_eq!(result.expect("a page").cursors.next, None, "{metadata}");
    }
}

#[test]
fn kinds_that_are_not_read_are_counted() {
    let upstream = r#"{"data":{"plugins":[{"a":1}],"servers":[],"skills":[1,{"x":[2]},3]}}"#;
    assert_eq!(lines(upstream), ["1 plugins", "3 skills"]);
    let legacy = r#"{"groups":[{"name":"g","servers":{"x":{"image":"i"}}},{}],"servers":{}}"#;
    assert_eq!(lines(legacy), ["2 groups"]);
}

#[test]
fn a_byte_order_mark_is_tolerated() {
    assert_eq!(
        lines("\u{feff}[{\"name\":\"a/b\"}]"),
        [r#"[0] {"name":"a/b"}"#]
    );
    assert_eq!(
        lines("\u{feff}{\"name\":\"a/b\"}"),
        [r#"the document {"name":"a/b"}"#]
    );
}
