//! Search: a part of name, title or description, in any case, with no character that means anything else.

use cairn_tests::{encode, fixture, target};

use crate::lists::walk;

/// The rule, as a plain substring test.
fn expected(term: &str) -> Vec<String> {
    let fold = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let term = fold(term);
    fixture::keys(|record| {
        !record.is_deleted()
            && [&record.name, &record.title, &record.description]
                .into_iter()
                .any(|text| fold(text).contains(&term))
    })
}

fn check(term: &str, least: usize) {
    let expected = expected(term);
    assert!(expected.len() >= least, "{term:?} is in {}", expected.len());
    assert!(
        least > 0 || expected.is_empty(),
        "{term:?} is in {expected:?}"
    );
    for base in ["/v0.1", "/registry/default/v0.1"] {
        let query = format!("search={}", encode(term));
        assert_eq!(walk(target(), base, &query, 30), expected, "{term:?}");
    }
}

#[test]
fn a_term_is_looked_for_in_name_title_and_description() {
    check("zyzzyva", 1);
    check("quokka", 1);
    check("title-only", 1);
    check("com.example.a/", 1);
    check("example", 60);
    check("e", 60);
    check("io.example.search", 10);
    check("striped animal", 3);
    check("no such words", 0);
}

#[test]
fn case_does_not_matter_in_any_script() {
    for (term, other) in [
        ("ZEBRA", "zebra"),
        ("ÜBERGRÖSSE", "übergrösse"),
        ("Äpfel", "ÄPFEL"),
        ("ÖL", "öl"),
    ] {
        check(term, 1);
        assert_eq!(expected(term), expected(other));
        check(other, 1);
    }
    check("straße", 1);
    check("STRASSE", 1);
    check("İstanbul", 1);
    check("ılık", 1);
    check("DİYARBAKIR", 1);
}

#[test]
fn terms_of_one_and_two_letters_work() {
    for term in [
        "r", "R", "c", "go", "AI", "ux", "7z", "e2", "ö", "🚀", "天", "天気", "한",
    ] {
        check(term, 1);
    }
    check("qx", 0);
    check("€", 0);
}

#[test]
fn wildcards_and_quotes_are_letters() {
    for term in [
        "%",
        "_",
        "*",
        "?",
        "\\",
        "'",
        "\"",
        ";",
        "100%",
        "snake_case",
        "% _ * ?",
        "; drop table",
    ] {
        check(term, 1);
    }
    for term in [
        "%%",
        "__",
        "%zebra",
        "z%a",
        "ze_ra",
        "zebra*",
        "\"zebra\"",
        "zebra OR quokka",
        "name:zebra",
        "^zebra",
        "zeb?a",
        "''",
        "{zebra}",
    ] {
        check(term, 0);
    }
    assert_eq!(
        expected("snake_case"),
        ["io.example.search/under_score 1.0.0"]
    );
}

#[test]
fn emoji_of_several_characters_and_flags_are_found() {
    check("👩‍👩‍👧", 1);
    check("👩", 1);
    check("🇦🇹", 1);
    check("東京", 1);
    check("搜索示例", 1);
}

#[test]
fn a_space_is_a_plus_or_an_escape_and_counts() {
    let spaced = target().get("/v0.1/servers?search=striped+animal");
    let escaped = target().get("/v0.1/servers?search=striped%20animal");
    assert_eq!(spaced.keys(), expected("striped animal"));
    assert_eq!(escaped.text(), spaced.text());
    check("striped  animal", 0);
    let plus = target().get("/v0.1/servers?search=a%2Bb");
    assert_eq!(plus.keys(), expected("a+b"));
}

#[test]
fn fields_are_looked_at_one_by_one() {
    check("\n", 0);
    check("zebra\nzebra", 0);
}

#[test]
fn no_term_is_every_record() {
    let all = target().get("/v0.1/servers?limit=100");
    let empty = target().get("/v0.1/servers?limit=100&search=");
    assert_eq!(empty.text(), all.text());
}

#[test]
fn a_term_goes_with_a_version() {
    let answer = target().get("/v0.1/servers?limit=100&search=example&version=latest");
    let latest = fixture::keys(|record| record.is_latest() && !record.is_deleted());
    assert_eq!(answer.keys(), latest);
    let answer = target().get("/v0.1/servers?search=zebra&version=2.0.0");
    assert_eq!(answer.keys(), ["com.example/zebra 2.0.0"]);
    let answer = target().get("/v0.1/servers?search=rare&version=latest");
    assert_eq!(answer.keys(), ["io.example.search/rare 1.0.1"]);
}
