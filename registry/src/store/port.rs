//! The port every engine stands behind: read rows, or run a batch. Its values are those of `spin:sqlite`, so that the
//! component moves rows through without copying.

use std::{borrow::Cow, future::Future};

use crate::{Error, Result};

/// Which dialect an adapter speaks. Which adapter is used is configuration alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// One value of a row or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    /// There is no boolean column type: 0 and 1 read the same on every engine.
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row, read column by column from the left.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn next(&mut self, wanted: &str) -> Result<Value> {
        self.0
            .next()
            .ok_or_else(|| Error::internal(format!("row ends before a column of type {wanted}")))
    }

    /// The next column, a number.
    pub fn integer(&mut self) -> Result<i64> {
        match self.next("integer")? {
            Value::Integer(value) => Ok(value),
            other => Err(mismatch("integer", &other)),
        }
    }

    /// The next column, a number or nothing.
    pub fn optional_integer(&mut self) -> Result<Option<i64>> {
        match self.next("integer")? {
            Value::Null => Ok(None),
            Value::Integer(value) => Ok(Some(value)),
            other => Err(mismatch("integer", &other)),
        }
    }

    /// The next column, a number that means yes or no.
    pub fn boolean(&mut self) -> Result<bool> {
        Ok(self.integer()? != 0)
    }

    /// The next column, a text.
    pub fn text(&mut self) -> Result<String> {
        match self.next("text")? {
            Value::Text(value) => Ok(value),
            other => Err(mismatch("text", &other)),
        }
    }

    /// The next column, a text or nothing.
    pub fn optional_text(&mut self) -> Result<Option<String>> {
        match self.next("text")? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(mismatch("text", &other)),
        }
    }

    /// The next column, bytes or nothing.
    pub fn optional_blob(&mut self) -> Result<Option<Vec<u8>>> {
        match self.next("blob")? {
            Value::Null => Ok(None),
            Value::Blob(value) => Ok(Some(value)),
            other => Err(mismatch("blob", &other)),
        }
    }

    /// The next column, bytes.
    pub fn blob(&mut self) -> Result<Vec<u8>> {
        match self.next("blob")? {
            Value::Blob(value) => Ok(value),
            other => Err(mismatch("blob", &other)),
        }
    }
}

fn mismatch(wanted: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Integer(_) => "integer",
        Value::Real(_) => "real",
        Value::Text(_) => "text",
        Value::Blob(_) => "blob",
    };
    Error::internal(format!("column holds {found} where {wanted} was expected"))
}

/// How many rows a statement of a batch must touch, else the whole batch is undone and [`crate::ErrorKind::Stale`]
/// comes back: guards are written as statements, since no code runs inside an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Any,
    Exactly(u64),
}

impl Expect {
    /// Whether a statement that touched so many rows did what it had to.
    pub fn check(self, touched: u64, sql: &str) -> Result<()> {
        match self {
            Self::Exactly(wanted) if touched != wanted => Err(Error::stale(
                "somebody else changed this at the same time: read again, then retry",
            )
            .because(format!("{touched} rows instead of {wanted}: {sql}"))),
            Self::Exactly(_) | Self::Any => Ok(()),
        }
    }
}

/// One statement of a batch.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: Cow<'static, str>,
    pub parameters: Vec<Value>,
    pub expect: Expect,
}

impl Statement {
    /// A statement that may touch any number of rows.
    pub fn new(sql: impl Into<Cow<'static, str>>, parameters: Vec<Value>) -> Self {
        Self {
            sql: sql.into(),
            parameters,
            expect: Expect::Any,
        }
    }

    /// A statement that must touch exactly `rows` rows.
    pub fn expecting(rows: u64, sql: impl Into<Cow<'static, str>>, parameters: Vec<Value>) -> Self {
        Self {
            expect: Expect::Exactly(rows),
            ..Self::new(sql, parameters)
        }
    }
}

/// An engine. Placeholders are `?1`, `?2` on every one; an adapter that needs others rewrites them.
pub trait Db: Sync {
    /// The dialect spoken.
    fn engine(&self) -> Engine;

    /// Runs one reading statement and gives all its rows: callers bound them by `LIMIT`.
    fn query(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs the statements in order in one transaction, all or none.
    fn batch(&self, statements: Vec<Statement>) -> impl Future<Output = Result<()>> + Send;
}
