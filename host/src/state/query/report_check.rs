//! Tries a report without reading a row: whether DuckDB accepts it, and whether it gives the declared columns.

use duckdb::{Statement, core::LogicalTypeId};
use session_plugin_api::{Report, ReportColumn, Timestamp, Unit};

use crate::{
    state::{
        engine::instance::Link,
        error::{Doing, StateError},
        judge::{refused::StatementRefused, statement::check_question},
        query::{
            ask::{QueryError, guarded, start},
            json,
            report::{PARAMETERS, ReportParameters, filters, with_report},
        },
    },
    week::WeekStart,
    zone::Zone,
};

/// Why a report is rejected.
#[derive(Debug, thiserror::Error)]
pub enum ReportRejected {
    /// It is not a single statement that reads.
    #[error(transparent)]
    Refused(StatementRefused),
    /// DuckDB rejects it.
    #[error(transparent)]
    Failed(#[from] StateError),
    /// It has a parameter that the host does not know.
    #[error("its SELECT has a parameter `${0}`, but the host binds only {PARAMETERS}")]
    Parameter(String),
    /// A declared column is missing.
    #[error("it declares a column `{declared}`, but its SELECT gives only {found}")]
    Missing {
        /// The declared column.
        declared: String,
        /// The columns of the SELECT.
        found: String,
    },
    /// A column is not declared.
    #[error("its SELECT gives a column `{0}` that it does not declare")]
    Undeclared(String),
    /// The values of a column do not fit its unit.
    #[error("column `{column}` has values of type {found}, but its unit needs {needed}: cast it, or change the unit")]
    Type {
        /// The column.
        column: String,
        /// The type of its values.
        found: String,
        /// The types that fit.
        needed: &'static str,
    },
    /// It cannot be tried.
    #[error("it cannot be tried: {0}")]
    Untried(QueryError),
}

impl From<QueryError> for ReportRejected {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Refused(refused) => Self::Refused(refused),
            QueryError::State(error) => Self::Failed(error),
            QueryError::UnknownParameter(name) => Self::Parameter(name),
            error => Self::Untried(error),
        }
    }
}

/// The column of the SELECT that gives warnings.
const WARNING: &str = "warning";

/// Tries a report, with all parameters set and with as few as possible. Returns the filters that it names.
pub(crate) fn check_report(link: &Link, report: &Report) -> Result<Vec<String>, ReportRejected> {
    check(link, report.sql(), report.columns())
}

/// Tries the SELECT that gives warnings.
pub(crate) fn check_warnings(link: &Link, sql: &str) -> Result<(), ReportRejected> {
    check(link, sql, &[ReportColumn::new(WARNING, "", Unit::Text)])?;
    Ok(())
}

/// Tries a SELECT that must give these columns.
pub(super) fn check_columns(link: &Link, sql: &str, columns: &[ReportColumn]) -> Result<(), ReportRejected> {
    check(link, sql, columns).map(drop)
}

fn check(link: &Link, sql: &str, declared: &[ReportColumn]) -> Result<Vec<String>, ReportRejected> {
    check_question(link, sql).map_err(ReportRejected::Refused)?;
    let found = found(link, sql)?;
    for columns in found.columns {
        compare(declared, &columns?)?;
    }
    Ok(found.filters)
}

/// The parameters with every value, and without those that may be unset.
fn samples() -> [ReportParameters; 2] {
    let unset = ReportParameters {
        since: None,
        until: None,
        username: None,
        project: None,
        zone: Zone::utc(),
        week_start: WeekStart::default(),
        now: Timestamp::from_micros(0),
    };
    let set = ReportParameters {
        since: Some(Timestamp::from_micros(0)),
        until: Some(Timestamp::from_micros(1)),
        username: Some("alice".to_owned()),
        project: Some("project".to_owned()),
        ..unset.clone()
    };
    [set, unset]
}

/// What a SELECT gives and takes.
struct Found {
    /// Its columns with each of the samples, or why it cannot be run with it.
    columns: [Result<Vec<FoundColumn>, QueryError>; 2],
    filters: Vec<String>,
}

/// A column of a SELECT.
struct FoundColumn {
    name: String,
    kind: Kind,
    data_type: String,
}

/// What the values of a column are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Time,
    Other,
    /// JSON cannot express them.
    Unwritable,
}

/// Runs a SELECT with the samples. It is prepared once, because DuckDB plans it again for the values of each sample anyway.
fn found(link: &Link, sql: &str) -> Result<Found, ReportRejected> {
    let samples = samples();
    let sql = with_report(link, sql, &Zone::utc().offsets()) + "SELECT * FROM report LIMIT 0";
    let found = guarded(link, u64::MAX, || {
        let mut statement = link.prepare(&sql).doing("try the report")?;
        Ok(Found {
            columns: samples.map(|parameters| columns(&mut statement, &parameters)),
            filters: filters(&statement),
        })
    });
    Ok(found?)
}

fn columns(statement: &mut Statement<'_>, parameters: &ReportParameters) -> Result<Vec<FoundColumn>, QueryError> {
    let values = parameters.values(statement)?;
    start(statement, &values)?;
    let names = statement.column_names().into_iter().enumerate();
    let columns = names.map(|(place, name)| {
        let of_column = statement.column_logical_type(place);
        let kind = match json::check_type(&of_column) {
            Ok(()) => kind(of_column.id()),
            Err(_) => Kind::Unwritable,
        };
        let data_type = format!("{:?}", of_column.id()).to_uppercase();
        FoundColumn { name, kind, data_type }
    });
    Ok(columns.collect())
}

fn kind(of: LogicalTypeId) -> Kind {
    use LogicalTypeId::{
        Bigint, Decimal, Double, Float, Hugeint, Integer, Smallint, Timestamp, TimestampMs, TimestampNs, TimestampS,
        Tinyint, UBigint, UInteger, USmallint, UTinyint,
    };
    match of {
        Tinyint | Smallint | Integer | Bigint | Hugeint | UTinyint | USmallint | UInteger | UBigint | Float
        | Double | Decimal => Kind::Number,
        Timestamp | TimestampS | TimestampMs | TimestampNs => Kind::Time,
        _ => Kind::Other,
    }
}

fn compare(declared: &[ReportColumn], found: &[FoundColumn]) -> Result<(), ReportRejected> {
    for column in declared {
        let is_named = |found: &&FoundColumn| found.name == column.name();
        let Some(found) = found.iter().find(is_named) else {
            let names: Vec<String> = found.iter().map(|found| format!("`{}`", found.name)).collect();
            return Err(ReportRejected::Missing {
                declared: column.name().to_owned(),
                found: names.join(", "),
            });
        };
        check_unit(column, found)?;
    }
    let is_undeclared = |found: &&FoundColumn| declared.iter().all(|column| column.name() != found.name);
    match found.iter().find(is_undeclared) {
        Some(found) => Err(ReportRejected::Undeclared(found.name.clone())),
        None => Ok(()),
    }
}

fn check_unit(column: &ReportColumn, found: &FoundColumn) -> Result<(), ReportRejected> {
    let needed = match column.unit() {
        Unit::Time if found.kind != Kind::Time => "TIMESTAMP",
        unit if unit.is_numeric() && found.kind != Kind::Number => "a number",
        _ if found.kind == Kind::Unwritable => "a type that JSON can express",
        _ => return Ok(()),
    };
    Err(ReportRejected::Type {
        column: column.name().to_owned(),
        found: found.data_type.clone(),
        needed,
    })
}
