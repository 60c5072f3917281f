//! The table: what is measured, what it must reach, what it reached.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a figure must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Must {
    AtLeast(f64),
    AtMost(f64),
}

/// How a figure is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// One divided by another.
    Ratio,
    Seconds,
    Milliseconds,
    /// Bytes, told in MiB.
    Memory,
    /// Bytes, told in MB.
    Size,
    Count,
}

/// One row.
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) must: Must,
    pub(crate) unit: Unit,
    /// `None`: could not be measured here, the note says why.
    pub(crate) value: Option<f64>,
    pub(crate) note: String,
}

/// Whether a row is what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Miss,
    NotMeasured,
    /// Measured, but this run cannot tell.
    NotJudged,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Miss => "MISS",
            Self::NotMeasured => "not measured",
            Self::NotJudged => "not judged",
        }
    }
}

impl Row {
    /// A short run tells nothing about time and memory; what is counted must be right in it too.
    pub(crate) fn verdict(&self, short: bool) -> Verdict {
        let counted = matches!(self.unit, Unit::Count);
        match (self.value, self.must) {
            (None, _) => Verdict::NotMeasured,
            (Some(_), _) if short && !counted => Verdict::NotJudged,
            (Some(value), Must::AtLeast(least)) if value >= least => Verdict::Ok,
            (Some(value), Must::AtMost(most)) if value <= most => Verdict::Ok,
            (Some(_), _) => Verdict::Miss,
        }
    }

    fn must(&self) -> String {
        match self.must {
            Must::AtLeast(least) => format!("≥ {}", self.unit.show(least)),
            Must::AtMost(most) => format!("≤ {}", self.unit.show(most)),
        }
    }

    fn measured(&self) -> String {
        let value = self.value.map(|value| self.unit.show(value));
        value.unwrap_or_else(|| "–".to_owned())
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Memory => format!("{:.1} MiB", value / f64::from(1 << 20)),
            Self::Size => format!("{:.2} MB", value / 1e6),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// Where and how it was measured.
pub(crate) struct Heading {
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) profile: &'static str,
    pub(crate) data: String,
    pub(crate) short: bool,
}

/// The table in Markdown, notes and all, with columns that stand below each other.
pub(crate) fn text(heading: &Heading, rows: &[Row]) -> String {
    let Heading {
        date,
        machine,
        profile,
        data,
        short,
    } = heading;
    let kind = if *short { "short run, " } else { "" };
    let mut text = format!("{date}, {machine}; {kind}profile {profile}; {data}\n\n");
    let titles = ["measure", "must reach", "measured", "", "detail"].map(str::to_owned);
    let lines: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let verdict = row.verdict(*short).name().to_owned();
            let note = row.note.clone();
            [
                row.measure.clone(),
                row.must(),
                row.measured(),
                verdict,
                note,
            ]
        })
        .collect();
    let rule = ["-"; 5].map(str::to_owned);
    let widths = widths(std::iter::once(&titles).chain(&lines));
    write_line(&mut text, &titles, &widths, ' ');
    write_line(&mut text, &rule, &widths, '-');
    for line in &lines {
        write_line(&mut text, line, &widths, ' ');
    }
    text
}

fn widths<'a>(lines: impl Iterator<Item = &'a [String; 5]>) -> [usize; 5] {
    lines.fold([0; 5], |mut widths, line| {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
        widths
    })
}

fn write_line(text: &mut String, cells: &[String; 5], widths: &[usize; 5], filling: char) {
    text.push('|');
    for (cell, width) in cells.iter().zip(widths) {
        let filling: String = std::iter::repeat_n(filling, width - cell.chars().count()).collect();
        let _ = write!(text, " {cell}{filling} |");
    }
    text.push('\n');
}

/// The same for programs.
pub(crate) fn to_json(heading: &Heading, rows: &[Row]) -> Value {
    let row = |row: &Row| {
        json!({
            "measure": row.measure,
            "must": row.must(),
            "measured": row.value,
            "shown": row.measured(),
            "verdict": row.verdict(heading.short).name(),
            "detail": row.note,
        })
    };
    json!({
        "date": heading.date,
        "machine": heading.machine,
        "profile": heading.profile,
        "data": heading.data,
        "short": heading.short,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}
