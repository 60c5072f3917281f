//! What sources held that is not served as it stands, as text or JSON.

use std::process::ExitCode;

use anyhow::Result;
use cairn_registry::ops::report::{Finding, Lines, Report};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::out;
use crate::{
    config::Config,
    sync::{Daemon, Preview},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// Prints the lists of every source, or of one.
pub(super) async fn print(daemon: &Daemon, only: Option<&str>, format: Format) -> Result<()> {
    let mut reports = daemon.reports().await?;
    reports.retain(|report| only.is_none_or(|name| report.source.name == name));
    match format {
        Format::Json => {
            out::line(json!({ "sources": reports.iter().map(to_json).collect::<Vec<_>>() }))
        }
        Format::Text => reports.iter().for_each(print_text),
    }
    Ok(())
}

fn to_json(report: &Report) -> Value {
    let source = &report.source;
    let warned = report.warned.lines.iter().map(|one| {
        let warnings: Value = serde_json::from_str(&one.warnings).unwrap_or_default();
        json!({ "name": one.name, "version": one.version, "warnings": warnings })
    });
    json!({
        "name": source.name,
        "phase": source.phase,
        "message": source.message,
        "attempts": source.attempts,
        "lastAttempt": source.last_attempt_at.map(|time| time.to_string()),
        "lastSuccess": source.last_success_at.map(|time| time.to_string()),
        "nextRun": source.next_run_at.to_string(),
        "records": source.records,
        "hidden": source.hidden,
        "heldRemovals": source.held_removals,
        "warned": warned.collect::<Vec<_>>(),
        "moreWarned": report.warned.more,
        "findings": report.findings.lines.iter().map(finding).collect::<Vec<_>>(),
        "moreFindings": report.findings.more,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "class": finding.class.as_str(),
        "position": finding.position,
        "name": finding.name,
        "version": finding.version,
        "detail": finding.detail,
    })
}

fn print_text(report: &Report) {
    let source = &report.source;
    out::line(format_args!(
        "{}: {}, {} records ({} hidden by its filter, {} with warnings), {} quarantined, {} duplicate, {} skipped",
        source.name,
        source.phase,
        source.records,
        source.hidden,
        source.warned,
        source.quarantined,
        source.duplicates,
        source.skipped
    ));
    if !source.message.is_empty() {
        out::line(format_args!("  {}", source.message));
    }
    report.findings.lines.iter().for_each(print_finding);
    print_rest(&report.findings, "findings");
    for one in &report.warned.lines {
        let warnings: Vec<Value> = serde_json::from_str(&one.warnings).unwrap_or_default();
        for warning in warnings {
            let text = |field: &str| {
                warning
                    .get(field)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let (pointer, message) = (text("pointer"), text("message"));
            out::line(format_args!(
                "  warning      {}@{}: {pointer} {message}",
                one.name, one.version
            ));
        }
    }
    print_rest(&report.warned, "records with warnings");
}

/// Nobody is to take the beginning of a list for all of it.
fn print_rest<T>(list: &Lines<T>, what: &str) {
    if list.more {
        out::line(format_args!(
            "  … these are the first {} {what}; there are more",
            list.lines.len()
        ));
    }
}

fn print_finding(finding: &Finding) {
    let key = match (finding.name.as_str(), finding.version.as_str()) {
        ("", _) => String::new(),
        (name, "") => format!(" {name}"),
        (name, version) => format!(" {name}@{version}"),
    };
    let (class, position, detail) = (finding.class.as_str(), &finding.position, &finding.detail);
    out::line(format_args!("  {class:<12} {position}{key}: {detail}"));
}

/// Reads and judges sources without writing, and prints what came of it; exit code 1 when one could not be read.
pub(super) async fn dry_run(
    daemon: &Daemon,
    config: &Config,
    only: Option<&str>,
    format: Format,
) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for source in config
        .sources
        .iter()
        .filter(|source| only.is_none_or(|name| source.name == name))
    {
        match daemon.preview(source).await {
            Ok(preview) => print_preview(&source.name, &preview, format),
            Err(message) => {
                out::problem(&format!("source {}: {message}", source.name));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn print_preview(name: &str, preview: &Preview, format: Format) {
    let taken = &preview.taken;
    if format == Format::Json {
        let findings: Vec<Value> = preview.findings.iter().map(finding).collect();
        return out::line(json!({ "name": name, "read": taken.read, "findings": findings }));
    }
    out::line(format_args!(
        "{name}: {} records read, {} would be quarantined, {} come twice; nothing was written",
        taken.read, taken.quarantined, taken.duplicates
    ));
    preview.findings.iter().for_each(print_finding);
}
