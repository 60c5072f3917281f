//! What is wrong with a configuration. All problems are collected, so that an operator repairs a file once and not line by
//! line. It never repeats a value that may be secret: values are quoted only by the rules of `check.rs` and `scalar.rs`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Line of the file, from 1; 0 when it is about the whole file.
    Line(u64),
    /// Name of an environment variable.
    Variable(String),
    /// A command line flag with its dashes.
    Flag(&'static str),
    /// Nobody gave it: it is a default.
    Default,
}

/// One thing to repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub at: At,
    /// Key path such as `sources[1].git.branch`; empty when it is about the whole file or an unknown variable.
    pub key: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// Every problem of a configuration, in the order: file by line, environment by name, flags.
#[derive(Debug)]
pub struct ConfigError {
    file: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The problems one by one, for a report that wants them so.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems().len();
        let plural = if count == 1 { "" } else { "s" };
        write!(out, "the configuration has {count} problem{plural}:")?;
        for problem in self.problems() {
            write!(out, "\n  ")?;
            match (&problem.at, &self.file) {
                (At::Line(0), Some(file)) => write!(out, "{}: ", file.display())?,
                (At::Line(line), Some(file)) => write!(out, "{}:{line}: ", file.display())?,
                (At::Variable(name), _) => write!(out, "{name}: ")?,
                (At::Flag(flag), _) => write!(out, "{flag}: ")?,
                (At::Line(_), None) | (At::Default, _) => {}
            }
            if !problem.key.is_empty() {
                write!(out, "{}: ", problem.key)?;
            }
            out.write_str(&problem.message)?;
        }
        Ok(())
    }
}

/// Collects problems while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Problem>);

impl Report {
    pub(super) fn add(&mut self, key: impl Into<String>, at: &At, message: impl Into<String>) {
        self.0.push(Problem {
            at: at.clone(),
            key: key.into(),
            message: message.into(),
        });
    }

    /// `value` when nothing was reported, else the sorted problems.
    pub(super) fn finish<T>(mut self, value: T, file: Option<&Path>) -> Result<T, ConfigError> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by(|a, b| a.at.cmp(&b.at));
        Err(ConfigError {
            file: file.map(Path::to_path_buf),
            problems: self.0,
        })
    }
}
