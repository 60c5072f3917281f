//! The findings of an examination: printed as they are made, or as one JSON document at the end.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::{out, report::Format};

pub(super) struct Chart {
    format: Format,
    findings: Vec<Value>,
    problems: usize,
}

impl Chart {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            findings: Vec::new(),
            problems: 0,
        }
    }

    pub(super) fn good(&mut self, what: &str) {
        self.add("ok", what, None);
    }

    pub(super) fn note(&mut self, what: &str) {
        self.add("note", what, None);
    }

    pub(super) fn bad(&mut self, what: &str, remedy: &str) {
        self.problems += 1;
        self.add("bad", what, Some(remedy));
    }

    fn add(&mut self, level: &'static str, what: &str, remedy: Option<&str>) {
        if self.format == Format::Json {
            let finding = json!({ "level": level, "finding": what, "remedy": remedy });
            self.findings.push(finding);
            return;
        }
        let colour = match level {
            "ok" => "32",
            "note" => "33",
            _ => "31",
        };
        let space = " ".repeat(6_usize.saturating_sub(level.len()));
        out::line(format_args!("{}{space}{what}", out::paint(colour, level)));
        if let Some(remedy) = remedy {
            out::line(format_args!("      remedy: {remedy}"));
        }
    }

    /// The exit code: 1 when something is wrong.
    pub(super) fn finish(self) -> ExitCode {
        if self.format == Format::Json {
            out::line(json!({ "problems": self.problems, "findings": self.findings }));
        }
        match self.problems {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}
