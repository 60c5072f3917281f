//! A namespace of an export on its way into the database: lines gather by their sort, a batch of them is written together
//! with the number of its last line, and what makes them visible comes at the end.

use super::{
    import::wrong,
    key::{Key, key},
    rows,
    wire::{Line, View},
};
use crate::{
    Error, ErrorKind, Result,
    kinds::Kind,
    model::{Namespace, place},
    ops::row::row,
    store::{
        Db, Statement,
        entry::{self, Content, Entry},
        finding,
        generation::{self, Generation},
        import::{self, At},
        registry::{self, Registry},
        seen::PassKey,
        source::{self, Source},
        view,
    },
};

/// Lines of a batch, and bytes of their documents.
const LINES: usize = 2000;
const BYTES: usize = 4 << 20;

/// How often a batch is tried with other ids because one was taken: serials wrap, and namespaces count apart.
const MOST_TRIES: i64 = 50;

/// A namespace that is being read.
pub(super) struct Section {
    namespace: Namespace,
    change_sequence: i64,
    sources: Vec<Source>,
    registries: Vec<Registry>,
    /// The last line that is in the database.
    done: i64,
    /// All of them are.
    complete: bool,
    last: Option<Key>,
    batch: Batch,
}

/// Lines of one sort that are not in the database yet.
#[derive(Default)]
struct Batch {
    sort: u8,
    /// The last of them.
    end: i64,
    lines: usize,
    bytes: usize,
    entries: Vec<(Kind, Entry, Content)>,
    /// Each with its number, for who has to mend it.
    views: Vec<(i64, View)>,
    statements: Vec<Statement>,
}

impl Section {
    pub(super) fn new(
        namespace: Namespace,
        change_sequence: i64,
        done: i64,
        complete: bool,
    ) -> Self {
        Self {
            namespace,
            change_sequence,
            sources: Vec::new(),
            registries: Vec::new(),
            done,
            complete,
            last: None,
            batch: Batch::default(),
        }
    }

    pub(super) fn is_of(&self, namespace: &Namespace) -> bool {
        self.namespace == *namespace
    }

    fn at<'a>(&'a self, export: &'a str) -> At<'a> {
        At {
            namespace: &self.namespace,
            export,
            line: self.done,
        }
    }

    /// Lines come in their order, each once. Gives the sort of this one.
    fn follow(&mut self, number: i64, line: &Line) -> Result<u8> {
        let next = key(line);
        if next <= self.last {
            return Err(wrong(
                number,
                "it comes twice, or behind one that follows it",
            ));
        }
        let sort = next.as_ref().map_or(0, Key::sort);
        self.last = next;
        Ok(sort)
    }

    /// Takes the next line of the namespace.
    pub(super) async fn take<D: Db>(
        &mut self,
        db: &D,
        export: &str,
        number: i64,
        line: Line,
    ) -> Result<()> {
        let key = self.follow(number, &line)?;
        match line {
            _ if self.complete => {}
            Line::Source(line) => self.sources.push(rows::source_row(*line)),
            Line::Registry(line) => self.registries.push(rows::registry_row(line)),
            _ if number <= self.done => {}
            line => {
                self.check(number, &line)?;
                // Rows of one sort rest on those of the sort before.
                if self.batch.sort != key || self.batch.is_full() {
                    self.write(db, export).await?;
                }
                self.batch.sort = key;
                self.batch.add(&self.namespace, number, line)?;
            }
        }
        Ok(())
    }

    fn check(&self, number: i64, line: &Line) -> Result<()> {
        match line {
            Line::View(line)
                if !self
                    .registries
                    .iter()
                    .any(|one| one.name == line.registry.0) =>
            {
                let why = format!("no line tells of the registry {:?}", line.registry);
                Err(wrong(number, &why))
            }
            Line::Change(line) if line.sequence > self.change_sequence => {
                Err(wrong(number, "its sequence is above that of its namespace"))
            }
            _ => Ok(()),
        }
    }

    /// Writes what has gathered.
    pub(super) async fn write<D: Db>(&mut self, db: &D, export: &str) -> Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        if batch.lines == 0 {
            return Ok(());
        }
        let views = std::mem::take(&mut batch.views);
        batch.statements.extend(self.views(db, views).await?);
        self.commit(db, export, &batch).await
    }

    async fn commit<D: Db>(&mut self, db: &D, export: &str, batch: &Batch) -> Result<()> {
        for failed in 0..MOST_TRIES {
            let before = generation::get(db, &self.namespace).await?;
            let mut after = before;
            after.entry_id += place::skipped(failed);
            let mut entries = batch.entries(db, &self.namespace, &mut after);
            let mut statements = vec![
                self.at(export).advance(batch.end),
                generation::update(&self.namespace, before, after),
            ];
            statements.append(&mut entries);
            statements.extend(batch.statements.iter().cloned());
            match db.batch(statements).await {
                Err(error) if error.kind() == ErrorKind::Stale => {
                    self.still_here(db, export).await?
                }
                done => {
                    self.done = batch.end;
                    return done;
                }
            }
        }
        Err(Error::internal("no id was free for an imported entry"))
    }

    /// Fails when somebody else has moved the import on.
    async fn still_here<D: Db>(&self, db: &D, export: &str) -> Result<()> {
        let found = import::find(db, &self.namespace).await?;
        let same = |found: &import::Import| {
            found.export == export && found.line == self.done && !found.complete
        };
        if found.as_ref().is_some_and(same) {
            return Ok(());
        }
        Err(Error::stale(
            "another process imports into this database: let it finish, or stop it",
        ))
    }

    /// The rows of those lines, made from the entries that they show.
    async fn views<D: Db>(&self, db: &D, lines: Vec<(i64, View)>) -> Result<Vec<Statement>> {
        let mut statements = Vec::with_capacity(lines.len());
        for kind in Kind::ALL {
            let of_kind = || lines.iter().filter(|(_, line)| line.kind.0 == kind);
            let mut names: Vec<&str> = of_kind().map(|(_, line)| line.name.0.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let mut entries = entry::list_by_names(db, &self.namespace, kind, &names).await?;
            let key = |entry: &Entry| {
                let parts = [&entry.name, &entry.source, &entry.version];
                parts.map(String::clone)
            };
            entries.sort_by_cached_key(key);
            for (number, line) in of_kind() {
                let wanted = [&line.name.0, &line.source.0, &line.version.0];
                let found = entries.binary_search_by(|entry| {
                    [&entry.name, &entry.source, &entry.version].cmp(&wanted)
                });
                let entry = found.ok().and_then(|at| entries.get(at));
                let entry =
                    entry.ok_or_else(|| wrong(*number, "no line tells of the entry it shows"))?;
                let shown = row(entry, rows::standing(line), line.latest, line.changed_at.0);
                statements.push(view::insert(&self.namespace, &line.registry.0, kind, shown));
            }
        }
        Ok(statements)
    }

    /// What lets everybody see it; nothing when they do already.
    pub(super) async fn show<D: Db>(&self, db: &D, export: &str) -> Result<Vec<Statement>> {
        if self.complete {
            return Ok(Vec::new());
        }
        let before = generation::get(db, &self.namespace).await?;
        let after = Generation {
            change_seq: self.change_sequence,
            ..before
        };
        let mut statements = vec![
            self.at(export).complete(),
            generation::update(&self.namespace, before, after),
        ];
        let sources = self.sources.iter();
        statements.extend(sources.map(|one| source::insert_settled(&self.namespace, one)));
        let registries = self.registries.iter();
        statements.extend(registries.flat_map(|one| registry::insert(&self.namespace, one)));
        Ok(statements)
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.lines >= LINES || self.bytes >= BYTES
    }

    fn add(&mut self, namespace: &Namespace, number: i64, line: Line) -> Result<()> {
        self.end = number;
        self.lines += 1;
        match line {
            Line::Entry(line) => {
                let kind = line.kind.0;
                self.bytes += line.document.len();
                let (entry, content) = rows::entry_row(*line).map_err(|why| wrong(number, &why))?;
                self.entries.push((kind, entry, content));
            }
            Line::View(line) => self.views.push((number, line)),
            Line::Finding(line) => {
                let (source, pass) = (line.source.0.clone(), line.pass);
                let key = PassKey {
                    namespace,
                    source: &source,
                    number: pass,
                };
                let row = rows::finding_row(line);
                self.statements.push(finding::upsert(key, &row));
            }
            Line::Change(line) => {
                let row = rows::change_row(&line);
                self.statements
                    .push(generation::insert_change(namespace, &row));
            }
            _ => {}
        }
        Ok(())
    }

    /// The entries under new ids, with their texts in the order of these.
    fn entries<D: Db>(
        &self,
        db: &D,
        namespace: &Namespace,
        counters: &mut Generation,
    ) -> Vec<Statement> {
        let (mut statements, mut texts) = (Vec::new(), Vec::new());
        for (kind, entry, content) in &self.entries {
            counters.entry_id += 1;
            let entry = Entry {
                id: place::id(&entry.name, counters.entry_id),
                ..entry.clone()
            };
            let text = entry::index_text(db.engine(), None, &entry);
            texts.extend(text.into_iter().map(|text| (entry.id, text)));
            statements.extend(entry::insert(namespace, *kind, &entry, content.clone()));
        }
        texts.sort_by_key(|(id, _)| *id);
        statements.extend(texts.into_iter().map(|(_, text)| text));
        statements
    }
}
