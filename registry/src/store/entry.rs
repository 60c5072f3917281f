//! Entries: one version of one asset as one source gives it. Never deleted, because a tombstone shows its document.

use super::{Db, Engine, Row, Statement, Value, dialect, placeholders, seen::PassKey};
use crate::{
    Result,
    kinds::{Kind, Reference},
    model::{Digest, Namespace, Status, Timestamp},
};

/// An entry without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: Digest,
    /// Bytes of the document.
    pub(crate) size: usize,
    pub(crate) status: Status,
    pub(crate) status_message: String,
    pub(crate) status_changed_at: Timestamp,
    pub(crate) published_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) gone: bool,
    pub(crate) hidden: bool,
    pub(crate) warned: bool,
    pub(crate) search: String,
    /// The last full pass that met it; 0 for none, negative where its record could not be served.
    pub(crate) met: i64,
}

/// What is stored beside an [`Entry`] and only written.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) document: Vec<u8>,
    /// JSON array, or empty.
    pub(crate) warnings: String,
    pub(crate) tags: Vec<String>,
    pub(crate) references: Vec<Reference>,
}

pub(super) const COLUMNS: &str = "e.id, e.source, e.name, e.version, e.digest, length(e.document), e.status, e.status_message, e.status_changed_at, \
                       e.published_at, e.updated_at, e.gone, e.hidden, e.warned, e.search, COALESCE(s.pass, 0)";

pub(super) fn from_row(row: &mut Row) -> Result<Entry> {
    Ok(Entry {
        id: row.integer()?,
        source: row.text()?,
        name: row.text()?,
        version: row.text()?,
        digest: Digest::from_row(&row.blob()?)?,
        size: usize::try_from(row.integer()?).unwrap_or_default(),
        status: Status::from_row(&row.text()?)?,
        status_message: row.text()?,
        status_changed_at: Timestamp::from_micros(row.integer()?),
        published_at: Timestamp::from_micros(row.integer()?),
        updated_at: Timestamp::from_micros(row.integer()?),
        gone: row.boolean()?,
        hidden: row.boolean()?,
        warned: row.boolean()?,
        search: row.text()?,
        met: row.integer()?,
    })
}

/// All entries of those names, of every source.
pub(crate) async fn list_by_names(
    db: &impl Db,
    namespace: &Namespace,
    kind: Kind,
    names: &[&str],
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for names in names.chunks(super::MOST_NAMES) {
        let sql = format!(
            "SELECT {COLUMNS} FROM entry e LEFT JOIN seen s ON s.entry_id = e.id \
             WHERE e.namespace = ?1 AND e.kind = ?2 AND e.name IN ({})",
            placeholders(3, names.len())
        );
        let mut parameters: Vec<Value> = vec![namespace.as_str().into(), kind.as_str().into()];
        parameters.extend(names.iter().map(|name| Value::from(*name)));
        for mut row in db.query(&sql, parameters).await? {
            entries.push(from_row(&mut row)?);
        }
    }
    Ok(entries)
}

const NAMES: &str = "SELECT DISTINCT name FROM entry WHERE namespace = ?1 AND kind = ?2 AND name > ?3 \
                     ORDER BY name LIMIT ?4";

/// The next names after `after` that any source has or had an entry of, in byte order.
pub(crate) async fn list_all_names(
    db: &impl Db,
    namespace: &Namespace,
    kind: Kind,
    after: &str,
) -> Result<Vec<String>> {
    let limit = i64::try_from(super::MOST_NAMES).unwrap_or(i64::MAX);
    let parameters = vec![
        namespace.as_str().into(),
        kind.as_str().into(),
        after.into(),
        limit.into(),
    ];
    let rows = db.query(NAMES, parameters).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

const VANISHED: &str = "SELECT e.name, e.version FROM entry e \
    WHERE e.namespace = ?1 AND e.source = ?2 AND e.kind = ?3 AND (e.name, e.version) > (?5, ?6) AND e.gone = 0 \
    AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.entry_id = e.id AND abs(s.pass) = ?4) \
    ORDER BY e.name, e.version LIMIT ?7";

/// The next entries after a key that the pass has not met.
pub(crate) async fn list_vanished(
    db: &impl Db,
    pass: PassKey<'_>,
    kind: Kind,
    after: &(String, String),
) -> Result<Vec<(String, String)>> {
    let parameters = vec![
        pass.namespace.as_str().into(),
        pass.source.into(),
        kind.as_str().into(),
        pass.number.into(),
        after.0.as_str().into(),
        after.1.as_str().into(),
        i64::try_from(super::MOST_NAMES).unwrap_or(i64::MAX).into(),
    ];
    let rows = db.query(VANISHED, parameters).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text()?, row.text()?)))
        .collect()
}

const VANISHED_COUNT: &str = "SELECT count(*) FROM entry e \
    WHERE e.namespace = ?1 AND e.source = ?2 AND e.kind = ?3 AND e.gone = 0 \
    AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.entry_id = e.id AND abs(s.pass) = ?4)";

/// Number of entries that the pass has not met.
pub(crate) async fn count_vanished(db: &impl Db, pass: PassKey<'_>, kind: Kind) -> Result<i64> {
    let parameters = vec![
        pass.namespace.as_str().into(),
        pass.source.into(),
        kind.as_str().into(),
        pass.number.into(),
    ];
    let rows = db.query(VANISHED_COUNT, parameters).await?;
    let count = rows.into_iter().next().map(|mut row| row.integer());
    count.unwrap_or(Ok(0))
}

/// An entry with its tags: what a filter is decided by.
pub(crate) struct Tagged {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) hidden: bool,
    pub(crate) tags: Vec<String>,
}

const TAGGED: &str = "SELECT e.name, e.version, e.hidden, f.value FROM \
    (SELECT id, name, version, hidden FROM entry WHERE namespace = ?1 AND source = ?2 AND kind = ?3 \
     AND (name, version) > (?4, ?5) ORDER BY name, version LIMIT ?6) e \
    LEFT JOIN facet f ON f.entry_id = e.id AND f.facet = 'tag' ORDER BY e.name, e.version, f.value";

/// The next entries of a source after a key.
pub(crate) async fn list_tagged(
    db: &impl Db,
    namespace: &Namespace,
    source: &str,
    kind: Kind,
    after: &(String, String),
) -> Result<Vec<Tagged>> {
    let parameters = vec![
        namespace.as_str().into(),
        source.into(),
        kind.as_str().into(),
        after.0.as_str().into(),
        after.1.as_str().into(),
        i64::try_from(super::MOST_NAMES).unwrap_or(i64::MAX).into(),
    ];
    let mut entries: Vec<Tagged> = Vec::new();
    for mut row in db.query(TAGGED, parameters).await? {
        let (name, version, hidden) = (row.text()?, row.text()?, row.boolean()?);
        let tag = row.optional_text()?;
        match entries.last_mut() {
            Some(last) if last.name == name && last.version == version => last.tags.extend(tag),
            _ => entries.push(Tagged {
                name,
                version,
                hidden,
                tags: tag.into_iter().collect(),
            }),
        }
    }
    Ok(entries)
}

/// How many entries of a source are there, have warnings, are hidden.
pub(crate) struct Counts {
    pub(crate) records: i64,
    pub(crate) warned: i64,
    pub(crate) hidden: i64,
}

const COUNT: &str = "SELECT count(*), CAST(COALESCE(sum(warned), 0) AS BIGINT), CAST(COALESCE(sum(hidden), 0) AS BIGINT) FROM entry \
                     WHERE namespace = ?1 AND source = ?2 AND gone = 0";

pub(crate) async fn count(db: &impl Db, namespace: &Namespace, source: &str) -> Result<Counts> {
    let rows = db
        .query(COUNT, vec![namespace.as_str().into(), source.into()])
        .await?;
    let mut counts = Counts {
        records: 0,
        warned: 0,
        hidden: 0,
    };
    for mut row in rows {
        counts = Counts {
            records: row.integer()?,
            warned: row.integer()?,
            hidden: row.integer()?,
        };
    }
    Ok(counts)
}

/// A warning list with whose it is.
pub struct Warned {
    pub name: String,
    pub version: String,
    /// JSON array of `{pointer, message}`.
    pub warnings: String,
}

const WARNED: &str = "SELECT name, version, warnings FROM entry \
    WHERE namespace = ?1 AND source = ?2 AND gone = 0 AND warned = 1 ORDER BY name, version LIMIT ?3";

pub(crate) async fn list_warned(
    db: &impl Db,
    namespace: &Namespace,
    source: &str,
    limit: u32,
) -> Result<Vec<Warned>> {
    let parameters = vec![
        namespace.as_str().into(),
        source.into(),
        i64::from(limit).into(),
    ];
    let from_row = |mut row: Row| {
        Ok(Warned {
            name: row.text()?,
            version: row.text()?,
            warnings: row.text()?,
        })
    };
    db.query(WARNED, parameters)
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// A new entry with all its side rows, without its text.
pub(crate) fn insert(
    namespace: &Namespace,
    kind: Kind,
    entry: &Entry,
    content: Content,
) -> Vec<Statement> {
    let mut parameters = vec![
        entry.id.into(),
        namespace.as_str().into(),
        kind.as_str().into(),
    ];
    parameters.extend(values(entry, &content.warnings));
    parameters.push(Value::Blob(content.document));
    let mut statements = vec![Statement::new(
        "INSERT INTO entry (id, namespace, kind, source, name, version, digest, status, status_message, \
         status_changed_at, published_at, updated_at, gone, hidden, warned, search, warnings, document) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        parameters,
    )];
    statements.extend(side_rows(
        namespace,
        entry.id,
        &content.tags,
        &content.references,
    ));
    statements
}

/// The text of an entry for the text index, in the place of the text of `old`. To be written in the order of ids.
pub(crate) fn index_text(engine: Engine, old: Option<&Entry>, entry: &Entry) -> Vec<Statement> {
    let old = old.map(|old| old.search.as_str());
    dialect::index_text(engine, entry.id, old, Some(&entry.search))
}

/// The entry with other content, without its text.
pub(crate) fn update(namespace: &Namespace, entry: &Entry, content: Content) -> Vec<Statement> {
    let mut parameters = vec![entry.id.into()];
    parameters.extend(values(entry, &content.warnings));
    parameters.push(Value::Blob(content.document));
    let mut statements = vec![Statement::expecting(
        1,
        "UPDATE entry SET source = ?2, name = ?3, version = ?4, digest = ?5, status = ?6, status_message = ?7, \
         status_changed_at = ?8, published_at = ?9, updated_at = ?10, gone = ?11, hidden = ?12, warned = ?13, \
         search = ?14, warnings = ?15, document = ?16 WHERE id = ?1",
        parameters,
    )];
    for table in [
        "DELETE FROM facet WHERE entry_id = ?1",
        "DELETE FROM reference WHERE entry_id = ?1",
    ] {
        statements.push(Statement::new(table, vec![entry.id.into()]));
    }
    statements.extend(side_rows(
        namespace,
        entry.id,
        &content.tags,
        &content.references,
    ));
    statements
}

/// Only whether it is gone and whether it is hidden.
pub(crate) fn update_flags(entry: &Entry) -> Statement {
    Statement::expecting(
        1,
        "UPDATE entry SET gone = ?2, hidden = ?3 WHERE id = ?1",
        vec![entry.id.into(), entry.gone.into(), entry.hidden.into()],
    )
}

fn values(entry: &Entry, warnings: &str) -> [Value; 14] {
    [
        entry.source.as_str().into(),
        entry.name.as_str().into(),
        entry.version.as_str().into(),
        Value::Blob(entry.digest.as_bytes().to_vec()),
        entry.status.as_str().into(),
        entry.status_message.as_str().into(),
        entry.status_changed_at.as_micros().into(),
        entry.published_at.as_micros().into(),
        entry.updated_at.as_micros().into(),
        entry.gone.into(),
        entry.hidden.into(),
        entry.warned.into(),
        entry.search.as_str().into(),
        warnings.into(),
    ]
}

fn side_rows(
    namespace: &Namespace,
    id: i64,
    tags: &[String],
    references: &[Reference],
) -> impl Iterator<Item = Statement> {
    let row = move |sql: &'static str, key: &str, value: &str| {
        Statement::new(
            sql,
            vec![
                namespace.as_str().into(),
                id.into(),
                key.into(),
                value.into(),
            ],
        )
    };
    let facets = tags.iter().map(move |tag| {
        row(
            "INSERT INTO facet (namespace, entry_id, facet, value) VALUES (?1, ?2, ?3, ?4)",
            "tag",
            tag,
        )
    });
    let references = references.iter().map(move |reference| {
        row(
            "INSERT INTO reference (namespace, entry_id, relation, target) VALUES (?1, ?2, ?3, ?4)",
            reference.relation,
            &reference.target,
        )
    });
    facets.chain(references)
}
