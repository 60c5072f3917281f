//! Outputs of commands: what is no regular file is written to as it is, the database and the configuration are never
//! replaced, and what cannot be written fails the command.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use cairn_tests::{Ended, Installation, installation};

use crate::turns::{assert_sound, registry, run};

fn synchronized() -> Installation {
    let here = registry();
    here.sync();
    here
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
}

/// Reads a FIFO to its end while a command writes to it.
fn through_fifo(here: &Installation, verb: &str) -> Vec<u8> {
    let fifo = here.path(verb);
    make_fifo(&fifo);
    let reading = {
        let fifo = fifo.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = File::open(fifo).and_then(|mut file| file.read_to_end(&mut bytes));
            read.map(|_| bytes).expect("what was written")
        })
    };
    let ended = run(here, verb, &fifo, &[]).expect(0);
    assert!(ended.stdout.contains(verb), "{}", ended.stdout);
    let kind = fs::symlink_metadata(&fifo).expect("the FIFO").file_type();
    assert!(kind.is_fifo(), "{verb} replaced it");
    reading.join().expect("the reader")
}

#[test]
fn pipes_are_written_to_and_stay_pipes() {
    let here = synchronized();
    let lines = String::from_utf8(through_fifo(&here, "export")).expect("UTF-8");
    assert!(lines.starts_with("{\"cairn\""), "{lines}");
    assert!(
        lines
            .lines()
            .last()
            .is_some_and(|line| line.contains("end"))
    );
    let copy = here.path("copy.db");
    fs::write(&copy, through_fifo(&here, "backup")).expect("a copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("a mode");
    assert_sound(&copy);
    assert!(
        !names(&here.path("data"))
            .iter()
            .any(|name| name.starts_with('.'))
    );
}

#[test]
fn a_link_to_standard_output_leads_there() {
    let here = synchronized();
    if !Path::new("/proc/self/fd").exists() {
        println!("not checked: a link to standard output: there is no /proc");
        return;
    }
    symlink("/proc/self/fd/1", here.path("stdout")).expect("a link");
    for verb in ["export", "backup"] {
        let mut command = here.command(&[verb, "stdout"]);
        let output = command.stdin(Stdio::null()).output().expect("the binary");
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.len() > 1000, "{verb}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("entries"), "{said}");
        assert!(here.path("stdout").is_symlink(), "{verb} replaced it");
    }
}

#[test]
fn links_to_devices_stay_links() {
    let here = synchronized();
    symlink("/dev/null", here.path("null")).expect("a link");
    for verb in ["export", "backup"] {
        let _ = run(&here, verb, &here.path("null"), &[]).expect(0);
        assert!(here.path("null").is_symlink(), "{verb} replaced it");
    }
}

#[test]
fn the_database_and_the_configuration_are_never_replaced() {
    let here = synchronized();
    let server = here.serve(&["--sync=false"]);
    let database = here.database();
    fs::hard_link(&database, here.path("hard")).expect("a link");
    symlink(&database, here.path("soft")).expect("a link");
    let config = fs::read(here.path("config.yaml")).expect("the configuration");
    for name in [
        "data/cairn.db",
        "data/cairn.db-wal",
        "data/cairn.db-shm",
        "data/cairn.db-journal",
        "hard",
        "soft",
        "config.yaml",
        "catalog.json",
    ] {
        for verb in ["backup", "export"] {
            let refused = run(&here, verb, &here.path(name), &["--force"]).expect(1);
            assert!(
                refused.stderr.contains("never replaced"),
                "{name}: {}",
                refused.stderr
            );
        }
    }
    let copy = here.path("copy.db");
    let _ = run(&here, "backup", &copy, &[]).expect(0);
    let onto = here.path("config.yaml");
    let onto = ["--force", "--database", onto.to_str().expect("a path")];
    let refused = run(&here, "restore", &copy, &onto).expect(1);
    assert!(
        refused.stderr.contains("never replaced"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read(here.path("config.yaml")).expect("it"), config);
    assert!(server.stop().success());
    assert_sound(&database);
}

#[test]
fn answers_are_not_appended_to_the_configuration() {
    let here = synchronized();
    let before = fs::read(here.path("config.yaml")).expect("the configuration");
    for args in [&["config"][..], &["export"], &["migrate", "status"]] {
        let file = OpenOptions::new()
            .append(true)
            .open(here.path("config.yaml"));
        let mut command = here.command(args);
        command
            .stdout(file.expect("the file"))
            .stderr(Stdio::piped());
        let ended = command.output().expect("the binary");
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        assert_eq!(
            fs::read(here.path("config.yaml")).expect("it"),
            before,
            "{args:?}"
        );
    }
}

/// Runs a command whose standard output is a full disk.
fn onto_full(mut command: Command) -> Ended {
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("the device");
    let output = command
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .expect("the binary");
    Ended {
        code: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_full_disk_under_an_output_fails_the_command() {
    if !Path::new("/dev/full").exists() {
        println!("not checked: a full disk under an output: there is no /dev/full");
        return;
    }
    let here = synchronized();
    for args in [
        &["export"][..],
        &["backup", "-"],
        &["config"],
        &["config", "--document"],
        &["version"],
        &["--help"],
        &["migrate", "status"],
        &["doctor", "--offline"],
        &["sync", "--once", "--report"],
    ] {
        let mut command = here.command(args);
        if args.iter().any(|arg| *arg == "version" || *arg == "--help") {
            command = installation::cairn();
            command.args(args);
        }
        let ended = onto_full(command).expect(1);
        assert!(
            ended.stderr.contains("No space left"),
            "{args:?}: {}",
            ended.stderr
        );
    }
    symlink("/dev/full", here.path("full")).expect("a link");
    for verb in ["export", "backup"] {
        let ended = run(&here, verb, &here.path("full"), &[]).expect(1);
        assert!(
            ended.stderr.contains("No space left"),
            "{verb}: {}",
            ended.stderr
        );
        assert!(here.path("full").is_symlink());
    }
}

#[test]
fn data_is_readable_for_its_owner_only() {
    let here = synchronized();
    let server = here.serve(&[]);
    let _ = run(&here, "export", &here.path("all.jsonl"), &[]).expect(0);
    let _ = run(&here, "backup", &here.path("copy.db"), &[]).expect(0);
    for name in [
        "data/cairn.db",
        "data/cairn.db-wal",
        "data/cairn.db-shm",
        "all.jsonl",
        "copy.db",
    ] {
        let mode = fs::metadata(here.path(name))
            .expect(name)
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(server.stop().success());
}

#[test]
fn a_mistyped_folder_is_not_made() {
    let here = synchronized();
    for verb in ["backup", "export"] {
        let ended = run(&here, verb, &here.path("typo/x"), &[]).expect(1);
        assert!(
            ended.stderr.contains("there is no folder"),
            "{}",
            ended.stderr
        );
        assert!(!here.path("typo").exists());
    }
}

#[test]
fn a_pipe_without_a_reader_is_refused_after_a_while() {
    let here = synchronized();
    let fifo = here.path("unread");
    make_fifo(&fifo);
    let ended = run(&here, "export", &fifo, &[]).expect(1);
    for word in ["waiting for a process that reads", "no process reads"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}
