//! `spin:postgres`: the configured server behind the guest's connections. A guest names it by [`ADDRESS`] and never
//! learns where it is or what the password is; its standby has a name of its own. No other address leads anywhere.
#![expect(
    clippy::result_large_err,
    reason = "the interface's error carries all that a server says"
)]

use cairn_registry::store::Value as Stored;
use wasmtime::{
    Result,
    component::{Access, Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader},
};

use super::bindings::spin::postgres::postgres::{
    Column, DbDataType, DbError, DbValue, Error, Host, HostConnection, HostConnectionBuilder,
    HostConnectionBuilderWithStore, HostConnectionWithStore, ParameterValue, QueryError, RowSet,
};
use crate::db::{
    Store,
    postgres::{self, Answer, Failure, SILENT, Session, UNREACHED},
};

/// What stands for the configured server: the value of the guest's variable `database_url`.
pub const ADDRESS: &str = "postgres://configured";

/// What stands for its standby: the value of `database_read_url`, where there is one.
pub const READ_ADDRESS: &str = "postgres://configured/standby";

/// A connection that is not open yet.
pub struct Builder {
    address: String,
}

/// The interface's part of an instance.
pub(crate) struct Postgres<'a> {
    pub(crate) db: &'a Store,
    pub(crate) table: &'a mut ResourceTable,
}

/// Names [`Postgres`] for the linker.
pub(crate) struct HasPostgres;

impl HasData for HasPostgres {
    type Data<'a> = Postgres<'a>;
}

type Reply<T> = Result<std::result::Result<T, Error>>;
type Streamed = (
    Vec<Column>,
    StreamReader<Vec<DbValue>>,
    FutureReader<std::result::Result<(), Error>>,
);

impl Postgres<'_> {
    /// Nothing is connected before the first statement.
    fn connect(&mut self, address: &str) -> Reply<Resource<Session>> {
        let session = match self.db {
            Store::Postgres(db) if address == ADDRESS => Some(db.guest_session()),
            Store::Postgres(db) if address == READ_ADDRESS => db.reading_session(),
            Store::Postgres(_) | Store::Libsql(_) => None,
        };
        match session {
            Some(session) => Ok(Ok(self.table.push(session)?)),
            None => Ok(Err(Error::ConnectionFailed(
                "this address is not granted".to_owned(),
            ))),
        }
    }

    fn session(&self, connection: &Resource<Session>) -> Result<Session> {
        Ok(self.table.get(connection)?.clone())
    }
}

impl Host for Postgres<'_> {}

impl HostConnectionBuilder for Postgres<'_> {
    fn new(&mut self, address: String) -> Result<Resource<Builder>> {
        Ok(self.table.push(Builder { address })?)
    }

    fn set_ca_root(&mut self, _: Resource<Builder>, _: String) -> Reply<()> {
        let refused = "whom to trust is for the configuration to say: database.sslRootCert";
        Ok(Err(Error::Other(refused.to_owned())))
    }

    async fn build(&mut self, builder: Resource<Builder>) -> Reply<Resource<Session>> {
        let address = self.table.get(&builder)?.address.clone();
        self.connect(&address)
    }

    fn drop(&mut self, builder: Resource<Builder>) -> Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for HasPostgres {
    async fn build_async(
        store: &Accessor<T, Self>,
        builder: Resource<Builder>,
    ) -> Reply<Resource<Session>> {
        store.with(|mut store| {
            let mut host = store.get();
            let address = host.table.get(&builder)?.address.clone();
            host.connect(&address)
        })
    }
}

impl HostConnection for Postgres<'_> {
    async fn open(&mut self, address: String) -> Reply<Resource<Session>> {
        self.connect(&address)
    }

    async fn query(
        &mut self,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<RowSet> {
        let session = self.session(&connection)?;
        Ok(run(&session, &statement, parameters).await.map(row_set))
    }

    async fn execute(
        &mut self,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<u64> {
        let session = self.session(&connection)?;
        Ok(run(&session, &statement, parameters)
            .await
            .map(|answer| answer.count))
    }

    fn drop(&mut self, connection: Resource<Session>) -> Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for HasPostgres {
    async fn open_async(store: &Accessor<T, Self>, address: String) -> Reply<Resource<Session>> {
        store.with(|mut store| store.get().connect(&address))
    }

    async fn query_async(
        store: &Accessor<T, Self>,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<Streamed> {
        let session = store.with(|mut store| store.get().session(&connection))?;
        match run(&session, &statement, parameters).await {
            Ok(answer) => store.with(|store| streamed(store, row_set(answer)).map(Ok)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute_async(
        store: &Accessor<T, Self>,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<u64> {
        let session = store.with(|mut store| store.get().session(&connection))?;
        let answer = run(&session, &statement, parameters).await;
        Ok(answer.map(|answer| answer.count))
    }
}

async fn run(
    session: &Session,
    statement: &str,
    parameters: Vec<ParameterValue>,
) -> std::result::Result<Answer, Error> {
    let parameters = parameters
        .into_iter()
        .map(lift)
        .collect::<std::result::Result<Vec<_>, _>>()?;
    session.run(statement, &parameters).await.map_err(failed)
}

/// The rows are all here already: callers bound them, and a cursor kept open would keep its connection.
fn streamed<T>(mut store: Access<'_, T, HasPostgres>, rows: RowSet) -> Result<Streamed> {
    let stream = StreamReader::new(&mut store, rows.rows)?;
    let finished = FutureReader::new(&mut store, async { wasmtime::error::Ok(Ok(())) })?;
    Ok((rows.columns, stream, finished))
}

/// Types that no statement of the registry has are refused: whoever needs them will say what they have to be.
fn lift(value: ParameterValue) -> std::result::Result<Stored, Error> {
    Ok(match value {
        ParameterValue::DbNull => Stored::Null,
        ParameterValue::Boolean(value) => Stored::Integer(value.into()),
        ParameterValue::Int8(value) => Stored::Integer(value.into()),
        ParameterValue::Int16(value) => Stored::Integer(value.into()),
        ParameterValue::Int32(value) => Stored::Integer(value.into()),
        ParameterValue::Int64(value) => Stored::Integer(value),
        ParameterValue::Floating32(value) => Stored::Real(value.into()),
        ParameterValue::Floating64(value) => Stored::Real(value),
        ParameterValue::Str(value) => Stored::Text(value),
        ParameterValue::Binary(value) => Stored::Blob(value),
        other => {
            let told = format!("this host does not take parameters such as {other:?}");
            return Err(Error::BadParameter(told));
        }
    })
}

fn row_set(answer: Answer) -> RowSet {
    let columns: Vec<Column> = answer.columns.into_iter().map(column).collect();
    let row = |row: Vec<Stored>| {
        let typed = row.into_iter().zip(&columns);
        typed
            .map(|(value, column)| lower(value, &column.data_type))
            .collect()
    };
    let rows = answer.rows.into_iter().map(row).collect();
    RowSet { columns, rows }
}

fn column(column: postgres::Column) -> Column {
    Column {
        name: column.name,
        data_type: match column.kind.as_str() {
            "bool" => DbDataType::Boolean,
            "int2" => DbDataType::Int16,
            "int4" => DbDataType::Int32,
            "int8" => DbDataType::Int64,
            "float4" => DbDataType::Floating32,
            "float8" => DbDataType::Floating64,
            "text" | "varchar" | "bpchar" | "name" => DbDataType::Str,
            "bytea" => DbDataType::Binary,
            _ => DbDataType::Other(column.kind),
        },
    }
}

/// As wide as its column is. What was read as a number of that width fits.
fn lower(value: Stored, kind: &DbDataType) -> DbValue {
    match (value, kind) {
        (Stored::Null, _) => DbValue::DbNull,
        (Stored::Integer(value), DbDataType::Boolean) => DbValue::Boolean(value != 0),
        (Stored::Integer(value), DbDataType::Int16) => {
            DbValue::Int16(i16::try_from(value).unwrap_or_default())
        }
        (Stored::Integer(value), DbDataType::Int32) => {
            DbValue::Int32(i32::try_from(value).unwrap_or_default())
        }
        (Stored::Integer(value), _) => DbValue::Int64(value),
        (Stored::Real(value), _) => DbValue::Floating64(value),
        (Stored::Text(value), _) => DbValue::Str(value),
        (Stored::Blob(value), _) => DbValue::Binary(value),
    }
}

fn failed(failure: Failure) -> Error {
    match failure {
        Failure::Refused(refusal) => Error::QueryFailed(QueryError::DbError(DbError {
            as_text: refusal.text,
            severity: refusal.severity,
            code: refusal.code,
            message: refusal.message,
            detail: refusal.detail,
            extras: Vec::new(),
        })),
        // Another connection would not be answered either, and the request has no time for it.
        Failure::Unreachable(SILENT, told) => Error::Other(format!("{SILENT}: {told}")),
        // What a failed connection is called, the guest knows by itself.
        Failure::Unreachable(message, told) => Error::ConnectionFailed(if message == UNREACHED {
            told
        } else {
            format!("{message}: {told}")
        }),
        // A guest is not told of files.
        Failure::Unconfigured(_) => Error::ConnectionFailed("no password".to_owned()),
        Failure::Unsent(told) => Error::BadParameter(told),
    }
}
