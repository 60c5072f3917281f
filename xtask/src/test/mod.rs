//! `cargo xtask test`: all checks in order, the cheap ones first. A failing one does not keep the next from running, so
//! that one run shows everything that is wrong. Ends with one line: `N passed, N failed`.

mod counts;
mod outcome;
mod session;
mod step;

use std::{process::ExitCode, time::Duration};

use anyhow::Result;

use crate::{cargo::Workspace, term, tools};

use counts::Counts;
use outcome::{Length, Outcome};
use session::Session;
use step::Step;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only this, and what it needs; may be given several times
    #[arg(long, value_name = "WHAT", value_enum)]
    only: Vec<Step>,
    /// Run only the chaos, in its long form: every case longer, and repeated
    #[arg(long, conflicts_with = "only")]
    chaos: bool,
    /// Run only what speaks to Postgres, all of it, on the oldest and the newest version that are supported
    #[arg(long, conflicts_with_all = ["only", "chaos"])]
    versions: bool,
    /// Run only tests whose names contain this; formatting and lints are left out
    filter: Option<String>,
}

impl Args {
    fn length(&self) -> Length {
        if self.chaos || self.versions {
            Length::Long
        } else {
            Length::Short
        }
    }
}

/// A step that came to an end.
struct Done {
    step: Step,
    outcome: Outcome,
    took: Duration,
}

pub(crate) fn test(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let steps = selected(args);
    let mut not_run = tools::missing();
    if steps.contains(&Step::Blackbox) {
        not_run.append(&mut tools::cluster::missing(&workspace.target));
    }
    let mut session = Session::new(workspace, args.filter.as_deref(), args.length());
    let done: Vec<Done> = steps
        .into_iter()
        .map(|step| perform(&mut session, step))
        .collect();
    not_run.extend(done.iter().filter_map(why_not));
    for test in session.not_checked {
        if !not_run.contains(&test) {
            not_run.push(test);
        }
    }
    Ok(report(&done, &not_run))
}

/// The steps asked for and those that they need, in the order of all.
fn selected(args: &Args) -> Vec<Step> {
    let asked = match (args.only.is_empty(), &args.filter) {
        _ if args.chaos => vec![Step::Chaos],
        _ if args.versions => vec![Step::Versions],
        (false, _) => args.only.clone(),
        (true, None) => Step::ALL.to_vec(),
        (true, Some(_)) => vec![Step::Unit, Step::Blackbox, Step::Chaos],
    };
    let needed: Vec<Step> = asked
        .iter()
        .flat_map(|step| step.needs())
        .copied()
        .collect();
    let is_wanted = |step: &Step| asked.contains(step) || needed.contains(step);
    Step::ALL.into_iter().filter(is_wanted).collect()
}

fn perform(session: &mut Session, step: Step) -> Done {
    term::step(&format!("{} ({})", step.title(), step.about()));
    let started = std::time::Instant::now();
    let outcome = session.perform(step).unwrap_or_else(|error| {
        term::error(&error);
        Outcome::Failed(Counts::default())
    });
    Done {
        step,
        outcome,
        took: started.elapsed(),
    }
}

fn why_not(done: &Done) -> Option<String> {
    match &done.outcome {
        Outcome::NotRun(why) => Some(format!("{}: {why}", done.step.title())),
        Outcome::Passed(_) | Outcome::Failed(_) => None,
    }
}

/// The table, what did not run, and the line of all lines.
fn report(done: &[Done], not_run: &[String]) -> ExitCode {
    term::result("");
    for Done {
        step,
        outcome,
        took,
    } in done
    {
        let (word, counts) = match outcome {
            Outcome::Passed(counts) => ("ok", counts.told()),
            Outcome::Failed(counts) => ("FAILED", counts.told()),
            Outcome::NotRun(_) => ("not run", String::new()),
        };
        let line = format!(
            "{:<42} {word:<8} {:>12}  {counts}",
            step.title(),
            term::time(*took)
        );
        term::result(line.trim_end());
    }
    for check in not_run {
        term::result(&format!("not run: {check}"));
    }
    let all = total(done);
    term::result(&format!("{} passed, {} failed", all.passed, all.failed));
    if all.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All tests; a step that failed without a failing test counts as one.
fn total(done: &[Done]) -> Counts {
    done.iter()
        .fold(Counts::default(), |sum, done| match done.outcome {
            Outcome::Passed(counts) => sum + counts,
            Outcome::Failed(counts) if counts.failed == 0 => {
                sum + counts
                    + Counts {
                        passed: 0,
                        failed: 1,
                    }
            }
            Outcome::Failed(counts) => sum + counts,
            Outcome::NotRun(_) => sum,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(outcome: Outcome) -> Done {
        Done {
            step: Step::Unit,
            outcome,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_failure_without_a_failing_test_is_counted_too() {
        let passed = |passed, failed| Counts { passed, failed };
        for (outcomes, expected) in [
            (vec![], (0, 0)),
            (
                vec![
                    Outcome::Passed(passed(3, 0)),
                    Outcome::NotRun("no tool".to_owned()),
                ],
                (3, 0),
            ),
            (
                vec![Outcome::Failed(passed(2, 2)), Outcome::Passed(passed(1, 0))],
                (3, 2),
            ),
            (
                vec![Outcome::Failed(passed(5, 0)), Outcome::Failed(passed(0, 0))],
                (5, 2),
            ),
        ] {
            let all = total(&outcomes.into_iter().map(done).collect::<Vec<_>>());
            assert_eq!((all.passed, all.failed), expected);
        }
    }

    #[test]
    fn what_is_asked_for_brings_what_it_needs() {
        use Step::{Blackbox, Chaos, Clippy, Component, Fmt, Host, Unit, Versions};
        for (only, filter, expected) in [
            (&[][..], None, &Step::ALL[..]),
            (&[Fmt], None, &[Fmt]),
            (
                &[Blackbox, Clippy],
                None,
                &[Clippy, Component, Host, Blackbox],
            ),
            (
                &[],
                Some("cursor"),
                &[Component, Host, Unit, Blackbox, Chaos],
            ),
            (&[Unit], Some("cursor"), &[Component, Host, Unit]),
        ] {
            let args = Args {
                only: only.to_vec(),
                chaos: false,
                versions: false,
                filter: filter.map(str::to_owned),
            };
            assert_eq!(selected(&args), expected);
        }
        for (chaos, step) in [(true, Chaos), (false, Versions)] {
            let long = Args {
                only: Vec::new(),
                chaos,
                versions: !chaos,
                filter: None,
            };
            assert_eq!(selected(&long), [Component, Host, step]);
        }
    }
}
