//! The Terraform files: read by the library that Terraform reads them with, laid out as it lays them out, and naming nothing
//! that is not there. What a provider makes of them only Terraform can say, with the provider loaded.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::tool::{self, tool};

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(tool::deploy("terraform/ecs")).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "tf"))
        .collect()
}

fn texts() -> Vec<String> {
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a file");
    files().iter().map(read).collect()
}

#[test]
fn the_files_are_read_and_laid_out_as_terraform_does() {
    println!(
        "not checked: Terraform's types: `terraform validate` has to load the provider of AWS"
    );
    for file in files() {
        let Some(mut hclfmt) = tool("hclfmt", "the Terraform files") else {
            return;
        };
        let laid_out = tool::output(hclfmt.arg(&file));
        let written = fs::read_to_string(&file).expect("a file");
        assert_eq!(laid_out, written, "{}", file.display());
    }
}

/// What a file declares, as others name it: `var.x`, `local.x`, `aws_lb.x`.
fn declared(text: &str) -> Vec<String> {
    let (mut declared, mut is_local) = (Vec::new(), false);
    for line in text.lines() {
        let words: Vec<&str> = line
            .split([' ', '"'])
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            ["resource", kind, name, "{"] => declared.push(format!("{kind}.{name}")),
            ["variable", name, "{"] => declared.push(format!("var.{name}")),
            ["locals", "{"] => is_local = true,
            ["}"] if line == "}" => is_local = false,
            [name, "=", ..] if is_local && line.starts_with("  ") && !line.starts_with("   ") => {
                declared.push(format!("local.{name}"));
            }
            _ => {}
        }
    }
    declared
}

/// What a file names of this kind; words of a comment are not meant.
fn named(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(move |c| !is_part(c)))
        .filter_map(|word| {
            let mut parts = word.split('.');
            let (kind, name) = (parts.next()?, parts.next()?);
            let is_ours = ["var", "local"].contains(&kind)
                || kind.starts_with("aws_")
                || kind.starts_with("random_");
            is_ours.then(|| format!("{kind}.{name}"))
        })
        .collect()
}

#[test]
fn what_the_files_name_is_declared_and_what_is_declared_is_used() {
    let (mut there, mut used) = (BTreeSet::new(), BTreeSet::new());
    for text in texts() {
        there.extend(declared(&text));
        used.extend(named(&text));
    }
    assert!(used.len() > 20, "{used:?}");
    let absent: Vec<&String> = used.difference(&there).collect();
    assert!(absent.is_empty(), "nobody declares {absent:?}");
    // Resources stand for themselves.
    let is_idle = |name: &&String| name.starts_with("var.") || name.starts_with("local.");
    let idle: Vec<&String> = there.difference(&used).filter(is_idle).collect();
    assert!(idle.is_empty(), "nobody uses {idle:?}");
}

#[test]
fn declarations_and_uses_are_told_apart() {
    let text = "variable \"a\" {\n  type = string\n}\nlocals {\n  b = {\n    c = 1\n  }\n}\nresource \"aws_x\" \"y\" {\n  \
                d = \"${var.a}-${local.b.c}\" # e\n  f = aws_z.g.id\n}\n";
    assert_eq!(declared(text), ["var.a", "local.b", "aws_x.y"]);
    assert_eq!(named(text), ["var.a", "local.b", "aws_z.g"]);
}

#[test]
fn no_task_needs_another_tag_of_the_image() {
    for text in texts() {
        assert!(!text.contains("${var.image}-"), "{text}");
    }
}
