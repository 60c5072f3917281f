//! Measures cairn against what it must reach: the programme behind `cargo xtask bench`, in reading order:
//!
//! * `rows`: what is measured, a file for each group.
//! * `table`: how it is judged and shown.
//! * `load`: the clients; `process`: what the system tells.
//! * `stock`, `records`, `upstream`, `repository`: what is measured on, and where it comes from.
//! * `subject`: cairn as a child; `peers`, `spin`: what it is compared with; `server`: Postgres.
//!
//! Speed is told as a ratio against a peer in the same run, in alternating rounds, because machines are noisy.

mod listen;
mod load;
mod peers;
mod process;
mod records;
mod repository;
mod rows;
mod server;
mod spin;
mod stock;
mod subject;
mod table;
mod upstream;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{
    rows::{Bench, Group, Plan},
    stock::Stock,
    table::{Heading, Verdict},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Real records, which are not part of the project, in the folder that `CAIRN_TEST_DATA` names.
const REAL: &str = "mcp-registry/official-2025-12.json";
/// What there is without them.
const FIXTURE: &str = "tests/fixtures/catalog.json";

/// Called by `cargo xtask bench`, which builds what is named here.
#[derive(Parser)]
struct Args {
    /// The binary to measure, with the component inside
    #[arg(long)]
    binary: PathBuf,
    /// The component as it was built
    #[arg(long)]
    component: PathBuf,
    /// Where databases are kept
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    wishes: Wishes,
}

#[derive(clap::Args)]
struct Wishes {
    /// Few records, fractions of a second: shows that everything works, and judges only what is counted
    #[arg(long)]
    short: bool,
    /// Exit with 1 when something misses what it must reach
    #[arg(long)]
    check: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Only this group of rows; may be given several times
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,
}

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == peers::VERB) {
        let folder = words.next().context("the peers need a folder")?;
        runtime.block_on(peers::run(Path::new(&folder)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let args = Args::parse();
    runtime.block_on(measure(args))
}

async fn measure(args: Args) -> Result<ExitCode> {
    let wishes = args.wishes;
    let plan = if wishes.short {
        Plan::SHORT
    } else {
        Plan::FULL
    };
    let (data, told) = data();
    let heading = Heading {
        date: stock::now().to_string(),
        machine: process::machine(),
        profile: if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
        data: told,
        short: wishes.short,
    };
    let bench = Bench {
        stock: Stock::open(args.binary, data, args.folder)?,
        component: args.component,
        manifest: Path::new(ROOT).join("spin.toml"),
        plan,
    };
    let mut rows = Vec::new();
    for group in Group::ALL {
        if wishes.only.is_empty() || wishes.only.contains(&group) {
            rows.extend(group.rows(&bench).await?);
        }
    }
    let said = if wishes.json {
        format!("{:#}\n", table::to_json(&heading, &rows))
    } else {
        table::text(&heading, &rows)
    };
    std::io::stdout().write_all(said.as_bytes())?;
    let misses = |row: &table::Row| row.verdict(wishes.short) == Verdict::Miss;
    let missed = wishes.check && rows.iter().any(misses);
    Ok(ExitCode::from(u8::from(missed)))
}

/// The list that records are made from, and how it is called.
fn data() -> (PathBuf, String) {
    let root = Path::new(ROOT);
    let folder = std::env::var_os("CAIRN_TEST_DATA").map(PathBuf::from);
    let real = folder.map(|folder| folder.join(REAL));
    if let Some(real) = real.as_ref().filter(|real| real.is_file()) {
        return (
            real.clone(),
            "records made from the official registry's of December 2025".to_owned(),
        );
    }
    let lack = match &real {
        Some(real) => format!("{} is not there", real.display()),
        None => "CAIRN_TEST_DATA names no folder of real ones".to_owned(),
    };
    let note = format!("records made from {FIXTURE}, since {lack}");
    progress(&note);
    (root.join(FIXTURE), note)
}

/// A line for who waits.
fn progress(what: &str) {
    let _ = writeln!(std::io::stderr(), "    {what}");
}
