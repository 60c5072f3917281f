//! The steps of `cargo xtask test`, each a few commands. A step says only whether it passed; counting is done elsewhere.

use std::{
    io::stdout,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::counts::{self, Counts};
use crate::{
    build::{self, Profile},
    cargo::{self, Workspace},
    tools,
};

/// The package of the black-box suite, and the part of it that every target has to pass.
const BLACKBOX: &str = "cairn-tests";
const EVERY_TARGET: &str = "blackbox";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Step {
    /// Formatting
    Fmt,
    /// Lints, for the machine and for wasm
    Clippy,
    /// Build of the component
    Component,
    /// Build of the native host with the component inside
    Host,
    /// Unit tests, the store suite, the router and the host in process, the shape of the tree
    Unit,
    /// The black-box suite against the native host
    Blackbox,
    /// The black-box suite against Spin
    Spin,
}

/// How a step ended.
pub(super) enum Outcome {
    /// All is well.
    Passed(Counts),
    /// Something is wrong: a test, or the step as a whole.
    Failed(Counts),
    /// It needs something that is not here.
    NotRun(String),
}

impl Step {
    pub(super) const ALL: [Self; 7] = [
        Self::Fmt,
        Self::Clippy,
        Self::Component,
        Self::Host,
        Self::Unit,
        Self::Blackbox,
        Self::Spin,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Fmt => "formatting",
            Self::Clippy => "lints",
            Self::Component => "build of the component",
            Self::Host => "build of the native host",
            Self::Unit => "unit, store suite, in process",
            Self::Blackbox => "black box against the native host",
            Self::Spin => "black box against Spin",
        }
    }

    /// How long it takes from nothing.
    pub(super) fn about(self) -> String {
        match self {
            Self::Fmt => "a few seconds".to_owned(),
            Self::Clippy => format!("from nothing {}", build::about(10)),
            Self::Component => format!("from nothing {}", build::about(2)),
            Self::Host => format!("from nothing {}", build::about(20)),
            Self::Unit => format!("from nothing {}", build::about(6)),
            Self::Blackbox | Self::Spin => "about 1 min".to_owned(),
        }
    }

    /// Steps without which this one has nothing to work with.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Fmt | Self::Clippy | Self::Component => &[],
            Self::Host => &[Self::Component],
            Self::Unit | Self::Blackbox => &[Self::Component, Self::Host],
            Self::Spin => &[Self::Component],
        }
    }
}

/// What one step leaves for the next.
pub(super) struct Session<'a> {
    workspace: &'a Workspace,
    filter: Option<&'a str>,
    wasm: Option<PathBuf>,
    binary: Option<PathBuf>,
    /// What tests said they could not check.
    pub(super) not_checked: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(workspace: &'a Workspace, filter: Option<&'a str>) -> Self {
        Self {
            workspace,
            filter,
            wasm: None,
            binary: None,
            not_checked: Vec::new(),
        }
    }

    pub(super) fn perform(&mut self, step: Step) -> Result<Outcome> {
        match step {
            Step::Fmt => self.fmt(),
            Step::Clippy => self.clippy(),
            Step::Component => {
                self.wasm = Some(build::component(self.workspace)?);
                Ok(Outcome::Passed(Counts::default()))
            }
            Step::Host => {
                let wasm = self
                    .wasm
                    .as_deref()
                    .context("there is no component to put into it")?;
                self.binary = Some(build::host(self.workspace, Profile::Dev, wasm)?);
                Ok(Outcome::Passed(Counts::default()))
            }
            Step::Unit => self.unit(),
            Step::Blackbox if self.binary.is_none() => {
                Ok(Outcome::NotRun("no native host was built".to_owned()))
            }
            Step::Blackbox => self.blackbox(),
            Step::Spin if !tools::has("spin") => {
                Ok(Outcome::NotRun("no `spin` on the PATH".to_owned()))
            }
            Step::Spin => self.spin(),
        }
    }

    fn fmt(&self) -> Result<Outcome> {
        if !self.has_component("fmt", "rustfmt") {
            return Ok(Outcome::NotRun("the toolchain has no rustfmt".to_owned()));
        }
        cargo::run(self.workspace.cargo().args(["fmt", "--all", "--check"]))?;
        Ok(Outcome::Passed(Counts::default()))
    }

    /// The wasm-only code is not seen by a look at the machine's own target.
    fn clippy(&self) -> Result<Outcome> {
        if !self.has_component("clippy", "clippy") {
            return Ok(Outcome::NotRun("the toolchain has no clippy".to_owned()));
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
        Ok(Outcome::Passed(Counts::default()))
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
        Ok(targets.and(self.count(&mut examples)?))
    }

    /// The suite, and what belongs to the native host alone.
    fn blackbox(&mut self) -> Result<Outcome> {
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--no-fail-fast"]);
        let own = |(package, _): &(&str, &str)| *package == BLACKBOX;
        for (_, test) in self.workspace.integration_tests().filter(own) {
            tests.args(["--test", test]);
        }
        self.count(tests.env("CAIRN_TARGET", "host-libsql"))
    }

    fn spin(&mut self) -> Result<Outcome> {
        let wasm = self.wasm.clone().context("there is no component")?;
        build::for_spin(self.workspace, wasm)?;
        let mut tests = self.cargo("test");
        tests.args(["--workspace", "--test", EVERY_TARGET]);
        self.count(tests.env("CAIRN_TARGET", "spin"))
    }

    /// Cargo with all that our tests want to know.
    fn cargo(&self, verb: &str) -> Command {
        let mut command = self.workspace.cargo();
        command.arg(verb);
        build::embed(&mut command, &build::artifact(self.workspace, Profile::Dev));
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

    /// Runs tests, passing on what they say.
    fn count(&mut self, tests: &mut Command) -> Result<Outcome> {
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

impl Outcome {
    /// Of two halves of a step.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed(one), Self::Passed(two)) => Self::Passed(one + two),
            (Self::Passed(one) | Self::Failed(one), Self::Passed(two) | Self::Failed(two)) => {
                Self::Failed(one + two)
            }
            (half, Self::NotRun(_)) | (Self::NotRun(_), half) => half,
        }
    }
}
