//! The steps of every copy: make the tables, copy the rows, compare.

use super::{
    comparison::compare,
    ends::Ends,
    error::CopyError,
    mark::{self, Mark, Origin},
    rows,
    tables::{self, Table},
    told::{CopiedTable, Told},
};

/// A copy under way.
pub(super) struct Copying<'a> {
    pub(super) ends: &'a Ends,
    pub(super) origin: Origin,
    /// The target, for people.
    pub(super) to: String,
    /// How to remove an unfinished copy of another state.
    pub(super) remedy: String,
    /// Makes all tables anew, without rows, in place of those of an unfinished copy.
    pub(super) make: &'a dyn Fn() -> Result<(), CopyError>,
}

/// Where the rows begin.
enum Beginning {
    /// With the first one, in tables that were just made.
    Anew(Mark),
    /// Where an unfinished copy ended.
    GoesOn(Mark),
}

impl Copying<'_> {
    /// Copies what is missing, and compares all of it.
    ///
    /// # Errors
    /// When the target is a copy of something else, or a table cannot be copied or differs.
    pub(super) fn copy(&self, tell: &mut dyn FnMut(Told<'_>)) -> Result<Vec<CopiedTable>, CopyError> {
        match self.begin(tell)? {
            Beginning::Anew(mark) => self.copy_tables(&mark, tell),
            Beginning::GoesOn(mark) => match self.copy_tables(&mark, tell) {
                // Rows that moved may also meet a key.
                Err(CopyError::Differs { .. } | CopyError::Table { .. }) => {
                    let why = "the unfinished copy does not fit the state, which may have changed since";
                    tell(Told::BeginsAnew { why });
                    self.copy_tables(&self.begin_anew()?, tell)
                }
                copied => copied,
            },
        }
    }

    fn begin(&self, tell: &mut dyn FnMut(Told<'_>)) -> Result<Beginning, CopyError> {
        match mark::read(self.ends)? {
            None => self.begin_anew().map(Beginning::Anew),
            Some(mark) if mark.origin.source != self.origin.source => Err(CopyError::OtherCopy {
                to: self.to.clone(),
                of: mark.origin.source,
                remedy: self.remedy.clone(),
            }),
            Some(mark) if mark.origin != self.origin => {
                let why = "the tables of the state have changed since the unfinished copy";
                tell(Told::BeginsAnew { why });
                self.begin_anew().map(Beginning::Anew)
            }
            Some(mark) => {
                tell(Told::GoesOn);
                Ok(Beginning::GoesOn(mark))
            }
        }
    }

    fn begin_anew(&self) -> Result<Mark, CopyError> {
        (self.make)()?;
        mark::write(self.ends, &self.origin, &tables::tables(self.ends)?)?;
        Ok(Mark {
            origin: self.origin.clone(),
            reached: Default::default(),
        })
    }

    fn copy_tables(&self, mark: &Mark, tell: &mut dyn FnMut(Told<'_>)) -> Result<Vec<CopiedTable>, CopyError> {
        let tables = tables::tables(self.ends)?;
        for table in &tables {
            let reached = mark.reached.get(&table.name).copied().unwrap_or_default();
            rows::copy(self.ends, table, reached, &self.to, tell).map_err(|error| of_table(table, error))?;
        }
        let compared = tables.iter().map(|table| {
            let compared = compare(self.ends, table).map_err(|error| of_table(table, error))?;
            tell(Told::Same {
                table: &table.name,
                rows: compared.rows,
            });
            Ok(compared)
        });
        compared.collect()
    }
}

/// Names the table that something failed with.
fn of_table(table: &Table, error: CopyError) -> CopyError {
    match error {
        CopyError::State(reason) if !reason.is_fatal() => CopyError::Table {
            table: table.name.clone(),
            reason,
        },
        error => error,
    }
}
