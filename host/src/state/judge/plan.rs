//! Finds out from DuckDB's own plan what a statement does.

use std::fmt;

use duckdb::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::state::database_error::DatabaseError;

/// What a statement does to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It writes rows of a table.
    Writes(ObjectName),
    /// It creates an object.
    Creates(ObjectKind, ObjectName),
    /// It creates an index of a table.
    Indexes(ObjectName),
    /// It changes an object.
    Alters {
        /// The object.
        object: ObjectName,
        /// Its kind and its new name, if it is renamed.
        renamed: Option<(ObjectKind, String)>,
    },
    /// It drops an object.
    Drops(ObjectKind, ObjectName),
    /// It reads, or does something that only the host may do.
    Other,
}

/// The name of an object of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectName {
    /// The object's own name.
    pub(crate) name: String,
    /// Where the object is.
    pub(crate) place: Place,
}

/// The place of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the main schema of the state file.
    Main,
    /// In another schema, in DuckDB's own catalogue, or only on the connection.
    Elsewhere,
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// An index of a table.
    Index,
    /// A sequence of numbers.
    Sequence,
    /// A macro, of a value or of a table.
    Macro,
    /// A type.
    Type,
    /// A kind that no processor creates, such as a schema.
    Other,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Index => "index",
            Self::Sequence => "sequence",
            Self::Macro => "macro",
            Self::Type => "type",
            Self::Other => "object",
        })
    }
}

/// A plan: what the statement does, and the functions that it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) effect: Effect,
    pub(crate) functions: Vec<String>,
    /// Whether it takes a sample of rows, which is another one each time.
    pub(crate) samples: bool,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPlan {
    /// DuckDB rejects the statement itself.
    #[error("{0}")]
    Refused(String),
    /// DuckDB has a plan, but cannot report it, because a parameter has no type.
    #[error("DuckDB cannot report what the statement writes: give each parameter a type, such as `?::BIGINT`")]
    Untyped,
    /// DuckDB cannot report plans of such statements.
    #[error("DuckDB cannot report what the statement does ({0})")]
    Untold(String),
    /// The database cannot answer.
    #[error("{0}")]
    Database(DatabaseError),
}

impl From<duckdb::Error> for NoPlan {
    fn from(error: duckdb::Error) -> Self {
        Self::Database(error.into())
    }
}

/// DuckDB's plan of a text, which must be one statement: of several, DuckDB would execute all but the last here.
pub(crate) fn plan_of(connection: &Connection, sql: &str) -> Result<Plan, NoPlan> {
    let asking = "SELECT system.main.json_serialize_plan(CAST(? AS VARCHAR))";
    let mut statement = connection.prepare_cached(asking)?;
    let plan: String = statement.query_row([sql], |row| row.get(0))?;
    let plan = read(&plan).map_err(|error| NoPlan::Untold(error.to_string()))?;
    let Found { functions, samples } = found_in(&plan);
    let told = Told::deserialize(&plan).map_err(|error| NoPlan::Untold(error.to_string()))?;
    if told.error {
        return Err(match told.error_type.as_str() {
            "internal" => NoPlan::Untyped,
            // The statement reads or writes files, or is of a kind that has no plan.
            "permission" | "invalid input" | "not implemented" => NoPlan::Untold(told.error_message),
            // DuckDB's answer for every PRAGMA that it does not read as a SELECT.
            "binder" if told.error_message.starts_with("PRAGMA function") => NoPlan::Untold(told.error_message),
            // Only when DuckDB prepares the statement does its error name the place in the text.
            class => match connection.prepare(sql) {
                Err(error) => error.into(),
                Ok(_) => NoPlan::Refused(format!("{} Error: {}", capitalized(class), told.error_message)),
            },
        });
    }
    match <[Operator; 1]>::try_from(told.plans) {
        Ok([root]) => Ok(Plan {
            effect: root.effect(),
            functions,
            samples,
        }),
        Err(plans) => Err(NoPlan::Untold(format!("{} plans", plans.len()))),
    }
}

/// Reads a plan, which may be as deep as DuckDB allows.
fn read(plan: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(plan);
    deserializer.disable_recursion_limit();
    Value::deserialize(&mut deserializer)
}

/// What stands anywhere in a plan.
#[derive(Default)]
struct Found {
    /// The functions: bound ones of the statement itself, unbound ones of a view or a macro that it creates, and of the
    /// default values of the table that it writes to.
    functions: Vec<String>,
    samples: bool,
}

fn found_in(plan: &Value) -> Found {
    /// The name that a plan has for every table.
    const OF_TABLES: &str = "seq_scan";
    let mut found = Found::default();
    let mut left = vec![plan];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                let bound = members.get("name").filter(|_| members.contains_key("has_serialize"));
                let bound = bound.and_then(Value::as_str).filter(|name| *name != OF_TABLES);
                let unbound = members.get("function_name").and_then(Value::as_str);
                found
                    .functions
                    .extend(bound.into_iter().chain(unbound).map(str::to_owned));
                found.samples |= members.get("type").and_then(Value::as_str) == Some("LOGICAL_SAMPLE");
                left.extend(members.values());
            }
            Value::Array(elements) => left.extend(elements),
            _ => {}
        }
    }
    found
}

/// The class of an error, written as in DuckDB's own messages.
fn capitalized(class: &str) -> String {
    let mut letters = class.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The JSON that `json_serialize_plan` returns.
#[derive(Deserialize)]
struct Told {
    error: bool,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    plans: Vec<Operator>,
}

#[derive(Deserialize)]
struct Operator {
    #[serde(rename = "type")]
    operator: String,
    #[serde(default)]
    children: Vec<Operator>,
    #[serde(default)]
    table_info: Option<Info>,
    #[serde(default)]
    info: Option<Info>,
}

/// What a plan says about an object. Which fields it has depends on the operator.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    #[serde(rename = "type")]
    entry: String,
    catalog: String,
    schema: String,
    temporary: bool,
    table: String,
    view_name: String,
    name: String,
    new_table_name: Option<String>,
    new_view_name: Option<String>,
}

impl Operator {
    fn effect(self) -> Effect {
        let info = self.info.unwrap_or_default();
        match self.operator.as_str() {
            "LOGICAL_INSERT" | "LOGICAL_DELETE" | "LOGICAL_UPDATE" | "LOGICAL_MERGE_INTO" => {
                let table = self.table_info.unwrap_or_default();
                Effect::Writes(table.named(&table.table))
            }
            "LOGICAL_CREATE_TABLE" => Effect::Creates(ObjectKind::Table, info.named(&info.table)),
            "LOGICAL_CREATE_VIEW" => Effect::Creates(ObjectKind::View, info.named(&info.view_name)),
            "LOGICAL_CREATE_SEQUENCE" => Effect::Creates(ObjectKind::Sequence, info.named(&info.name)),
            "LOGICAL_CREATE_MACRO" => Effect::Creates(ObjectKind::Macro, info.named(&info.name)),
            "LOGICAL_CREATE_TYPE" => Effect::Creates(ObjectKind::Type, info.named(&info.name)),
            "LOGICAL_CREATE_INDEX" => Effect::Indexes(info.named(&info.table)),
            "LOGICAL_DROP" => Effect::Drops(info.kind(), info.named(&info.name)),
            "LOGICAL_ALTER" => info.altered(),
            // RETURNING and WITH put these above a statement that writes.
            "LOGICAL_PROJECTION" | "LOGICAL_MATERIALIZED_CTE" => {
                let mut below = self.children.into_iter().map(Self::effect);
                below.find(|effect| *effect != Effect::Other).unwrap_or(Effect::Other)
            }
            _ => Effect::Other,
        }
    }
}

impl Info {
    fn named(&self, name: &str) -> ObjectName {
        let is_main = matches!(self.schema.as_str(), "" | "main");
        let is_of_duckdb = matches!(self.catalog.as_str(), "temp" | "system");
        ObjectName {
            name: name.to_owned(),
            // A statement that drops a missing object names no schema.
            place: match is_main && !is_of_duckdb && !self.temporary {
                true => Place::Main,
                false => Place::Elsewhere,
            },
        }
    }

    fn kind(&self) -> ObjectKind {
        match self.entry.as_str() {
            "TABLE_ENTRY" => ObjectKind::Table,
            "VIEW_ENTRY" => ObjectKind::View,
            "INDEX_ENTRY" => ObjectKind::Index,
            "SEQUENCE_ENTRY" => ObjectKind::Sequence,
            "MACRO_ENTRY" | "TABLE_MACRO_ENTRY" => ObjectKind::Macro,
            "TYPE_ENTRY" => ObjectKind::Type,
            _ => ObjectKind::Other,
        }
    }

    fn altered(&self) -> Effect {
        let table = self.new_table_name.clone().map(|name| (ObjectKind::Table, name));
        let view = self.new_view_name.clone().map(|name| (ObjectKind::View, name));
        Effect::Alters {
            object: self.named(&self.name),
            renamed: table.or(view),
        }
    }
}
