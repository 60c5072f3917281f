//! Registries: ordered views over sources, as configured.

use super::{Db, Row, Statement};
use crate::{Result, model::Namespace};

/// A registry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    pub name: String,
    pub is_default: bool,
    /// Hides records with warnings.
    pub valid_only: bool,
    /// All its sources have been read whole once.
    pub loaded: bool,
    /// Its view was made by this configuration.
    pub(crate) projected: bool,
    /// Records shown and not deleted, as of the last pass.
    pub records: i64,
    /// Different names among them.
    pub names: i64,
    /// The earlier one shadows the later one.
    pub sources: Vec<String>,
}

impl Registry {
    /// Whether both come from the same configuration.
    pub(crate) fn is_defined_like(&self, other: &Self) -> bool {
        self.is_default == other.is_default
            && self.valid_only == other.valid_only
            && self.sources == other.sources
    }
}

const LIST: &str = "SELECT r.name, r.is_default, r.valid_only, r.loaded, r.projected, r.records, \
    r.names, s.source FROM registry r \
    LEFT JOIN registry_source s ON s.namespace = r.namespace AND s.registry = r.name \
    WHERE r.namespace = ?1 ORDER BY r.is_default DESC, r.name, s.position";

/// All registries, the default one first.
pub(crate) async fn list(db: &impl Db, namespace: &Namespace) -> Result<Vec<Registry>> {
    let mut registries: Vec<Registry> = Vec::new();
    for row in db.query(LIST, vec![namespace.as_str().into()]).await? {
        let registry = from_row(row)?;
        match registries.last_mut() {
            Some(last) if last.name == registry.name => last.sources.extend(registry.sources),
            _ => registries.push(registry),
        }
    }
    Ok(registries)
}

fn from_row(mut row: Row) -> Result<Registry> {
    Ok(Registry {
        name: row.text()?,
        is_default: row.boolean()?,
        valid_only: row.boolean()?,
        loaded: row.boolean()?,
        projected: row.boolean()?,
        records: row.integer()?,
        names: row.integer()?,
        sources: row.optional_text()?.into_iter().collect(),
    })
}

/// Whether there is one of that name; an empty name asks for the default one.
pub(crate) async fn exists(db: &impl Db, namespace: &Namespace, name: &str) -> Result<bool> {
    let sql = "SELECT name FROM registry WHERE namespace = ?1 AND (name = ?2 OR (?2 = '' AND is_default = 1)) LIMIT 1";
    let rows = db
        .query(sql, vec![namespace.as_str().into(), name.into()])
        .await?;
    Ok(!rows.is_empty())
}

/// Counts anew what every registry shows: for people and metrics, so that nobody has to count when asked.
pub(crate) fn update_counts(namespace: &Namespace) -> Statement {
    let shown = "FROM view v WHERE v.namespace = registry.namespace AND v.registry = registry.name \
                 AND v.status <> 'deleted'";
    Statement::new(
        format!(
            "UPDATE registry SET records = (SELECT count(*) {shown}), \
             names = (SELECT count(*) {shown} AND v.latest = 1) WHERE namespace = ?1"
        ),
        vec![namespace.as_str().into()],
    )
}

/// The registry as given, with its sources in order. Whether it has been loaded is kept when it is known already.
pub(crate) fn upsert(namespace: &Namespace, registry: &Registry) -> Vec<Statement> {
    let mut statements = vec![
        Statement::new(
            "INSERT INTO registry (namespace, name, is_default, valid_only, loaded, projected, records, names) \
             VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0) ON CONFLICT (namespace, name) DO UPDATE SET \
             is_default = excluded.is_default, valid_only = excluded.valid_only, projected = 0",
            vec![
                namespace.as_str().into(),
                registry.name.as_str().into(),
                registry.is_default.into(),
                registry.valid_only.into(),
            ],
        ),
        delete_sources(namespace, &registry.name),
    ];
    statements.extend(insert_sources(namespace, registry));
    statements
}

/// A registry as it stood elsewhere.
pub(crate) fn insert(namespace: &Namespace, registry: &Registry) -> Vec<Statement> {
    let mut statements = vec![Statement::new(
        "INSERT INTO registry (namespace, name, is_default, valid_only, loaded, projected, records, names) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        vec![
            namespace.as_str().into(),
            registry.name.as_str().into(),
            registry.is_default.into(),
            registry.valid_only.into(),
            registry.loaded.into(),
            registry.projected.into(),
            registry.records.into(),
            registry.names.into(),
        ],
    )];
    statements.extend(insert_sources(namespace, registry));
    statements
}

fn insert_sources(namespace: &Namespace, registry: &Registry) -> impl Iterator<Item = Statement> {
    let row = |(position, source): (i64, &String)| {
        Statement::new(
            "INSERT INTO registry_source (namespace, registry, position, source) VALUES (?1, ?2, ?3, ?4)",
            vec![
                namespace.as_str().into(),
                registry.name.as_str().into(),
                position.into(),
                source.as_str().into(),
            ],
        )
    };
    (0_i64..).zip(&registry.sources).map(row)
}

fn delete_sources(namespace: &Namespace, registry: &str) -> Statement {
    Statement::new(
        "DELETE FROM registry_source WHERE namespace = ?1 AND registry = ?2",
        vec![namespace.as_str().into(), registry.into()],
    )
}

pub(crate) fn delete(namespace: &Namespace, registry: &str) -> Vec<Statement> {
    vec![
        delete_sources(namespace, registry),
        Statement::new(
            "DELETE FROM registry WHERE namespace = ?1 AND name = ?2",
            vec![namespace.as_str().into(), registry.into()],
        ),
    ]
}

/// Its view now follows its configuration.
pub(crate) fn update_projected(namespace: &Namespace, registry: &str) -> Statement {
    Statement::new(
        "UPDATE registry SET projected = 1 WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), registry.into()],
    )
}

/// Marks those as loaded whose sources have all been read whole.
pub(crate) fn update_loaded(namespace: &Namespace) -> Statement {
    Statement::new(
        "UPDATE registry SET loaded = 1 WHERE namespace = ?1 AND loaded = 0 AND NOT EXISTS (\
         SELECT 1 FROM registry_source rs JOIN source s ON s.namespace = rs.namespace AND s.name = rs.source \
         WHERE rs.namespace = registry.namespace AND rs.registry = registry.name AND s.full_pass_at IS NULL)",
        vec![namespace.as_str().into()],
    )
}
