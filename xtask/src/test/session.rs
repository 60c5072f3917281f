//! What each step of `cargo xtask test` does: a few commands, and what it leaves for the next one.

use std::{
    cell::OnceCell,
    io::stdout,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{
    counts,
    outcome::{Length, Outcome, PASSED, lacks},
    step::Step,
};
use crate::{
    bench,
    build::{self, Profile},
    cargo::{self, Workspace},
    postgres::{self, Postgres},
    term,
    tools::{
        self,
        servers::{self, Version},
    },
};

/// The package of the black-box suite, and the part of it that every target has to pass.
const BLACKBOX: &str = "cairn-tests";
const EVERY_TARGET: &str = "blackbox";

/// The part that has a step, and a long form, of its own.
const CHAOS: &str = "chaos";

/// Tests of the host in process that another version of Postgres may answer otherwise, the most telling ones first.
const OF_ENGINES: [&str; 8] = [
    "store_suite",
    "engines",
    "released",
    "postgres",
    "connections",
    "statistics",
    "transfer",
    "import",
];

/// What one step leaves for the next.
pub(super) struct Session<'a> {
    workspace: &'a Workspace,
    filter: Option<&'a str>,
    length: Length,
    wasm: Option<PathBuf>,
    binary: Option<PathBuf>,
    /// For the tests of both engines, from the first one on; without one they say so.
    postgres: OnceCell<Option<Postgres>>,
    /// What tests said they could not check.
    pub(super) not_checked: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(workspace: &'a Workspace, filter: Option<&'a str>, length: Length) -> Self {
        Self {
            workspace,
            filter,
            length,
            wasm: None,
            binary: None,
            postgres: OnceCell::new(),
            not_checked: Vec::new(),
        }
    }

    pub(super) fn perform(&mut self, step: Step) -> Result<Outcome> {
        match step {
            Step::Fmt => self.fmt(),
            Step::Clippy => self.clippy(),
            Step::Component => self.component(),
            Step::Host => self.host(),
            Step::Unit => self.unit(),
            Step::Blackbox => self.blackbox(),
            Step::Postgres => self.on_postgres(),
            Step::Versions => self.versions(),
            Step::Chaos => self.chaos(),
            Step::Spin => self.spin(),
            Step::Bench => self.bench(),
        }
    }

    fn fmt(&self) -> Result<Outcome> {
        if !self.has_component("fmt", "rustfmt") {
            return Ok(lacks("rustfmt in the toolchain"));
        }
        cargo::run(self.workspace.cargo().args(["fmt", "--all", "--check"]))?;
        Ok(PASSED)
    }

    /// The wasm-only code is not seen by a look at the machine's own target.
    fn clippy(&self) -> Result<Outcome> {
        if !self.has_component("clippy", "clippy") {
            return Ok(lacks("clippy in the toolchain"));
        }
        let mut native = self.cargo("clippy");
        native.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
        cargo::run(&mut native)?;
        build::ensure_target(self.workspace)?;
        let mut wasm = self.cargo("clippy");
        wasm.args(["--package=cairn-component", "--package=cairn-test-guest"])
            .args(["--release", "--target", build::WASM, "--target-dir"])
            .arg(self.workspace.target.join("component"))
            .args(["--", "-D", "warnings"]);
        cargo::run(&mut wasm)?;
        Ok(PASSED)
    }

    /// A part of the toolchain that rustup adds, if it can.
    fn has_component(&self, verb: &str, component: &str) -> bool {
        let is_there = || {
            let mut ask = self.workspace.cargo();
            ask.args([verb, "--version"])
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            cargo::run(&mut ask).is_ok()
        };
        let add = || {
            let mut add = Command::new("rustup");
            add.current_dir(&self.workspace.root)
                .args(["component", "add", component]);
            cargo::run(&mut add).is_ok()
        };
        is_there() || (add() && is_there())
    }

    fn component(&mut self) -> Result<Outcome> {
        self.wasm = Some(build::component(self.workspace)?);
        Ok(PASSED)
    }

    fn host(&mut self) -> Result<Outcome> {
        let Some(wasm) = &self.wasm else {
            return Ok(lacks("component"));
        };
        self.binary = Some(build::host(self.workspace, Profile::Dev, wasm)?);
        Ok(PASSED)
    }

    /// Everything but the black box. Naming each target, rather than leaving a package out, keeps the selection of
    /// packages and with it the features of the dependencies the same in every step.
    fn unit(&mut self) -> Result<Outcome> {
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--no-fail-fast", "--lib", "--bins"]);
        let other = |(package, _): &(&str, &str)| *package != BLACKBOX;
        for (_, test) in self.workspace.integration_tests().filter(other) {
            tests.args(["--test", test]);
        }
        let targets = self.count(&mut tests)?;
        let mut examples = self.cargo("test");
        examples.args(["--workspace", "--no-fail-fast", "--doc"]);
        // Cargo warns of a library that has no examples to run.
        examples.args(["--exclude", "cairn-test-guest"]);
        Ok(targets.and(self.count(&mut examples)?))
    }

    /// The suite, and what belongs to the native host alone.
    fn blackbox(&mut self) -> Result<Outcome> {
        if self.binary.is_none() {
            return Ok(lacks("native host"));
        }
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--no-fail-fast"]);
        let own = |(package, test): &(&str, &str)| *package == BLACKBOX && *test != CHAOS;
        for (_, test) in self.workspace.integration_tests().filter(own) {
            tests.args(["--test", test]);
        }
        self.count(tests.env("CAIRN_TARGET", "host-libsql"))
    }

    /// The suite once more, against the same snapshots.
    fn on_postgres(&mut self) -> Result<Outcome> {
        if self.binary.is_none() {
            return Ok(lacks("native host"));
        }
        if self.postgres().is_none() {
            return Ok(lacks("Postgres"));
        }
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--test", EVERY_TARGET]);
        self.count(tests.env("CAIRN_TARGET", "host-postgres"))
    }

    /// What speaks to Postgres, on versions that are not installed here.
    fn versions(&mut self) -> Result<Outcome> {
        if self.binary.is_none() {
            return Ok(lacks("native host"));
        }
        let versions: &[Version] = match self.length {
            Length::Short => &[servers::NEWEST],
            Length::Long => &[servers::OLDEST, servers::NEWEST],
        };
        let mut all = None;
        for version in versions {
            let number = version.number;
            term::step(&format!("Postgres {number}"));
            let started = servers::programs(&self.workspace.target, version)
                .and_then(|programs| Postgres::of(&programs));
            match started {
                Ok(server) => {
                    let passed = self.on_version(&server)?;
                    all = Some(all.unwrap_or(PASSED).and(passed));
                }
                Err(why) => self.not_checked.push(format!("Postgres {number}: {why:#}")),
            }
        }
        Ok(all.unwrap_or_else(|| lacks("other version of it")))
    }

    fn on_version(&mut self, server: &Postgres) -> Result<Outcome> {
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--no-fail-fast"]);
        let most = match self.length {
            Length::Short => 2,
            Length::Long => OF_ENGINES.len(),
        };
        for test in OF_ENGINES.iter().take(most) {
            tests.args(["--test", test]);
        }
        if self.length == Length::Long {
            tests.args(["--test", EVERY_TARGET]);
        }
        tests.env("CAIRN_TARGET", "host-postgres");
        self.count(tests.env(postgres::URL, server.url()))
    }

    /// What holds while everything around it fails; it brings servers of its own.
    fn chaos(&mut self) -> Result<Outcome> {
        if self.binary.is_none() {
            return Ok(lacks("native host"));
        }
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--test", CHAOS]);
        if self.length == Length::Long {
            tests.env("CAIRN_CHAOS", "long");
        }
        self.count(&mut tests)
    }

    fn spin(&mut self) -> Result<Outcome> {
        if !tools::has("spin") {
            return Ok(lacks("`spin` on the PATH"));
        }
        let Some(wasm) = &self.wasm else {
            return Ok(lacks("component"));
        };
        if self.binary.is_none() {
            return Ok(lacks("native host, which fills its database"));
        }
        build::for_spin(self.workspace, wasm.clone())?;
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--test", EVERY_TARGET]);
        self.count(tests.env("CAIRN_TARGET", "spin"))
    }

    fn bench(&self) -> Result<Outcome> {
        let (Some(wasm), Some(binary)) = (&self.wasm, &self.binary) else {
            return Ok(lacks("native host"));
        };
        let mut measure = bench::measure(self.workspace, Profile::Dev, wasm, binary)?;
        cargo::run(measure.args(["--short", "--check"]))?;
        Ok(PASSED)
    }

    /// Cargo with all that our tests want to know.
    fn cargo(&self, verb: &str) -> Command {
        let mut command = self.workspace.cargo();
        command.arg(verb);
        self.workspace.tell_records(&mut command);
        build::embed(&mut command, &build::artifact(self.workspace, Profile::Dev));
        command.env(
            "CAIRN_TOOLS",
            tools::cluster::folder(&self.workspace.target),
        );
        let made = [
            ("CAIRN_COMPONENT_WASM", &self.wasm),
            ("CAIRN_BIN", &self.binary),
        ];
        for (name, file) in made {
            match file.as_deref().map(Path::as_os_str) {
                Some(file) => command.env(name, file),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn postgres(&self) -> Option<&Postgres> {
        let find = || Postgres::find().map_err(|why| term::error(&why)).ok();
        self.postgres.get_or_init(find).as_ref()
    }

    /// Runs tests, passing on what they say.
    fn count(&mut self, tests: &mut Command) -> Result<Outcome> {
        let is_told = tests.get_envs().any(|(name, _)| name == postgres::URL);
        if !is_told && let Some(postgres) = self.postgres() {
            tests.env(postgres::URL, postgres.url());
        }
        tests
            .args(["--", "--show-output"])
            .args(self.filter)
            .stdout(Stdio::piped());
        let mut child = tests.spawn().context("cargo does not start")?;
        let output = child.stdout.take().context("no output")?;
        let (counts, not_checked) = counts::follow(output, stdout());
        self.not_checked.extend(not_checked);
        Ok(if child.wait()?.success() {
            Outcome::Passed(counts)
        } else {
            Outcome::Failed(counts)
        })
    }
}
