//! Compression: each coding is the same answer, with a tag of its own.

use std::io::Read;

use cairn_tests::{Answer, Installation};

const LIST: &str = "/v0.1/servers?limit=30";
const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    let body = answer.body.as_slice();
    match answer.header("content-encoding").as_str() {
        "gzip" => drop(
            flate2::read::GzDecoder::new(body)
                .read_to_end(&mut plain)
                .expect("gzip"),
        ),
        "br" => drop(
            brotli::Decompressor::new(body, 4096)
                .read_to_end(&mut plain)
                .expect("br"),
        ),
        "zstd" => plain = zstd::stream::decode_all(body).expect("zstd"),
        _ => plain = body.to_vec(),
    }
    plain
}

#[test]
fn every_coding_is_the_same_answer_and_has_its_own_tag() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    let get = |headers: &[(&str, &str)]| server.public.ask("GET", LIST, headers);
    let plain = get(&[]);
    assert!(!plain.has("content-encoding"));
    let mut tags = vec![plain.header("etag")];
    for coding in CODINGS {
        let accept = ("accept-encoding", coding);
        for _ in 0..2 {
            let answer = get(&[accept]);
            assert_eq!(answer.header("content-encoding"), coding);
            assert_eq!(decoded(&answer), plain.body, "{coding}");
            assert!(answer.body.len() * 3 < plain.body.len(), "{coding}");
            let length = answer.header("content-length");
            assert_eq!(length, answer.body.len().to_string(), "{coding}");
        }
        let coded = get(&[accept]);
        for answer in [&plain, &coded] {
            let vary = answer.header("vary").to_ascii_lowercase();
            assert!(vary.contains("accept-encoding"), "{coding}: {vary}");
        }
        let tag = coded.header("etag");
        assert!(
            tag.starts_with('"') && tag.ends_with('"'),
            "still a strong one: {tag}"
        );
        assert_eq!(
            get(&[accept, ("if-none-match", &tag)]).status,
            304,
            "{coding}"
        );
        assert_eq!(
            get(&[("if-none-match", &tag)]).status,
            200,
            "another representation"
        );
        assert_eq!(
            get(&[accept, ("if-none-match", &tags[0])]).status,
            200,
            "{coding}"
        );
        assert_eq!(
            get(&[accept, ("if-none-match", "*")]).status,
            304,
            "{coding}"
        );
        let head = server.public.ask("HEAD", LIST, &[accept]);
        assert_eq!(head.header("etag"), tag);
        assert_eq!(
            head.header("content-length"),
            coded.header("content-length")
        );
        assert!(head.body.is_empty());
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 1 + CODINGS.len());
}

#[test]
fn the_client_chooses_and_may_choose_none() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    let check = |accept: &str, expected: &str| {
        let answer = server
            .public
            .ask("GET", LIST, &[("accept-encoding", accept)]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-encoding"), expected, "{accept}");
    };
    check("gzip, deflate, br, zstd", "br");
    check("gzip", "gzip");
    check("gzip;q=1, br;q=0.5", "gzip");
    check("br;q=0, gzip;q=0.1", "gzip");
    check("identity", "");
    check("gzip;q=0", "");
    check("deflate", "");
    check("", "");
    check("nonsense;;;", "");
}

#[test]
fn small_answers_and_refusals_are_sent_as_they_are() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for target in [
        "/ping",
        "/v0.1/servers?limit=0",
        "/v0.1/servers/com.example%2Fa/versions/latest",
    ] {
        let answer = server
            .public
            .ask("GET", target, &[("accept-encoding", "gzip, br")]);
        assert!(!answer.has("content-encoding"), "{target}");
        assert!(answer.body.len() < 1024, "{target}");
    }
    for target in ["/openapi.yaml", "/docs"] {
        let answer = server
            .public
            .ask("GET", target, &[("accept-encoding", "gzip")]);
        assert_eq!(answer.header("content-encoding"), "gzip", "{target}");
        assert_eq!(decoded(&answer), server.public.get(target).body);
    }
}
