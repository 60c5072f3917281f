//! What a guest means by a connection. Reading statements go to the shared pool; the first one that is more than
//! reading gives the session a connection of its own, so that transactions of two guests never meet.

use std::sync::{Arc, Mutex};

use cairn_registry::{Error, Result, store::Value};

pub use super::connection::Table;
use super::{
    Libsql,
    connection::{Connection, Role, failed},
    libsql::lock,
};

/// A guest's connection.
pub struct Session {
    db: Arc<Libsql>,
    own: Arc<Mutex<Option<Connection>>>,
    /// From the first write on, what the guest reads must be what it wrote.
    writes: bool,
}

impl Session {
    pub(super) fn new(db: Arc<Libsql>) -> Self {
        Self {
            db,
            own: Arc::default(),
            writes: false,
        }
    }

    /// Runs a reading statement at once on the caller's thread; `None` when it must go to [`Session::run`].
    pub fn read(&self, sql: &str, parameters: &[Value]) -> Result<Option<Table>> {
        if self.writes || !is_reading(sql) {
            return Ok(None);
        }
        self.db.read(sql, parameters)
    }

    /// Runs any statement on the session's own connection. It may wait for another writer, and so takes a thread that
    /// may wait.
    pub fn run(
        &mut self,
        sql: String,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Table>> + Send + use<> {
        self.writes = true;
        let (db, own) = (Arc::clone(&self.db), Arc::clone(&self.own));
        async move {
            tokio::task::spawn_blocking(move || run(&db, &own, &sql, &parameters))
                .await
                .map_err(|panic| Error::internal(panic.to_string()))?
        }
    }

    /// Row number of the last insert, 0 before there was one.
    #[must_use]
    pub fn last_insert_rowid(&self) -> i64 {
        lock(&self.own)
            .as_ref()
            .map_or(0, Connection::last_insert_rowid)
    }

    /// Rows that the last writing statement changed.
    #[must_use]
    pub fn changes(&self) -> u64 {
        lock(&self.own).as_ref().map_or(0, Connection::changes)
    }
}

fn run(
    db: &Libsql,
    own: &Mutex<Option<Connection>>,
    sql: &str,
    parameters: &[Value],
) -> Result<Table> {
    let mut slot = lock(own);
    let connection = match &mut *slot {
        Some(connection) => connection,
        empty => empty.insert(db.connect(Role::Writer)?),
    };
    let table = connection.query(sql, parameters).map_err(failed)?;
    if !connection.in_transaction() {
        db.moved();
    }
    Ok(table)
}

/// By its first word. `WITH` may lead to a write: then the reader refuses, and the statement goes the other way.
fn is_reading(sql: &str) -> bool {
    let word = sql
        .trim_start()
        .split(|c: char| !c.is_ascii_alphabetic())
        .next();
    word.is_some_and(|word| {
        ["SELECT", "WITH", "VALUES"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    })
}
