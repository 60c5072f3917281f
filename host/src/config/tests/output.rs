//! What is printed: effective values that load again, and the documentation.

use super::{
    super::{document, effective, effective_json, keys, refused},
    CURRENT, OLDER, read,
};

#[test]
fn the_effective_values_load_again_to_the_same_configuration() {
    let home = [("HOME", "/home/me")];
    let odd = CURRENT
        .replace("name: tagged", "name: \"0123\"")
        .replace("[tagged,", "[\"0123\",");
    let busy = format!(
        "{CURRENT}auth: {{ mode: anonymous }}\naddress: :8080\nlog: {{ level: WARN, format: json }}\n\
         cache: {{ enabled: false, size: 100000 }}\ndatabase: {{ path: 'a: b #c', busyTimeout: 0s }}\n"
    );
    for file in [OLDER, CURRENT, &odd, &busy] {
        let config = read(file, &home).expect("loads");
        let yaml = effective(&config);
        let again = read(&yaml, &[]).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert_eq!(again, config, "{yaml}");
        assert_eq!(
            read(effective_json(&config), &[]).expect("JSON is YAML"),
            config
        );
        assert_eq!(effective(&again), yaml);
    }
}

#[test]
fn any_text_survives_being_shown() {
    let long = "word ".repeat(60) + "end";
    let texts = [
        "null",
        "~",
        "true",
        "no",
        "1e3",
        "0x1F",
        "1.10",
        ".nan",
        "- x",
        "a: b",
        "a #b",
        "#",
        "*",
        "*.example/[a-z]?",
        "&a",
        "!x",
        "%x",
        "@x",
        "`x`",
        "'",
        "\"",
        "\\",
        "it's \"so\"",
        " led",
        "trailed ",
        "---",
        "...",
        "{}",
        "[x]",
        "é🦀",
        "\u{200b}x",
        "\u{feff}",
        "a\u{2028}b",
        "<<",
        "=",
        "2024-01-01",
        "|",
        ">",
        &long,
    ];
    let mut config = read(CURRENT, &[]).expect("loads");
    config.sources[0].filter.include_names = texts.iter().map(|text| (*text).to_owned()).collect();
    for shown in [effective(&config), effective_json(&config)] {
        let again = read(&shown, &[]).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(again.sources[0], config.sources[0], "{shown}");
    }
}

#[test]
fn the_effective_values_show_no_secret_of_a_url() {
    let file = CURRENT.replace("raw?ref=main", "raw?ref=main&private_token=hunter2");
    let config = read(file, &[]).expect("loads");
    for shown in [effective(&config), effective_json(&config)] {
        assert!(shown.contains("raw?ref=main&private_token=***"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_documentation_names_every_key_and_is_committed() {
    let text = document();
    let paths = keys::CONFIG
        .iter()
        .map(|key| key.path)
        .chain(refused::CONFIG.iter().map(|key| key.path));
    for path in paths.map(|path| format!("`{path}`")) {
        assert!(text.contains(&path), "{path}");
    }
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let committed = std::fs::read_to_string(committed).expect("docs/configuration.md is there");
    assert!(
        committed == text,
        "docs/configuration.md is out of date; run `cargo xtask docs`"
    );
}

#[test]
fn the_examples_of_the_documentation_load() {
    let text = document();
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        read(example, &[]).unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}
