//! `spin:sqlite`: one database, named `default`, behind the guest's connections.

use cairn_registry::{Error as Failure, ErrorKind, store::Value as Stored};
use wasmtime::{
    Result,
    component::{Access, Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader},
};

use super::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::db::{Session, Store, Table};

/// The interface's part of an instance.
pub(crate) struct Sqlite<'a> {
    pub(crate) db: &'a Store,
    pub(crate) table: &'a mut ResourceTable,
}

/// Names [`Sqlite`] for the linker.
pub(crate) struct HasSqlite;

impl HasData for HasSqlite {
    type Data<'a> = Sqlite<'a>;
}

type Answer<T> = Result<std::result::Result<T, Error>>;
type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<std::result::Result<(), Error>>,
);

impl Host for Sqlite<'_> {}

impl HostConnection for Sqlite<'_> {
    fn open(&mut self, database: String) -> Answer<Resource<Session>> {
        match self.db {
            Store::Libsql(db) if database == "default" => Ok(Ok(self.table.push(db.session())?)),
            Store::Libsql(_) | Store::Postgres(_) => Ok(Err(Error::NoSuchDatabase)),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<QueryResult> {
        let session = self.table.get_mut(&connection)?;
        let table = match begin(session, statement, parameters) {
            Begun::Done(table) => table,
            Begun::Waits(table) => table.await,
        };
        Ok(table.map(result).map_err(|failure| failed(&failure)))
    }

    fn last_insert_rowid(&mut self, connection: Resource<Session>) -> Result<i64> {
        Ok(self.table.get(&connection)?.last_insert_rowid())
    }

    fn changes(&mut self, connection: Resource<Session>) -> Result<u64> {
        Ok(self.table.get(&connection)?.changes())
    }

    fn drop(&mut self, connection: Resource<Session>) -> Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T> HostConnectionWithStore<T> for HasSqlite {
    async fn open_async(store: &Accessor<T, Self>, database: String) -> Answer<Resource<Session>> {
        store.with(|mut store| store.get().open(database))
    }

    async fn execute_async(
        store: &Accessor<T, Self>,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<Streamed> {
        let begun = store.with(|mut store| {
            let session = store.get().table.get_mut(&connection)?;
            wasmtime::error::Ok(begin(session, statement, parameters))
        })?;
        let table = match begun {
            Begun::Done(table) => table,
            Begun::Waits(table) => table.await,
        };
        match table {
            Ok(table) => store.with(|store| streamed(store, result(table)).map(Ok)),
            Err(failure) => Ok(Err(failed(&failure))),
        }
    }

    async fn last_insert_rowid_async(
        store: &Accessor<T, Self>,
        connection: Resource<Session>,
    ) -> Result<i64> {
        store.with(|mut store| store.get().last_insert_rowid(connection))
    }

    async fn changes_async(
        store: &Accessor<T, Self>,
        connection: Resource<Session>,
    ) -> Result<u64> {
        store.with(|mut store| store.get().changes(connection))
    }
}

/// A statement that is done, or one that waits for its turn to write.
enum Begun<F> {
    Done(cairn_registry::Result<Table>),
    Waits(F),
}

fn begin(
    session: &mut Session,
    statement: String,
    parameters: Vec<Value>,
) -> Begun<impl Future<Output = cairn_registry::Result<Table>> + Send + use<>> {
    let parameters: Vec<_> = parameters.into_iter().map(lift).collect();
    match session.read(&statement, &parameters) {
        Ok(Some(table)) => Begun::Done(Ok(table)),
        Ok(None) => Begun::Waits(session.run(statement, parameters)),
        Err(failure) => Begun::Done(Err(failure)),
    }
}

/// The rows are all here already: callers bound them, and a cursor kept open would keep the log from being folded.
fn streamed<T>(mut store: Access<'_, T, HasSqlite>, result: QueryResult) -> Result<Streamed> {
    let rows = StreamReader::new(&mut store, result.rows)?;
    let finished = FutureReader::new(&mut store, async { wasmtime::error::Ok(Ok(())) })?;
    Ok((result.columns, rows, finished))
}

fn result(table: Table) -> QueryResult {
    let row = |row: Vec<Stored>| RowResult {
        values: row.into_iter().map(lower).collect(),
    };
    QueryResult {
        columns: table.columns,
        rows: table.rows.into_iter().map(row).collect(),
    }
}

fn lift(value: Value) -> Stored {
    match value {
        Value::Integer(value) => Stored::Integer(value),
        Value::Real(value) => Stored::Real(value),
        Value::Text(value) => Stored::Text(value),
        Value::Blob(value) => Stored::Blob(value),
        Value::Null => Stored::Null,
    }
}

fn lower(value: Stored) -> Value {
    match value {
        Stored::Integer(value) => Value::Integer(value),
        Stored::Real(value) => Value::Real(value),
        Stored::Text(value) => Value::Text(value),
        Stored::Blob(value) => Value::Blob(value),
        Stored::Null => Value::Null,
    }
}

/// The interface has one bag for all that is not its own case. The guest tells a missing schema by the engine's words,
/// which are the same in every host.
fn failed(failure: &Failure) -> Error {
    match failure.kind() {
        ErrorKind::Full => Error::DatabaseFull,
        _ => Error::Io(failure.cause().unwrap_or(failure.message()).to_owned()),
    }
}
