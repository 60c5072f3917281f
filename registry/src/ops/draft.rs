//! A batch in the making: entries are put, hidden or marked as gone in memory, then every name that was touched is
//! projected into every registry, and all of it becomes one list of statements under one new generation.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Cx,
    project::{self, Step},
};
use crate::{
    Result,
    kinds::Kind,
    model::place,
    store::{
        Db, Statement,
        entry::{self, Content, Entry},
        generation::{self, Change, Generation, Op},
        registry::{self, Registry},
        view::{self, Shown, Stored},
    },
};

/// What is known of some names, and what is to become of them.
pub(super) struct Draft<'a, D> {
    cx: Cx<'a, D>,
    kind: Kind,
    registries: Vec<Registry>,
    before: Generation,
    after: Generation,
    entries: BTreeMap<String, Vec<Entry>>,
    shown: Vec<Stored>,
    touched: BTreeSet<String>,
    statements: Vec<Statement>,
    /// By the entries' ids: the text index wants them in that order.
    texts: BTreeMap<i64, Vec<Statement>>,
    written: u64,
}

impl<'a, D: Db> Draft<'a, D> {
    /// Reads all that is stored of those names. The generation is read first: what changes after it makes the batch stale.
    pub(super) async fn load(cx: Cx<'a, D>, kind: Kind, names: &[&str]) -> Result<Self> {
        let before = generation::get(cx.db, cx.namespace).await?;
        let registries = registry::list(cx.db, cx.namespace).await?;
        let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entry::list_by_names(cx.db, cx.namespace, kind, names).await? {
            entries.entry(entry.name.clone()).or_default().push(entry);
        }
        // The order of rows is the engine's; that of changes is everywhere the same.
        for of_name in entries.values_mut() {
            of_name.sort_by(|one, other| {
                (&one.source, &one.version).cmp(&(&other.source, &other.version))
            });
        }
        let of: Vec<&str> = registries
            .iter()
            .map(|registry| registry.name.as_str())
            .collect();
        let mut shown = view::list_by_names(cx.db, cx.namespace, kind, &of, names).await?;
        shown.sort_by(|one, other| one.version.cmp(&other.version));
        Ok(Self {
            cx,
            kind,
            registries,
            before,
            after: before,
            entries,
            shown,
            touched: BTreeSet::new(),
            statements: Vec::new(),
            texts: BTreeMap::new(),
            written: 0,
        })
    }

    /// The stored entries of a name that a source still has.
    pub(super) fn living<'b>(
        &'b self,
        source: &'b str,
        name: &str,
    ) -> impl Iterator<Item = &'b Entry> {
        let of_name = self.entries.get(name).into_iter().flatten();
        of_name.filter(move |entry| entry.source == source && !entry.gone)
    }

    pub(super) fn find(&self, source: &str, name: &str, version: &str) -> Option<&Entry> {
        let same = |entry: &&Entry| entry.source == source && entry.version == version;
        self.entries.get(name)?.iter().find(same)
    }

    /// Gives new entries other ids than an earlier try did: one of those may have been taken, since serials wrap.
    pub(super) fn skip_serials(&mut self, count: i64) {
        self.after.entry_id += count;
    }

    /// Entries written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Puts an entry, new or in the place of the one with the same key; its id is set here and returned.
    pub(super) fn put(&mut self, mut entry: Entry, content: Content) -> i64 {
        self.touch(&entry.name);
        self.written += 1;
        let of_name = self.entries.entry(entry.name.clone()).or_default();
        let same = |old: &&mut Entry| old.source == entry.source && old.version == entry.version;
        let old = of_name.iter_mut().find(same);
        entry.id = match &old {
            Some(old) => old.id,
            None => {
                self.after.entry_id += 1;
                place::id(&entry.name, self.after.entry_id)
            }
        };
        let (id, engine, namespace) = (entry.id, self.cx.db.engine(), self.cx.namespace);
        let texts = entry::index_text(engine, old.as_deref(), &entry);
        self.texts.entry(id).or_default().extend(texts);
        if let Some(old) = old {
            let statements = entry::update(namespace, &entry, content);
            self.statements.extend(statements);
            *old = entry;
        } else {
            let statements = entry::insert(namespace, self.kind, &entry, content);
            self.statements.extend(statements);
            of_name.push(entry);
        }
        id
    }

    /// Changes only whether the entry is gone or hidden.
    pub(super) fn flag(
        &mut self,
        source: &str,
        name: &str,
        version: &str,
        flag: impl FnOnce(&mut Entry),
    ) {
        let Some(of_name) = self.entries.get_mut(name) else {
            return;
        };
        let same = |entry: &&mut Entry| entry.source == source && entry.version == version;
        if let Some(entry) = of_name.iter_mut().find(same) {
            flag(entry);
            self.statements.push(entry::update_flags(entry));
            self.written += 1;
            self.touched.insert(name.to_owned());
        }
    }

    /// The name is projected anew, whether or not an entry of it was written.
    pub(super) fn touch(&mut self, name: &str) {
        if !self.touched.contains(name) {
            self.touched.insert(name.to_owned());
        }
    }

    /// All statements, the new generation first; none at all when there is nothing to write.
    pub(super) fn finish(mut self) -> Vec<Statement> {
        let registries = std::mem::take(&mut self.registries);
        let shown = std::mem::take(&mut self.shown);
        let entries = std::mem::take(&mut self.entries);
        let mut rows: BTreeMap<(&str, &str), Vec<&Stored>> = BTreeMap::new();
        for row in &shown {
            rows.entry((&row.name, &row.registry))
                .or_default()
                .push(row);
        }
        for name in std::mem::take(&mut self.touched) {
            let of_name = entries.get(&name).map(Vec::as_slice).unwrap_or_default();
            for registry in &registries {
                let stored = rows.get(&(name.as_str(), registry.name.as_str()));
                let stored = stored.map(Vec::as_slice).unwrap_or_default();
                for step in project::steps(registry, of_name, stored, self.cx.now) {
                    self.show(&registry.name, step);
                }
            }
        }
        if self.statements.is_empty() {
            return self.statements;
        }
        let bump = generation::update(self.cx.namespace, self.before, self.after);
        self.statements.insert(0, bump);
        let texts = std::mem::take(&mut self.texts);
        self.statements.extend(texts.into_values().flatten());
        self.statements
    }

    fn show(&mut self, registry: &str, step: Step) {
        let (op, shown) = match &step {
            Step::Insert(shown) | Step::Update(shown) => (Op::Put, shown),
            Step::Bury(shown) => (Op::Delete, shown),
        };
        let change = self.change(registry, op, shown);
        self.statements.push(change);
        let namespace = self.cx.namespace;
        self.statements.push(match step {
            Step::Insert(shown) => view::insert(namespace, registry, self.kind, shown),
            Step::Update(shown) | Step::Bury(shown) => {
                view::update(namespace, registry, self.kind, shown)
            }
        });
    }

    fn change(&mut self, registry: &str, op: Op, shown: &Shown) -> Statement {
        self.after.change_seq += 1;
        let change = Change {
            seq: self.after.change_seq,
            registry,
            kind: self.kind,
            name: &shown.name,
            version: &shown.version,
            op,
            digest: shown.digest,
            changed_at: self.cx.now,
        };
        generation::insert_change(self.cx.namespace, &change)
    }
}
