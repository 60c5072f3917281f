//! Outputs of each kind: regular files, links, devices, and files that are refused.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use super::*;

fn open(path: &Path, replace: Replace) -> Result<Output> {
    Output::open(path, replace, &Protected::default())
}

fn written(path: &Path, replace: Replace, bytes: &[u8]) -> Result<()> {
    let mut output = open(path, replace)?;
    output.write_all(bytes)?;
    output.finish()
}

fn message<T>(outcome: Result<T>) -> String {
    let error = outcome.err().expect("it is refused");
    format!("{error:#}")
}

#[test]
fn a_regular_file_is_whole_or_absent() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("file");
    let names = || -> Vec<_> {
        let files = fs::read_dir(folder.path()).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    };
    drop(open(&place, Replace::No).unwrap());
    assert_eq!(names().len(), 0, "an output that was dropped");
    let mut output = open(&place, Replace::No).unwrap();
    output.write_all(b"one").unwrap();
    assert!(!place.exists());
    output.finish().unwrap();
    assert_eq!(names(), ["file"]);
    assert_eq!(fs::read(&place).unwrap(), b"one");
    let mode = place.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let refused = message(open(&place, Replace::No));
    assert!(refused.contains("--force"), "{refused}");
    written(&place, Replace::Yes, b"").unwrap();
    let late = open(&place, Replace::No).unwrap();
    fs::write(&place, b"faster").unwrap();
    late.finish().unwrap_err();
    assert_eq!(fs::read(&place).unwrap(), b"faster");
}

#[test]
fn folders_are_neither_made_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("typo/file");
    let refused = message(open(&place, Replace::Yes));
    assert!(refused.contains("there is no folder"), "{refused}");
    assert!(!folder.path().join("typo").exists());
    let refused = message(open(folder.path(), Replace::Yes));
    assert!(refused.contains("is a folder"), "{refused}");
}

#[test]
fn links_stay_links_and_lead_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("far")).unwrap();
    for (link, target) in [
        ("there", "far/there"),
        ("dangling", "far/new"),
        ("chain", "dangling"),
    ] {
        symlink(target, at(link)).unwrap();
    }
    fs::write(at("far/there"), b"old").unwrap();
    for (link, file) in [
        ("there", "far/there"),
        ("dangling", "far/new"),
        ("chain", "far/new"),
    ] {
        written(&at(link), Replace::Yes, link.as_bytes()).unwrap();
        assert!(at(link).is_symlink(), "{link}");
        assert_eq!(fs::read(at(file)).unwrap(), link.as_bytes());
    }
    symlink("round", at("round")).unwrap();
    let refused = message(open(&at("round"), Replace::Yes));
    assert!(refused.contains("round"), "{refused}");
}

#[test]
fn a_device_is_written_to_and_stays_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    symlink("/dev/null", &link).unwrap();
    written(&link, Replace::No, b"bytes").unwrap();
    assert!(!fs::metadata(&link).unwrap().is_file());
    let full = folder.path().join("full");
    symlink("/dev/full", &full).unwrap();
    if fs::metadata(&full).is_ok() {
        let refused = message(written(&full, Replace::No, b"bytes"));
        assert!(refused.contains("No space left"), "{refused}");
    }
}

#[test]
fn a_descriptor_is_written_to_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let (place, link) = (folder.path().join("file"), folder.path().join("link"));
    let mut file = File::create(&place).unwrap();
    file.write_all(b"before ").unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    symlink(format!("/proc/self/fd/{number}"), &link).unwrap();
    if place::resolve(&link).unwrap() != Place::Descriptor(number.try_into().unwrap()) {
        println!("not checked: descriptors as files: there is no /proc");
        return;
    }
    written(&link, Replace::No, b"after").unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"before after");
    let standard = open(Path::new("/dev/stdout"), Replace::No).unwrap();
    assert!(standard.is_stdout());
}

#[test]
fn protected_files_are_refused_under_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("database"), b"data").unwrap();
    fs::hard_link(at("database"), at("hard")).unwrap();
    symlink("database", at("soft")).unwrap();
    symlink(folder.path(), at("folder")).unwrap();
    let protected = Protected::file(&at("database"), "the database itself");
    for name in ["database", "hard", "soft", "folder/database", "folder/hard"] {
        let opened = Output::open(&at(name), Replace::Yes, &protected);
        let refused = message(opened);
        assert!(refused.contains("the database itself"), "{name}: {refused}");
    }
    fs::write(at("copy"), b"data").unwrap();
    assert!(Output::open(&at("copy"), Replace::Yes, &protected).is_ok());
    let absent = Protected::file(&at("folder/absent-wal"), "a part of the database");
    let refused = message(Output::open(&at("absent-wal"), Replace::Yes, &absent));
    assert!(refused.contains("a part of the database"), "{refused}");
    assert!(
        protected
            .refuse_open(&File::open(at("hard")).unwrap(), "-")
            .is_err()
    );
}
