//! A statement that a processor has run, and its parameters.

use duckdb::types::{TimeUnit, Value};
use session_plugin_api::abi::ValueKind;

use crate::{
    column::Column,
    state::commit::{
        destination::Destination,
        rules::{Accepted, Repeated},
        transaction_error::TransactionError,
    },
};

/// A statement of a processor that was run, and all that is needed to run it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// How many rows it changed.
    pub changed: u64,
    pub(super) sql: String,
    pub(super) parameters: Vec<Value>,
    pub(super) accepted: Accepted,
}

impl Executed {
    /// Tells the commits of a run if the statement wrote to a session table.
    pub fn tell(&self, destination: &Destination) {
        if let Accepted::Writes { table, .. } = &self.accepted
            && destination.has_session_table(table)
        {
            destination.before.has_executed();
        }
    }

    /// Whether it has the same effect if it is run again on the same rows.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        matches!(
            &self.accepted,
            Accepted::Writes {
                repeated: Repeated::Alike,
                ..
            }
        )
    }

    /// How many bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let of_parameter = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        let parameters: usize = self.parameters.iter().map(of_parameter).sum();
        size_of::<Self>() + self.sql.len() + size_of_val(&*self.parameters) + parameters
    }
}

/// The values of parameters, which are columns of one row.
///
/// # Errors
/// When a column has no value, or one that is not of its kind.
pub(super) fn values(parameters: &[Column<'_>]) -> Result<Vec<Value>, TransactionError> {
    let values = (1..).zip(parameters);
    values
        .map(|(place, column)| value(column).ok_or(TransactionError::Parameter { place }))
        .collect()
}

fn value(column: &Column<'_>) -> Option<Value> {
    if column.validity.first() == Some(&0) {
        return Some(Value::Null);
    }
    let integer = || column.integers.first().copied();
    Some(match column.kind {
        ValueKind::Null => Value::Null,
        ValueKind::Boolean => Value::Boolean(integer()? != 0),
        ValueKind::Integer => Value::BigInt(integer()?),
        ValueKind::Float => Value::Double(*column.floats.first()?),
        ValueKind::Text => Value::Text(String::from_utf8(column.bytes.to_vec()).ok()?),
        ValueKind::Timestamp => Value::Timestamp(TimeUnit::Microsecond, integer()?),
        ValueKind::Blob => Value::Blob(column.bytes.to_vec()),
    })
}
