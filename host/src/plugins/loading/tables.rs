//! Prepares the tables of a processor, and checks its reports against them.

use std::{collections::BTreeMap, sync::Arc};

use session_plugin_api::{Descriptor, Migration};

use super::{Loading, refused::Refused};
use crate::{
    names::ProcessorName,
    plugins::{
        load_options::{Tables, TriedReports},
        passed_trials::{Passed, Trials},
        reports::{ReportTrial, Reports},
    },
    state::{DeclaredTables, FilledTable, Reader, ReferenceRows, SchemaRefused, State},
};

impl Loading<'_> {
    /// Prepares its tables. Without given rows, the reference tables stay as they are.
    pub(super) fn tables(
        &mut self,
        name: &ProcessorName,
        migrations: &[Migration],
        session_tables: &[String],
        reference: Option<ReferenceRows>,
    ) -> Result<Vec<Arc<FilledTable>>, Refused> {
        let declared = DeclaredTables {
            processor: name,
            migrations,
            session_tables,
        };
        let prepare = |state: &State| -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
            let tables = state.prepare_processor(declared)?;
            if let Some(rows) = reference {
                state.replace_reference_rows(name, rows)?;
            }
            Ok(tables)
        };
        let state = match self.options.tables {
            Tables::Made(state) => state,
            Tables::Compared(state) => {
                self.pending = state.compare_processor(declared)?;
                return Ok(Vec::new());
            }
            Tables::LookedAt { state, scratch } => {
                if let Some(state) = state {
                    self.pending = state.compare_processor(declared)?;
                }
                // Migrations that the state already has are still tried, because other processors may build on these
                // tables.
                let is_known = state.is_some() && self.pending.len() < migrations.len();
                let tried = prepare(scratch);
                if is_known && tried.is_err() {
                    return Ok(Vec::new());
                }
                let tables = tried?;
                self.note_tables(migrations.len(), &tables);
                return Ok(tables);
            }
        };
        let tables = prepare(state)?;
        self.note_tables(migrations.len(), &tables);
        Ok(tables)
    }

    /// Checks its reports against its tables, where they are. Those of a new library are tried when somebody asks for them.
    pub(super) fn reports(
        &mut self,
        name: &ProcessorName,
        descriptor: &Descriptor,
        migrations: usize,
        copy: &str,
    ) -> ReportTrial {
        let known = self.trials.passed(copy).and_then(Passed::tried_reports).cloned();
        match (self.options.reports, self.options.tables) {
            (TriedReports::All, _) => {}
            (TriedReports::OfNewLibraries, Tables::Made(state)) if known.is_none() => {
                return self.trial_to_come(name, descriptor, copy, state);
            }
            (TriedReports::OfNewLibraries, _) if known.is_none() => {}
            (TriedReports::OfNewLibraries | TriedReports::None, _) => {
                return tried(Reports::check(name, descriptor, None, &known.unwrap_or_default()));
            }
        }
        let known = known.unwrap_or_default();
        let check = |reader: Option<&Reader>| tried(Reports::check(name, descriptor, reader, &known));
        match self.options.tables {
            Tables::Made(state) => {
                let reader = state.reader().ok();
                let reports = Reports::check(name, descriptor, reader.as_ref(), &known);
                if reader.is_some() {
                    self.trials.remember_reports(copy, reports.passed());
                }
                tried(reports)
            }
            Tables::Compared(state) => check(Some(state)),
            Tables::LookedAt { state, .. } if self.pending.is_empty() && state.is_some() => check(state),
            // Neither state has all its tables.
            Tables::LookedAt { state: Some(_), .. } if self.pending.len() < migrations => check(None),
            Tables::LookedAt { scratch, .. } => check(scratch.reader().ok().as_ref()),
        }
    }

    /// The trial of the reports of a library whose reports nobody has tried. It remembers for later starts what passed.
    fn trial_to_come(
        &self,
        name: &ProcessorName,
        descriptor: &Descriptor,
        copy: &str,
        state: &Arc<State>,
    ) -> ReportTrial {
        let (name, descriptor, copy) = (name.clone(), descriptor.clone(), copy.to_owned());
        let (data, state) = (self.options.data.to_owned(), Arc::clone(state));
        Box::new(move || {
            let reader = state.reader().ok();
            let reports = Reports::check(&name, &descriptor, reader.as_ref(), &BTreeMap::new());
            if reader.is_some() {
                Trials::in_data_directory(&data).remember_reports(&copy, reports.passed());
            }
            reports
        })
    }

    fn note_tables(&mut self, migrations: usize, tables: &[Arc<FilledTable>]) {
        self.note(format!("{migrations} migrations, {} session tables", tables.len()));
    }
}

/// A trial that was made.
fn tried(reports: Reports) -> ReportTrial {
    Box::new(|| reports)
}
