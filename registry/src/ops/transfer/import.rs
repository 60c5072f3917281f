//! Reading an export into an empty database, batch by batch. The line that a batch ends with is written in the batch, so
//! that an import which was cut off goes on behind it. Sources and registries come last, in one batch: until then nothing
//! is served of what is there, and nobody else writes.

use super::{
    Tally,
    section::Section,
    wire::{FORMAT, Line},
};
use crate::{
    Error, ErrorKind, Result,
    model::Namespace,
    store::{
        Db, generation,
        import::{self, At},
        walk,
    },
};

/// How an import found the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Empty.
    Anew,
    /// With a part of this export, up to that line.
    Behind(u64),
    /// With a part of another export, which was removed.
    InsteadOfAnother,
    /// With all of this export, whatever became of it since.
    AfterItsEnd,
}

/// An import under way.
pub struct Import<'a, D> {
    db: &'a D,
    /// The export's first line: what tells it from others.
    export: String,
    /// One for each namespace so far; the last one is being read.
    sections: Vec<Section>,
    begun: Begun,
    ended: bool,
    tally: Tally,
}

impl<'a, D: Db> Import<'a, D> {
    #[must_use]
    pub fn new(db: &'a D) -> Self {
        Self {
            db,
            export: String::new(),
            sections: Vec::new(),
            begun: Begun::Anew,
            ended: false,
            tally: Tally::default(),
        }
    }

    /// What has been read so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes the next line, without its end.
    pub async fn line(&mut self, text: &[u8]) -> Result<()> {
        let line = serde_json::from_slice(text);
        let number = number(self.tally.lines + 1);
        if self.ended {
            return Err(wrong(number, "the export has ended before it"));
        }
        // The first line decides which others can be read.
        let line: Line = match line {
            Ok(line) => line,
            Err(_) if number == 1 => return Err(wrong(number, "it does not begin an export")),
            Err(error) => return Err(wrong(number, &without_line(&error))),
        };
        self.tally.count(&line);
        match line {
            Line::Cairn(header) if number == 1 && header.format == FORMAT => {
                self.export = String::from_utf8_lossy(text).replace('\0', "");
                Ok(())
            }
            Line::Cairn(header) if number == 1 => Err(wrong(
                number,
                &format!(
                    "it is of format {}, and this release reads format {FORMAT}: use release {} or a later one",
                    header.format, header.version
                ),
            )),
            _ if self.export.is_empty() => Err(wrong(number, "it does not begin an export")),
            Line::Namespace(line) => {
                self.write().await?;
                let namespace =
                    Namespace::new(&line.name.0).map_err(|error| wrong(number, error.message()))?;
                if self.sections.iter().any(|one| one.is_of(&namespace)) {
                    return Err(wrong(number, "the namespace comes twice"));
                }
                self.open(namespace, line.change_sequence).await
            }
            Line::End(end) if number == self::number(end.lines) => {
                self.write().await?;
                self.show().await?;
                self.ended = true;
                Ok(())
            }
            Line::End(end) => Err(wrong(
                number,
                &format!(
                    "the export has {} lines, of which some are missing",
                    end.lines
                ),
            )),
            line => self.take(number, line).await,
        }
    }

    /// How it began, when all lines have been taken.
    pub fn finish(self) -> Result<(Begun, Tally)> {
        if self.ended {
            return Ok((self.begun, self.tally));
        }
        let lines = self.tally.lines;
        Err(Error::invalid(
            "line",
            lines.to_string(),
            format!(
                "the export is cut off behind line {lines}: nothing of it is served; run the import again with the whole \
                 export, and it goes on"
            ),
        ))
    }

    /// Begins with a namespace, as the database says.
    async fn open(&mut self, namespace: Namespace, change_sequence: i64) -> Result<()> {
        let (mut done, mut complete) = (0, false);
        match import::find(self.db, &namespace).await? {
            Some(found) if found.export == self.export => {
                (done, complete) = (found.line, found.complete);
                self.begun = match complete {
                    true => Begun::AfterItsEnd,
                    false => Begun::Behind(u64::try_from(done).unwrap_or_default()),
                };
            }
            Some(found) if !found.complete => {
                let at = At {
                    namespace: &namespace,
                    export: &found.export,
                    line: found.line,
                };
                wipe(self.db, at).await?;
                self.begin(&namespace).await?;
                self.begun = Begun::InsteadOfAnother;
            }
            _ => self.begin(&namespace).await?,
        }
        let section = Section::new(namespace, change_sequence, done, complete);
        self.sections.push(section);
        Ok(())
    }

    async fn begin(&self, namespace: &Namespace) -> Result<()> {
        let begin = vec![
            generation::insert_new(namespace),
            import::insert(namespace, &self.export),
        ];
        self.db.batch(begin).await.map_err(|error| match error.kind() {
            ErrorKind::Stale => Error::invalid(
                "database",
                namespace.as_str(),
                "the database is not empty: an import needs one that nothing was configured for or read into yet",
            ),
            _ => error,
        })
    }

    async fn take(&mut self, number: i64, line: Line) -> Result<()> {
        let Some(section) = self.sections.last_mut() else {
            return Err(wrong(number, "it comes before the line of a namespace"));
        };
        section.take(self.db, &self.export, number, line).await
    }

    /// Writes what has gathered of the namespace that was read last.
    async fn write(&mut self) -> Result<()> {
        match self.sections.last_mut() {
            Some(section) => section.write(self.db, &self.export).await,
            None => Ok(()),
        }
    }

    /// Everything is there: now it may be seen, all namespaces at once.
    async fn show(&self) -> Result<()> {
        let mut statements = Vec::new();
        for section in &self.sections {
            statements.extend(section.show(self.db, &self.export).await?);
        }
        match statements.is_empty() {
            true => Ok(()),
            false => self.db.batch(statements).await,
        }
    }
}

/// Removes what an import left that nobody goes on with.
async fn wipe<D: Db>(db: &D, at: At<'_>) -> Result<()> {
    db.batch(vec![at.abandon()]).await?;
    loop {
        let entries = walk::some_texts(db, at.namespace).await?;
        if entries.is_empty() {
            return db.batch(import::delete_rest(at.namespace)).await;
        }
        db.batch(walk::delete_entries(db.engine(), &entries))
            .await?;
    }
}

fn number(lines: u64) -> i64 {
    i64::try_from(lines).unwrap_or(i64::MAX)
}

/// Of the line that a person has to look at.
pub(super) fn wrong(number: i64, why: &str) -> Error {
    Error::invalid(
        "line",
        number.to_string(),
        format!(
            "line {number} is not taken: {why}. Nothing is served of what was taken before; mend the line, or export \
             anew, then run the import again"
        ),
    )
}

/// What serde says, with the place in the line only.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (what, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    format!("{what}, at column {}", error.column())
}
