//! The image without a container engine: its root folder is made by the script that the Dockerfile runs, and the binary
//! is started in it with `chroot`, as the users it may have.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use cairn_tests::{Installation, Server, fixture, installation};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    dockerfile::{Image, dockerfile, instructions},
    tool,
};

/// Whether a root folder can be entered here; else a line says what is not checked.
pub(crate) fn can_chroot() -> bool {
    let can = tool::run("id", ["-u"]).trim() == "0" && tool::find("chroot").is_some();
    if !can {
        println!("not checked: the binary in the image's root folder: only root may chroot");
    }
    can
}

/// Where cargo lets tests write. Root folders share their files by links, so all of them are here.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// The image's root folder with the binary under test, made anew once for this process; the next one removes it.
fn pattern() -> &'static Path {
    static PATTERN: OnceLock<PathBuf> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let folder = Path::new(SCRATCH).join("image");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the folder of an earlier run");
        }
        let binary = installation::cairn().get_program().to_owned();
        let mut script = Command::new(tool::deploy("image/root.sh"));
        script.arg(&folder).arg(&binary).arg(certificates());
        tool::output(&mut script);
        add_libraries(&folder, Path::new(&binary));
        folder
    })
}

/// A binary that is not static gets the libraries it asks for, and a line says so.
fn add_libraries(root: &Path, binary: &Path) {
    let libraries = libraries(binary);
    if !libraries.is_empty() {
        println!(
            "not checked: that the image's binary is static: the one under test is linked to {} libraries, which were \
             put beside it (`cargo xtask image` builds the static one)",
            libraries.len()
        );
    }
    for library in libraries {
        let to = root.join(library.strip_prefix("/").expect("an absolute path"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        tool::output(Command::new("cp").arg(&library).arg(to));
    }
}

/// The machine's bundle, or an empty one where there is none: no test asks the Internet.
fn certificates() -> PathBuf {
    let bundle = PathBuf::from("/etc/ssl/certs/ca-certificates.crt");
    if bundle.is_file() {
        return bundle;
    }
    let empty = Path::new(SCRATCH).join("no-certificates.crt");
    fs::write(&empty, "").expect("a file");
    empty
}

/// What the dynamic linker would load, itself included.
fn libraries(binary: &Path) -> Vec<PathBuf> {
    let (_, said) = tool::ended(Command::new("ldd").arg(binary));
    let paths = said.lines().filter_map(|line| {
        let path = line.split("=>").last()?.split_whitespace().next()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    });
    paths.collect()
}

/// A root folder of its own: files are shared with the pattern, because nobody may write them.
pub(crate) fn root() -> TempDir {
    let made = tempfile::Builder::new()
        .prefix("cairn-root-")
        .tempdir_in(SCRATCH)
        .expect("a folder");
    let mut copy = Command::new("cp");
    copy.arg("-al").arg(pattern().join(".")).arg(made.path());
    tool::output(&mut copy);
    fs::set_permissions(made.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    made
}

/// A program inside of a root folder, as a user (`UID:GID`) with nothing but the image's environment.
pub(crate) fn inside(root: &Path, user: &str, groups: &str, program: &[String]) -> Command {
    // By its path: it would be looked for in the PATH it is given, which is the image's.
    let mut command = Command::new(tool::find("chroot").expect("chroot"));
    command
        .arg(format!("--userspec={user}"))
        .arg(format!("--groups={groups}"))
        .arg(root)
        .args(program)
        .env_clear()
        .envs(
            Image::shipped()
                .env
                .iter()
                .map(|(name, value)| (name, value)),
        );
    command
}

/// Everything outside of the data directory, with size and time of change.
fn files(root: &Path) -> BTreeMap<String, String> {
    let all = tool::run(
        "find",
        [
            root.as_os_str(),
            "-path".as_ref(),
            root.join("data").as_os_str(),
            "-prune".as_ref(),
            "-o".as_ref(),
            "-printf".as_ref(),
            "%P %s %T@ %m\\n".as_ref(),
        ],
    );
    let line = |line: &str| {
        line.split_once(' ')
            .map(|(path, state)| (path.to_owned(), state.to_owned()))
    };
    all.lines().filter_map(line).collect()
}

#[test]
fn the_dockerfile_ships_what_the_script_makes() {
    let text = dockerfile();
    let image = Image::shipped();
    assert_eq!(image.from, "scratch");
    assert_eq!(image.copies, ["--from=build /image/ /"]);
    assert_eq!(image.user, "65532:65532");
    assert_eq!(image.entrypoint, ["/usr/local/bin/cairn"]);
    let run = "deploy/image/root.sh /image target/release/cairn /etc/ssl/certs/ca-certificates.crt";
    assert!(text.contains(run), "{run}");
    let last = instructions(&text)
        .into_iter()
        .rfind(|line| line.starts_with("FROM "));
    assert_eq!(
        last.as_deref(),
        Some("FROM base AS cairn"),
        "what `docker build .` makes"
    );
    let debug = Image::stage(&text, "debug");
    assert_eq!(
        debug.copies,
        ["--from=build /image/ /", "--from=build /image-debug/ /"]
    );
    assert_eq!(
        (debug.user, debug.entrypoint),
        (image.user.clone(), image.entrypoint.clone())
    );
}

#[test]
fn what_the_build_needs_reaches_it() {
    let ignored = fs::read_to_string(tool::root().join(".dockerignore")).expect("the file");
    for line in ["target", "deploy/*", "!deploy/image"] {
        assert!(ignored.lines().any(|ignored| ignored == line), "{line}");
    }
}

#[test]
fn it_runs_as_any_user_and_writes_to_its_data_directory_only() {
    if !can_chroot() {
        return;
    }
    for user in ["65532:65532", "1000:1000"] {
        let root = root();
        let catalog = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
        fs::write(root.path().join("data/catalog.json"), catalog).expect("a file");
        let mut config = installation::of_file(Path::new("/data/catalog.json"));
        config["probes"] = json!({ "publicMetrics": true });
        fs::write(root.path().join("etc/config.yaml"), config.to_string()).expect("a file");
        let before = files(root.path());
        let program = |words: &[&str]| -> Vec<String> {
            let image = Image::shipped();
            let words = words.iter().map(|word| (*word).to_owned());
            image.entrypoint.iter().cloned().chain(words).collect()
        };
        let serve = program(&[
            "serve",
            "--config=/etc/config.yaml",
            "--address=127.0.0.1:0",
            "--internal-address=127.0.0.1:0",
        ]);
        let server = Server::start(inside(root.path(), user, "", &serve));
        server.wait_ready();
        assert_eq!(server.public.get("/v0.1/servers").status, 200, "as {user}");
        let probe = |url: &str| {
            let mut words = Image::shipped().healthcheck.clone();
            assert_eq!(words.pop().as_deref(), Some("http://127.0.0.1:8081/livez"));
            words.push(url.to_owned());
            inside(root.path(), user, "", &words)
                .status()
                .expect("the probe")
                .code()
        };
        assert_eq!(probe(&format!("{}/livez", server.internal.url())), Some(0));
        assert_eq!(probe(&format!("{}/absent", server.internal.url())), Some(1));
        assert!(server.stop().success());
        assert_eq!(probe("http://127.0.0.1:1/livez"), Some(1), "nobody listens");
        assert!(
            root.path().join("data/cairn.db").is_file(),
            "the database is on the volume"
        );
        assert_eq!(files(root.path()), before, "only /data is written");
    }
}

#[test]
fn it_answers_to_the_names_of_its_predecessor() {
    if !can_chroot() {
        return;
    }
    let root = root();
    let run = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        installation::run(inside(root.path(), "65532:65532", "", &words))
    };
    let name = "/usr/local/bin/thv-registry-api";
    let _ = run(&[name, "migrate", "up", "--yes"]).expect(0);
    assert!(
        run(&[name, "migrate", "status"])
            .expect(0)
            .stdout
            .contains("applied")
    );
    assert!(
        run(&[name, "version", "--format", "json"])
            .expect(0)
            .stdout
            .contains("\"version\"")
    );
    let help = run(&["/usr/local/bin/cairn", "--help"]).expect(0);
    for word in ["thv-registry-api", "healthcheck"] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
}

#[test]
fn the_debug_image_has_a_shell() {
    let busybox = "the shell of the debug image";
    let Some(busybox) = tool::tool("busybox", busybox) else {
        return;
    };
    let busybox = PathBuf::from(busybox.get_program());
    if !libraries(&busybox).is_empty() {
        return println!("not checked: the shell of the debug image: `busybox` here is not static");
    }
    if !can_chroot() {
        return;
    }
    let root = root();
    let mut script = Command::new(tool::deploy("image/root.sh"));
    tool::output(script.arg(root.path()).arg("--shell").arg(busybox));
    // What the guides do in pods: look at the environment, and at whether a port answers.
    let words = [
        "/bin/sh",
        "-c",
        "env | grep CAIRN_DATA_DIR && nc -h 2>&1 | grep -q BusyBox && cairn version",
    ];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let said = installation::run(inside(root.path(), "65532:65532", "", &words)).expect(0);
    assert!(
        said.stdout.contains("CAIRN_DATA_DIR=/data"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_pause_is_as_long_as_it_was_asked_to_be() {
    let installation = Installation::empty();
    let asked = std::time::Instant::now();
    let _ = installation.run(&["sleep", "1"]).expect(0);
    assert!(asked.elapsed().as_millis() >= 1000);
    let _ = installation.run(&["sleep", "long"]).expect(2);
}
