//! Walks over everything a namespace holds, in the order of its keys, some hundred rows at a time: what an export is made
//! of. Nothing here asks what is shown to whom.

use super::{
    Db, Engine, Row, Statement, Value, dialect,
    entry::{self, Entry},
    finding::{Class, Finding},
    generation::{Feed, Op},
    page, placeholders,
};
use crate::{
    Result,
    kinds::Kind,
    model::{Digest, Namespace, Status, Timestamp},
};

/// Rows of a step.
fn limit() -> Value {
    i64::try_from(super::MOST_NAMES).unwrap_or(i64::MAX).into()
}

/// All namespaces that were ever written to.
pub(crate) async fn namespaces(db: &impl Db) -> Result<Vec<Namespace>> {
    let sql = "SELECT namespace FROM generation ORDER BY namespace";
    let rows = db.query(sql, Vec::new()).await?;
    rows.into_iter()
        .map(|mut row| Namespace::new(&row.text()?))
        .collect()
}

/// Name, source and version: the place of an entry among those of its kind.
pub(crate) type EntryKey = (String, String, String);

/// The next entries after a key, each with its warnings.
pub(crate) async fn entries(
    db: &impl Db,
    namespace: &Namespace,
    kind: Kind,
    after: &EntryKey,
) -> Result<Vec<(Entry, String)>> {
    let columns = entry::COLUMNS;
    let sql = format!(
        "SELECT {columns}, e.warnings FROM entry e LEFT JOIN seen s ON s.entry_id = e.id \
         WHERE e.namespace = ?1 AND e.kind = ?2 AND (e.name, e.source, e.version) > (?3, ?4, ?5) \
         ORDER BY e.name, e.source, e.version LIMIT ?6"
    );
    let parameters = vec![
        namespace.as_str().into(),
        kind.as_str().into(),
        after.0.as_str().into(),
        after.1.as_str().into(),
        after.2.as_str().into(),
        limit(),
    ];
    let rows = db.query(&sql, parameters).await?;
    rows.into_iter()
        .map(|mut row| Ok((entry::from_row(&mut row)?, row.text()?)))
        .collect()
}

/// The documents of those entries, in any order.
pub(crate) async fn documents(db: &impl Db, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
    let sql = format!(
        "SELECT id, document FROM entry WHERE id IN ({})",
        placeholders(1, ids.len())
    );
    let parameters = ids.iter().copied().map(Value::from).collect();
    let rows = db.query(&sql, parameters).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.integer()?, row.blob()?)))
        .collect()
}

/// Registry, kind, name and version: the place of a view row.
pub(crate) type ViewKey = (String, String, String, String);

/// A view row with the entry that it shows.
pub(crate) struct Viewed {
    pub(crate) registry: String,
    pub(crate) kind: String,
    pub(crate) status: Status,
    pub(crate) latest: bool,
    pub(crate) changed_at: Timestamp,
    pub(crate) digest: Digest,
    pub(crate) entry: Entry,
}

/// The next view rows after a key.
pub(crate) async fn views(
    db: &impl Db,
    namespace: &Namespace,
    after: &ViewKey,
) -> Result<Vec<Viewed>> {
    let (columns, entry) = (entry::COLUMNS, page::entry(db.engine()));
    let sql = format!(
        "SELECT v.registry, v.kind, v.status, v.latest, v.changed_at, v.digest, {columns} FROM \
         (SELECT registry, kind, name, version, entry_id, status, latest, changed_at, digest FROM view \
          WHERE namespace = ?1 AND (registry, kind, name, version) > (?2, ?3, ?4, ?5) \
          ORDER BY registry, kind, name, version LIMIT ?6) v \
         CROSS JOIN {entry} LEFT JOIN seen s ON s.entry_id = e.id WHERE {} \
         ORDER BY v.registry, v.kind, v.name, v.version",
        page::OF_VIEW
    );
    let parameters = vec![
        namespace.as_str().into(),
        after.0.as_str().into(),
        after.1.as_str().into(),
        after.2.as_str().into(),
        after.3.as_str().into(),
        limit(),
    ];
    let rows = db.query(&sql, parameters).await?;
    rows.into_iter().map(viewed).collect()
}

fn viewed(mut row: Row) -> Result<Viewed> {
    Ok(Viewed {
        registry: row.text()?,
        kind: row.text()?,
        status: Status::from_row(&row.text()?)?,
        latest: row.boolean()?,
        changed_at: Timestamp::from_micros(row.integer()?),
        digest: Digest::from_row(&row.blob()?)?,
        entry: entry::from_row(&mut row)?,
    })
}

/// Source, class and position: the place of a finding.
pub(crate) type FindingKey = (String, String, String);

/// The next findings after a key, each with its source and the pass that met it.
pub(crate) async fn findings(
    db: &impl Db,
    namespace: &Namespace,
    after: &FindingKey,
) -> Result<Vec<(String, i64, Finding)>> {
    let sql = "SELECT source, pass, class, position, name, version, detail FROM finding \
               WHERE namespace = ?1 AND (source, class, position) > (?2, ?3, ?4) \
               ORDER BY source, class, position LIMIT ?5";
    let parameters = vec![
        namespace.as_str().into(),
        after.0.as_str().into(),
        after.1.as_str().into(),
        after.2.as_str().into(),
        limit(),
    ];
    let finding = |mut row: Row| {
        let (source, pass) = (row.text()?, row.integer()?);
        let finding = Finding {
            class: Class::from_row(&row.text()?)?,
            position: row.text()?,
            name: row.text()?,
            version: row.text()?,
            detail: row.text()?,
        };
        Ok((source, pass, finding))
    };
    let rows = db.query(sql, parameters).await?;
    rows.into_iter().map(finding).collect()
}

/// The next steps of the change feed after a number.
pub(crate) async fn changes(db: &impl Db, namespace: &Namespace, after: i64) -> Result<Vec<Feed>> {
    let sql = "SELECT seq, registry, kind, name, version, op, digest, changed_at FROM change \
               WHERE namespace = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let feed = |mut row: Row| {
        Ok(Feed {
            seq: row.integer()?,
            registry: row.text()?,
            kind: row.text()?,
            name: row.text()?,
            version: row.text()?,
            op: Op::from_row(&row.text()?)?,
            digest: Digest::from_row(&row.blob()?)?,
            changed_at: Timestamp::from_micros(row.integer()?),
        })
    };
    let parameters = vec![namespace.as_str().into(), after.into(), limit()];
    let rows = db.query(sql, parameters).await?;
    rows.into_iter().map(feed).collect()
}

/// Ids and texts of some entries, whichever; none when there are none left.
pub(crate) async fn some_texts(db: &impl Db, namespace: &Namespace) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT id, search FROM entry WHERE namespace = ?1 LIMIT ?2";
    let rows = db
        .query(sql, vec![namespace.as_str().into(), limit()])
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.integer()?, row.text()?)))
        .collect()
}

/// Removes entries that nobody was ever shown, with their texts.
pub(crate) fn delete_entries(engine: Engine, entries: &[(i64, String)]) -> Vec<Statement> {
    let texts = entries
        .iter()
        .flat_map(|(id, text)| dialect::index_text(engine, *id, Some(text), None));
    let mut statements: Vec<Statement> = texts.collect();
    statements.push(Statement::new(
        format!(
            "DELETE FROM entry WHERE id IN ({})",
            placeholders(1, entries.len())
        ),
        entries.iter().map(|(id, _)| (*id).into()).collect(),
    ));
    statements
}
