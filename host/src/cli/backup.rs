//! `cairn backup`: a copy of an embedded database, while it is in use; for a server the commands that make one.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    out,
    progress::{Progress, size},
    report::Format,
    settings::Settings,
};
use crate::{
    config::{Database, Overrides},
    db::{self, Copied, postgres::tools},
    output::{Output, Replace},
};

/// Copy the database as it is now into a file, while others read and write.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// The copy: a SQLite database; - is standard output
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Between two looks at how large the copy is.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.settings.load(Overrides::default())?;
    if let Some(server) = &config.database.postgres {
        let command = tools::dump(server, &args.file);
        return by_its_tools(args.format, &command, &tools::password_line(server));
    }
    ensure!(
        config.database.path.exists(),
        "there is no database at {}: nothing to back up",
        config.database.path.display()
    );
    let protected = args.settings.protected(&config);
    let output = Output::open(&args.file, Replace::forced(args.force), &protected)?;
    let is_stdout = output.is_stdout();
    let copied = copy(&config.database, output)?;
    let database = &config.database.path;
    out::done(
        is_stdout,
        match args.format {
            Format::Json => {
                let places = [("database", json!(database)), ("file", json!(args.file))];
                out::json(facts(&copied).into_iter().chain(places))
            }
            Format::Text => format!(
                "backed up {} to {}: {}",
                database.display(),
                args.file.display(),
                sentence(&copied)
            ),
        },
    );
    Ok(ExitCode::SUCCESS)
}

/// Copies on a thread, and tells how far it is.
fn copy(database: &Database, output: Output) -> Result<Copied> {
    let mut progress = Progress::new();
    let whole = database.path.metadata().map_or(0, |file| file.len());
    thread::scope(|scope| {
        let (told, growing) = mpsc::channel();
        let work = scope.spawn(move || {
            let begun = |path: &Path| drop(told.send(path.to_owned()));
            db::backup(&database.path, database.busy_timeout, output, begun)
        });
        let growing = growing.recv().ok();
        while !work.is_finished() {
            thread::sleep(LOOK);
            progress.tell(|| {
                let grown = growing.as_ref().and_then(|file| file.metadata().ok());
                let grown = grown.map_or(0, |file| file.len());
                format!("{} of about {} copied", size(grown), size(whole))
            });
        }
        work.join()
            .unwrap_or_else(|_| bail!("the copy broke off: a defect of ours"))
    })
}

/// What a server's own tools have to do. Exit code 1: whoever relies on it has no copy yet.
pub(super) fn by_its_tools(format: Format, command: &str, password: &str) -> Result<ExitCode> {
    if format == Format::Json {
        out::line(json!({ "engine": "postgres", "command": command, "passwordLine": password }));
    } else {
        out::line(command);
    }
    Err(anyhow::anyhow!(
        "nothing was done: a database on a server is copied by Postgres' own tools, of the server's release or a later \
         one. Run the command above; it takes the password from PGPASSFILE or ~/.pgpass (mode 0600, a line \
         {password}), or asks for it"
    ))
    .context("Postgres")
}

pub(super) fn facts(copied: &Copied) -> [(&'static str, Value); 6] {
    [
        ("engine", json!("libsql")),
        ("bytes", json!(copied.bytes)),
        ("schema", json!(copied.schema)),
        ("entries", json!(copied.entries)),
        ("generation", json!(copied.generation)),
        ("changeSequence", json!(copied.change_sequence)),
    ]
}

pub(super) fn sentence(copied: &Copied) -> String {
    format!(
        "{}, {} entries, schema step {}, generation {}, change {}",
        size(copied.bytes),
        copied.entries,
        copied.schema,
        copied.generation,
        copied.change_sequence
    )
}
