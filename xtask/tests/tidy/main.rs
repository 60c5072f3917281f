//! The shape of the tree, as tests: what each room may know, how long a file may be, which links have to lead somewhere.
//! Reads files and asks git and cargo; compiles nothing. A rule that is not here or in a lint is only an opinion.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod migrations;
mod rooms;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Longest file, in lines. What is above [`ROOMY`] is only told.
const LONGEST: usize = 400;
const ROOMY: usize = 300;

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
        if lines > LONGEST {
            findings.push(format!("{}: {lines} lines", file.path));
        } else if lines > ROOMY {
            println!("above {ROOMY} lines: {} ({lines})", file.path);
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
