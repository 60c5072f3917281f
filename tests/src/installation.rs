//! The program as an operator has it: a folder with a configuration and a database, and the binary.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Server, fixture};

/// Variables that would steer the program from outside a test.
const OURS: [&str; 4] = ["CAIRN_", "THV_REGISTRY_", "LOG_LEVEL", "XDG_DATA_HOME"];

/// A folder of its own, gone with the value.
pub struct Installation {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Panics with all it said unless it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Its answer as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl Installation {
    /// With this configuration; where data lies and who may read is added unless it says so itself.
    #[must_use]
    pub fn new(config: Value) -> Self {
        let made = Self::empty();
        made.configure(config);
        made
    }

    /// Without a configuration.
    #[must_use]
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("cairn-test-")
            .tempdir()
            .expect("a folder");
        Self { folder }
    }

    /// One registry over the shipped fixture.
    #[must_use]
    pub fn of_fixture() -> Self {
        Self::new(of_file(&fixture::path("catalog.json")))
    }

    /// Writes another configuration, taken in by whatever starts next.
    pub fn configure(&self, mut config: Value) {
        let defaults = json!({ "dataDir": self.path("data") });
        for (key, value) in defaults.as_object().expect("an object") {
            if config.get(key).is_none() {
                config[key] = value.clone();
            }
        }
        // YAML contains JSON.
        self.write("config.yaml", &config.to_string());
    }

    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The database, where nothing else is configured.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path("data/cairn.db")
    }

    /// Writes a file as editors do: readers see the old one or the new one.
    pub fn write(&self, file: &str, text: &str) -> PathBuf {
        let (path, unfinished) = (self.path(file), self.path("unfinished"));
        fs::write(&unfinished, text).expect(file);
        fs::rename(unfinished, &path).expect(file);
        path
    }

    /// The binary with the configuration, to be given more.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = cairn();
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path());
        let config = self.path("config.yaml");
        if config.exists() {
            command.arg("--config").arg(config);
        }
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Ended {
        run(self.command(args))
    }

    /// Reads every source once.
    pub fn sync(&self) {
        let _ = self.run(&["sync", "--once"]).expect(0);
    }

    /// `sync --once --report`, of the only source.
    #[must_use]
    pub fn report(&self) -> Value {
        let ended = self.run(&["sync", "--once", "--report", "--format", "json"]);
        ended.json()["sources"][0].clone()
    }

    /// The server command, on ports of the system's choice unless others are given, with its daemon.
    #[must_use]
    pub fn serving(&self, args: &[&str]) -> Command {
        let mut command = self.command(&["serve"]);
        for listener in ["--address", "--internal-address"] {
            if !args.contains(&listener) {
                command.args([listener, "127.0.0.1:0"]);
            }
        }
        command.args(args);
        if !args.iter().any(|arg| arg.starts_with("--sync")) {
            command.arg("--sync");
        }
        if let Some(component) = component() {
            command.arg("--component").arg(component);
        }
        command
    }

    /// A server with its daemon, listening but perhaps not ready.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Server {
        Server::start(self.serving(args))
    }

    /// A server that is ready.
    #[must_use]
    pub fn serve(&self, args: &[&str]) -> Server {
        let server = self.start(args);
        server.wait_ready();
        server
    }

    /// Keeps the folder after this value is gone: somebody else removes it.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// One source that is a file, looked at often, and one registry over it.
#[must_use]
pub fn of_file(path: &Path) -> Value {
    of_source(json!({ "file": { "path": path }, "syncPolicy": { "interval": "200ms" } }))
}

/// One source, named `source`, and one registry over it.
#[must_use]
pub fn of_source(mut source: Value) -> Value {
    source["name"] = json!("source");
    json!({
        "sources": [source],
        "registries": [{ "name": fixture::REGISTRY, "sources": ["source"] }],
        "auth": { "mode": "anonymous" },
    })
}

/// Runs a command to its end, without anybody at its input.
#[must_use]
pub fn run(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("the binary");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The binary, in an environment that does not configure it.
#[must_use]
pub fn cairn() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if OURS.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let given = env::var_os("CAIRN_BIN").map(PathBuf::from);
        let path = given.unwrap_or_else(beside);
        assert!(
            path.is_file(),
            "there is no binary to test at {}: `cargo xtask test` builds one and sets CAIRN_BIN",
            path.display()
        );
        path
    })
}

/// Where cargo puts the binary when it builds it with the tests.
fn beside() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let folder = test
        .ancestors()
        .find(|folder| folder.join("cairn").is_file());
    folder.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/cairn"),
        |folder| folder.join("cairn"),
    )
}

/// What `serve` is to be given: nothing, when the binary carries a component; else the one of `CAIRN_COMPONENT_WASM`,
/// compiled once for all servers of this process.
fn component() -> Option<&'static Path> {
    static COMPONENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = COMPONENT.get_or_init(|| {
        let empty = Installation::empty();
        let checked = empty.run(&["doctor", "--offline"]);
        if !checked.stdout.contains("carries no component") {
            return None;
        }
        let wasm = env::var_os("CAIRN_COMPONENT_WASM").expect(
            "the binary carries no component: `cargo xtask test` sets CAIRN_COMPONENT_WASM",
        );
        if Path::new(&wasm)
            .extension()
            .is_some_and(|ending| ending == "cwasm")
        {
            return Some(wasm.into());
        }
        // Test binaries may run at the same time: each sees a whole file, made by whichever came last.
        let wasm = PathBuf::from(wasm);
        let folder = wasm.parent().expect("a folder");
        let unfinished =
            tempfile::NamedTempFile::new_in(folder).expect("a file beside the component");
        let mut compile = cairn();
        compile.arg("compile").arg(&wasm).arg(unfinished.path());
        let _ = run(compile).expect(0);
        let compiled = wasm.with_extension("tests.cwasm");
        unfinished
            .persist(&compiled)
            .expect("a file beside the component");
        Some(compiled)
    });
    made.as_deref()
}
