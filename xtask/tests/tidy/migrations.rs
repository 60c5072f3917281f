//! The rules of migrations/README.md that a machine can check.

use std::collections::BTreeSet;

use super::{files, none, root};

/// Number and what remains of `NNNN_what.sql`, `.down.sql` or one of a pair of dialects.
fn step(name: &str) -> Option<(usize, &str)> {
    let stem = name.strip_suffix(".sql")?;
    let (number, rest) = stem.split_once('_')?;
    let what = rest.split('.').next()?;
    let ending = rest.strip_prefix(what)?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let endings = ["", ".down", ".sqlite", ".postgres"];
    (number.len() == 4
        && !what.is_empty()
        && what.chars().all(is_word)
        && endings.contains(&ending))
    .then_some((number.parse().ok()?, ending))
}

#[test]
fn migrations_follow_their_rules() {
    for (name, expected) in [
        ("0001_core.sql", Some((1, ""))),
        ("0012_two_words.down.sql", Some((12, ".down"))),
        ("0003_x.postgres.sql", Some((3, ".postgres"))),
        ("3_x.sql", None),
        ("0003_X.sql", None),
        ("0003_x.mysql.sql", None),
        ("notes.txt", None),
    ] {
        assert_eq!(step(name), expected, "{name}");
    }
    let (mut ups, mut downs) = (BTreeSet::new(), BTreeSet::new());
    let mut findings = Vec::new();
    let folder = files().into_iter().filter_map(|file| {
        let name = file.path.strip_prefix("migrations/")?.to_owned();
        Some((name, file.text))
    });
    for (name, text) in folder.filter(|(name, _)| name != "README.md") {
        let Some((number, ending)) = step(&name) else {
            findings.push(format!("{name}: not NNNN_what.sql"));
            continue;
        };
        if ending == ".down" {
            downs.insert(number);
        } else {
            ups.insert(number);
        }
        if matches!(ending, ".sqlite" | ".postgres") && !text.starts_with("-- ") {
            findings.push(format!(
                "{name}: the first line has to say why this engine needs its own text"
            ));
        }
    }
    none("migrations/README.md", findings);
    assert!(
        !ups.is_empty() && ups.iter().copied().eq(1..=ups.len()),
        "a number is missing: {ups:?}"
    );
    assert_eq!(ups, downs, "each step has one that undoes it");
    assert!(root().join("migrations/README.md").exists());
}
