//! What no file may contain, and what documents must not get wrong.

use std::fs;

use super::{files, none, root};

/// A path that exists on somebody's machine only. `/home/me` is the example.
fn is_machine_path(word: &str) -> bool {
    let places = ["/root/", "/Users/", "/tmp/", "C:\\Users", "/home/"];
    places.iter().any(|place| word.starts_with(place)) && !word.starts_with("/home/me")
}

#[test]
fn nothing_is_left_open_and_nothing_names_a_machine() {
    for (word, expected) in [
        ("/root/x", true),
        ("/home/someone/x", true),
        ("/home/me/.local", false),
        ("/var/lib/cairn", false),
        ("host/root/x", false),
    ] {
        assert_eq!(is_machine_path(word), expected, "{word}");
    }
    let open = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let is_separator = |c: char| c.is_whitespace() || "\"'`()[]<>=,".contains(c);
    let this = "xtask/tests/tidy/words.rs";
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.path != this) {
        for (number, line) in file.text.lines().enumerate() {
            let wrong = open.iter().any(|mark| line.contains(mark))
                || line.split(is_separator).any(is_machine_path);
            if wrong {
                findings.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("an open note or somebody's path", findings);
}

/// Targets of links to files: no other places, no mere anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        let elsewhere = target.contains("://") || target.starts_with("mailto:");
        (!target.is_empty() && !elsewhere).then_some(target)
    })
}

#[test]
fn links_in_documents_lead_somewhere() {
    for (text, expected) in [
        (
            "see [a](a.md) and [b](../b.md#part)",
            &["a.md", "../b.md"][..],
        ),
        ("[here](#part) [there](https://example.com/x.md)", &[]),
        ("[x](y.md \"title\") (z.md)", &["y.md"]),
    ] {
        assert_eq!(links(text).collect::<Vec<_>>(), expected, "{text}");
    }
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let path = root().join(&file.path);
        let folder = path.parent().expect("a file is in a folder");
        let broken = links(&file.text).filter(|target| !folder.join(target).exists());
        findings.extend(broken.map(|target| format!("{}: {target}", file.path)));
    }
    none("a link leads nowhere", findings);
}

#[test]
fn ci_runs_what_the_readme_says() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("the file is there");
    let last = read(".ci/run")
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(last, "exec cargo xtask test");
    assert!(read("README.md").contains("cargo xtask test"));
}
