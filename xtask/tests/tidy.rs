//! The shape of the tree, as tests: what each room may know, how long a file may be, which links have to lead somewhere.
//! Reads files and asks git and cargo; compiles nothing. A rule that is not here or in a lint is only an opinion.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Longest file, in lines. What is above [`ROOMY`] is only told.
const LONGEST: usize = 400;
const ROOMY: usize = 300;

/// Files that are longer, each with the reason.
const LONG: [(&str, &str); 1] = [(
    "registry/src/kinds/server/schema.rs",
    "one rule after the other, in the order of the schema it follows",
)];

/// What gives the registry a thread, a socket or a file.
const RUNTIMES: [&str; 14] = [
    "async-std",
    "axum",
    "gix",
    "hyper",
    "libsql",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "spin-sdk",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "wasmtime",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .current_dir(root())
        .args(arguments)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file of the project, by its path from the root.
struct File {
    path: String,
    text: String,
}

/// All files that git knows or would add, if they are text.
fn files() -> Vec<File> {
    let list = output(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    );
    let files: Vec<File> = list
        .split_terminator('\0')
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect();
    assert!(files.len() > 100, "git shows only {} files", files.len());
    files
}

fn rust() -> impl Iterator<Item = File> {
    let files = files().into_iter();
    files.filter(|file| file.path.ends_with(".rs"))
}

/// Fails with all findings at once, one in a line.
fn none(rule: &str, findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

/// Lines that are not comments, with the place to report.
fn code(file: &File) -> impl Iterator<Item = (String, &str)> {
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (format!("{}:{}", file.path, number + 1), line))
}

#[test]
fn every_module_says_what_it_is() {
    let silent = rust().filter(|file| !file.text.starts_with("//! "));
    none("a module starts with //!", silent.map(|file| file.path));
}

#[test]
fn files_stay_short_enough_to_be_read() {
    let mut findings = Vec::new();
    for file in rust() {
        let lines = file.text.lines().count();
        let listed = LONG.iter().any(|(path, _)| *path == file.path);
        match lines {
            _ if listed && lines <= LONGEST => {
                findings.push(format!("{}: listed, but short", file.path))
            }
            _ if listed => {}
            LONGEST.. => findings.push(format!("{}: {lines} lines", file.path)),
            ROOMY.. => println!("above {ROOMY} lines: {} ({lines})", file.path),
            _ => {}
        }
    }
    none("a file has at most 400 lines", findings);
}

#[test]
fn names_say_what_a_file_is_about() {
    let vague = ["utils", "util", "helpers", "common", "manager", "misc"];
    let is_vague = |file: &File| {
        let path = file.path.trim_end_matches(".rs");
        path.split('/').any(|part| vague.contains(&part))
    };
    none(
        "a name says nothing",
        rust().filter(is_vague).map(|file| file.path),
    );
}

/// Names of what is linked into a package, itself left out.
fn dependencies(package: &str, more: &[&str]) -> BTreeSet<String> {
    let mut arguments = vec!["tree", "--locked", "--prefix", "none", "--package", package];
    arguments.extend(["--edges", "normal"]);
    arguments.extend(more);
    let tree = output(env!("CARGO"), &arguments);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(
        names.contains(package),
        "cargo tree does not know {package}"
    );
    names.into_iter().filter(|name| name != package).collect()
}

#[test]
fn rooms_know_only_what_they_may_know() {
    let wasm = ["--target", "wasm32-wasip2"];
    for (package, more, forbidden) in [
        ("cairn-registry", &[][..], &RUNTIMES[..]),
        ("cairn-registry", &wasm, &RUNTIMES),
        (
            "cairn-component",
            &[],
            &["cairn", "tokio", "libsql", "rusqlite", "wasmtime"],
        ),
        (
            "cairn-component",
            &wasm,
            &["cairn", "tokio", "libsql", "rusqlite", "wasmtime"],
        ),
        (
            "cairn-tests",
            &[],
            &["cairn", "cairn-component", "cairn-registry"],
        ),
        (
            "xtask",
            &[],
            &["cairn", "cairn-component", "cairn-registry"],
        ),
        // One SQLite and one provider of TLS in a process.
        (
            "cairn",
            &[],
            &["rusqlite", "aws-lc-rs", "openssl", "native-tls"],
        ),
    ] {
        let known = dependencies(package, more);
        let findings = forbidden.iter().filter(|name| known.contains(**name));
        none(
            &format!("{package} must not link"),
            findings.map(|name| (*name).to_owned()),
        );
    }
}

/// Files below a folder, and the findings in their code.
fn in_code(folder: &str, except: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    let mut seen = 0;
    for file in rust().filter(|file| file.path.starts_with(folder)) {
        if except.iter().any(|path| file.path.starts_with(path)) {
            continue;
        }
        seen += 1;
        findings.extend(
            code(&file)
                .filter(|(_, line)| is_wrong(line))
                .map(|(place, line)| format!("{place}: {}", line.trim())),
        );
    }
    assert!(seen > 0, "no files in {folder}");
    findings
}

#[test]
fn only_the_engines_and_the_export_know_spin() {
    let except = ["component/src/db/", "component/src/wasi.rs"];
    let findings = in_code("component/src/", &except, |line| line.contains("spin_sdk"));
    none("spin_sdk is for component/src/db and wasi.rs", findings);
}

/// A surface hands the store's port on to `ops`, by the trait's name, and knows nothing else of the store.
fn names_the_store(line: &str) -> bool {
    line.match_indices("store::").any(|(at, path)| {
        let after = line.get(at + path.len()..).unwrap_or_default();
        let name = after
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '{')
            .next();
        name != Some("Db")
    })
}

#[test]
fn surfaces_know_of_the_store_only_that_there_is_one() {
    for (line, expected) in [
        ("    store::Db,", false),
        ("use cairn_registry::store::Db;", false),
        ("use cairn_registry::store::{Db, Row};", true),
        ("    store::entry::find(db)", true),
        ("    store::Dbs,", true),
        ("let restored = 1;", false),
    ] {
        assert_eq!(names_the_store(line), expected, "{line}");
    }
    let findings = in_code("component/src/", &["component/src/db/"], names_the_store);
    none("surfaces use ops, never the store", findings);
}

#[test]
fn values_and_kinds_are_synchronous_and_know_no_store() {
    let is_wrong = |line: &str| {
        ["async ", ".await", "crate::store", "crate::ops"]
            .iter()
            .any(|word| line.contains(word))
    };
    for folder in ["registry/src/model/", "registry/src/kinds/"] {
        none(
            "model and kinds are synchronous",
            in_code(folder, &[], is_wrong),
        );
    }
}

/// A path that exists on somebody's machine only. `/home/me` is the example.
fn is_machine_path(word: &str) -> bool {
    let places = [
        "/root/",
        "/work/",
        "/Users/",
        "/tmp/",
        "C:\\Users",
        "/home/",
    ];
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
    let open = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
    ];
    let is_separator = |c: char| c.is_whitespace() || "\"'`()[]<>=,".contains(c);
    let this = "xtask/tests/tidy.rs";
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
