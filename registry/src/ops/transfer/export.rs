//! Writing an export. It reads page by page and keeps a page at most, so that memory does not grow with the database.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use super::{
    Tally, rows,
    wire::{End, FORMAT, Header, Line, Namespace as NamespaceLine, Text, Time},
};
use crate::{
    Error, Result,
    kinds::Kind,
    model::{Namespace, Timestamp},
    store::{Db, entry::Entry, generation, registry, source, walk},
};

/// Bytes of documents that are read together.
const BYTES: usize = 4 << 20;

/// Writes everything the database holds, every namespace, and gives what was written. `db` has to stand still: a
/// transaction that reads. `seen` is told how far it is, page by page.
pub async fn export<D: Db>(
    db: &D,
    now: Timestamp,
    version: &str,
    to: &mut impl Write,
    mut seen: impl FnMut(&Tally),
) -> Result<Tally> {
    let mut writer = Writer {
        db,
        to,
        tally: Tally::default(),
        seen: &mut seen,
    };
    writer.line(&Line::Cairn(Header {
        format: FORMAT,
        version: version.to_owned(),
        exported_at: Time(now),
    }))?;
    for namespace in walk::namespaces(db).await? {
        super::require_whole(db, &namespace).await?;
        writer.namespace(&namespace).await?;
    }
    let lines = writer.tally.lines + 1;
    writer.line(&Line::End(End { lines }))?;
    writer.to.flush().map_err(|error| unwritten(&error))?;
    Ok(writer.tally)
}

struct Writer<'a, D, W> {
    db: &'a D,
    to: &'a mut W,
    tally: Tally,
    seen: &'a mut dyn FnMut(&Tally),
}

impl<D: Db, W: Write> Writer<'_, D, W> {
    fn line(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line)
            .map_err(|error| Error::internal(format!("a line that cannot be written: {error}")))?;
        text.push(b'\n');
        self.to
            .write_all(&text)
            .map_err(|error| unwritten(&error))?;
        self.tally.count(line);
        Ok(())
    }

    fn page(&mut self) {
        (self.seen)(&self.tally);
    }

    async fn namespace(&mut self, namespace: &Namespace) -> Result<()> {
        let counters = generation::get(self.db, namespace).await?;
        self.line(&Line::Namespace(NamespaceLine {
            name: Text(namespace.as_str().to_owned()),
            change_sequence: counters.change_seq,
        }))?;
        for source in source::list(self.db, namespace).await? {
            self.line(&Line::Source(Box::new(rows::source_line(&source))))?;
        }
        let mut registries = registry::list(self.db, namespace).await?;
        registries.sort_by(|one, other| one.name.cmp(&other.name));
        for registry in registries {
            self.line(&Line::Registry(rows::registry_line(registry)))?;
        }
        self.findings(namespace).await?;
        for kind in Kind::ALL {
            self.entries(namespace, kind).await?;
        }
        self.views(namespace).await?;
        self.changes(namespace).await
    }

    async fn findings(&mut self, namespace: &Namespace) -> Result<()> {
        let mut after = walk::FindingKey::default();
        loop {
            let found = walk::findings(self.db, namespace, &after).await?;
            let Some((source, _, last)) = found.last() else {
                return Ok(());
            };
            let class = last.class.as_str().to_owned();
            after = (source.clone(), class, last.position.clone());
            for (source, pass, finding) in found {
                self.line(&Line::Finding(rows::finding_line(source, pass, finding)))?;
            }
            self.page();
        }
    }

    async fn entries(&mut self, namespace: &Namespace, kind: Kind) -> Result<()> {
        let mut after = walk::EntryKey::default();
        loop {
            let found = walk::entries(self.db, namespace, kind, &after).await?;
            let Some((last, _)) = found.last() else {
                return Ok(());
            };
            after = (last.name.clone(), last.source.clone(), last.version.clone());
            let mut rest = found.as_slice();
            while !rest.is_empty() {
                let (group, behind) = rest.split_at(fitting(rest));
                self.group(kind, group).await?;
                rest = behind;
            }
            self.page();
        }
    }

    /// Entries whose documents fit into memory together.
    async fn group(&mut self, kind: Kind, entries: &[(Entry, String)]) -> Result<()> {
        let ids: Vec<i64> = entries.iter().map(|(entry, _)| entry.id).collect();
        let documents = walk::documents(self.db, &ids).await?;
        let mut documents: HashMap<i64, Vec<u8>> = documents.into_iter().collect();
        for (entry, warnings) in entries {
            let document = documents
                .remove(&entry.id)
                .ok_or_else(|| Error::internal("an entry without its document"))?;
            let line = rows::entry_line(kind, entry, warnings, document)?;
            self.line(&Line::Entry(Box::new(line)))?;
        }
        Ok(())
    }

    async fn views(&mut self, namespace: &Namespace) -> Result<()> {
        let mut after = walk::ViewKey::default();
        loop {
            let found = walk::views(self.db, namespace, &after).await?;
            let Some(last) = found.last() else {
                return Ok(());
            };
            after = (
                last.registry.clone(),
                last.kind.clone(),
                last.entry.name.clone(),
                last.entry.version.clone(),
            );
            for row in &found {
                self.line(&Line::View(rows::view_line(kind(&row.kind)?, row)))?;
            }
            self.page();
        }
    }

    async fn changes(&mut self, namespace: &Namespace) -> Result<()> {
        let mut after = 0;
        loop {
            let found = walk::changes(self.db, namespace, after).await?;
            let Some(last) = found.last() else {
                return Ok(());
            };
            after = last.seq;
            for row in found {
                let line = rows::change_line(kind(&row.kind)?, row);
                self.line(&Line::Change(line))?;
            }
            self.page();
        }
    }
}

/// How many of them may be read together: one at least.
fn fitting(entries: &[(Entry, String)]) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take_while(|(entry, _)| {
        bytes += entry.size;
        bytes <= BYTES
    });
    fits.count().max(1)
}

fn kind(stored: &str) -> Result<Kind> {
    Kind::parse(stored).ok_or_else(|| Error::internal(format!("stored kind {stored:?}")))
}

fn unwritten(error: &io::Error) -> Error {
    Error::unavailable("the export cannot be written", error.to_string())
}
