//! Values on their way to the server and back, in the protocol's binary form.

use std::error::Error as StdError;

use bytes::BytesMut;
use cairn_registry::store::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

type Result<T> = std::result::Result<T, Box<dyn StdError + Sync + Send>>;

/// Rows in full, with their columns.
#[derive(Debug, Default)]
pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    /// Rows returned or, by a statement that returns none, touched.
    pub count: u64,
}

/// A column of an [`Answer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The server's name of its type, such as `int8`.
    pub kind: String,
}

/// One parameter; without a value it is NULL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a>(pub(super) Option<&'a Value>);

impl ToSql for Cell<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull> {
        match (self.0, ty) {
            (None | Some(Value::Null), _) => Ok(IsNull::Yes),
            (Some(Value::Integer(value)), &Type::INT8) => value.to_sql(ty, out),
            (Some(Value::Integer(value)), &Type::INT4) => i32::try_from(*value)?.to_sql(ty, out),
            (Some(Value::Integer(value)), &Type::INT2) => i16::try_from(*value)?.to_sql(ty, out),
            (Some(Value::Integer(value)), &Type::BOOL) => (*value != 0).to_sql(ty, out),
            (Some(Value::Real(value)), &Type::FLOAT8) => value.to_sql(ty, out),
            (Some(Value::Text(text)), _) if <&str as ToSql>::accepts(ty) => text.to_sql(ty, out),
            (Some(Value::Blob(bytes)), &Type::BYTEA) => bytes.to_sql(ty, out),
            (Some(value), _) => Err(format!("{} given for {ty}", name(value)).into()),
        }
    }

    /// What does not fit is told by the value, not by its type.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Integer(_) => "integer",
        Value::Real(_) => "real",
        Value::Text(_) => "text",
        Value::Blob(_) => "blob",
    }
}

/// One column of a row.
pub(super) struct Lifted(pub(super) Value);

impl<'a> FromSql<'a> for Lifted {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Integer(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Integer(bool::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            _ => Value::Text(String::from_sql(ty, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8
                | Type::INT4
                | Type::INT2
                | Type::BOOL
                | Type::FLOAT8
                | Type::FLOAT4
                | Type::BYTEA
        ) || <String as FromSql>::accepts(ty)
    }
}
