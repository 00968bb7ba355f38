//! Makes a plugin process transcripts, process them again, changed and unchanged, and lets the host forget them.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    answers::{Unanswered, find_unanswered},
    beside::Beside,
    endurance::Endurance,
    stopping::Stopping,
    transcripts::Transcripts,
};
use crate::{
    host::Host,
    names::{ProcessorName, SessionKey},
    plugins::Processor,
    reports::text_of,
    runner::{RunResult, Selection, StopToken},
    sessions::Transcript,
    state::{Actor, FailureKind, PurgeWish, QueryAnswer, Reader, ReprocessFilter, State, StateError, TableContents},
};

/// How many rows of a table the report shows.
const SHOWN_ROWS: usize = 5;

/// So many keys of sessions are looked for in what is left: every value is compared with each.
const SOUGHT_KEYS: usize = 100;

/// How a plugin behaved on the transcripts.
#[derive(Serialize)]
pub(super) struct Behaviour {
    pub(super) first_pass: RunResult,
    /// The rows of its tables after the first pass, the session tables first.
    pub(super) tables: Vec<TableRows>,
    /// What has no answer over these rows.
    pub(super) unanswered: Vec<Unanswered>,
    /// The same transcripts processed again; `None` if an attempt before did not return. So are the following.
    pub(super) second_pass: Option<RunResult>,
    /// The first half of each transcript.
    pub(super) shortened_pass: Option<RunResult>,
    /// The whole transcripts after their first halves.
    pub(super) whole_pass: Option<RunResult>,
    /// The session tables whose rows differed in the second pass.
    pub(super) unsteady_tables: Vec<String>,
    /// Its other tables whose rows differed in the second pass.
    pub(super) miscounted_tables: Vec<String>,
    /// The tables whose rows differed after the whole transcripts came behind their first halves.
    pub(super) unreplaced_tables: Vec<String>,
    /// The transcripts that were processed whole in the end.
    #[serde(skip)]
    pub(super) processed: Vec<Transcript>,
    /// What came of forgetting; `None` if that was not tried.
    pub(super) forgetting: Option<Forgetting>,
    /// What came of attempts that were cancelled.
    pub(super) stopping: Option<Stopping>,
    /// What came of many attempts in one worker process.
    pub(super) endurance: Option<Trial<Endurance>>,
    /// What came of calls at the same time.
    pub(super) beside: Option<Trial<Beside>>,
    /// Whether the processor has hooks.
    pub(super) has_hooks: bool,
    /// The sessions whose attempts did not return.
    pub(super) hanging: Option<String>,
}

/// What came of something, or why it was not tried.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trial<T> {
    /// What came of it.
    Tried(T),
    /// Why it was not tried.
    NotTried(String),
}

/// The contents of a table.
#[derive(Serialize)]
pub(super) struct TableRows {
    pub(super) table: String,
    pub(super) rows: u64,
    /// Some of the rows.
    #[serde(skip)]
    pub(super) sample: QueryAnswer,
}

/// What came of forgetting the sessions.
#[derive(Serialize)]
pub(super) struct Forgetting {
    /// The session that was forgotten alone.
    pub(super) session: String,
    /// Why the host forgot nothing.
    pub(super) error: Option<String>,
    /// The tables in which rows still named that session.
    pub(super) naming_tables: Vec<String>,
    /// The tables that still held rows after every session was forgotten, with how many more than before the first pass.
    pub(super) left_tables: BTreeMap<String, i64>,
    /// Those of them in which rows named a session or a user.
    pub(super) left_naming_tables: Vec<String>,
}

/// The contents of all tables of the processor.
pub(super) type Contents = BTreeMap<String, TableContents>;

/// The passes over the transcripts.
pub(super) struct Passes<'a> {
    host: &'a Arc<Host>,
    processor: &'a Processor,
    transcripts: &'a Transcripts,
}

impl<'a> Passes<'a> {
    pub(super) fn new(host: &'a Arc<Host>, processor: &'a Processor, transcripts: &'a Transcripts) -> Self {
        Self {
            host,
            processor,
            transcripts,
        }
    }

    /// Makes the passes. Those behind an attempt that does not return are left out.
    pub(super) fn make(&self) -> anyhow::Result<Behaviour> {
        let untouched = self.contents()?;
        let first_pass = self.run()?;
        let first = self.contents()?;
        let tables = self.tables(&first)?;
        let is_session_table = |table: &String| self.processor.descriptor().session_tables().contains(table);
        let mut behaviour = Behaviour {
            first_pass,
            tables,
            unanswered: find_unanswered(self.host, self.processor)?,
            second_pass: None,
            shortened_pass: None,
            whole_pass: None,
            unsteady_tables: Vec::new(),
            miscounted_tables: Vec::new(),
            unreplaced_tables: Vec::new(),
            processed: Vec::new(),
            forgetting: None,
            stopping: None,
            endurance: None,
            beside: None,
            has_hooks: self.processor.hooks() != Default::default(),
            hanging: None,
        };
        behaviour.hanging = self.hanging()?;
        if behaviour.hanging.is_none() {
            self.host
                .reprocess(self.processor.name(), &ReprocessFilter::default())?;
            behaviour.second_pass = Some(self.run()?);
            let differing = differing(&first, &self.contents()?);
            (behaviour.unsteady_tables, behaviour.miscounted_tables) =
                differing.into_iter().partition(is_session_table);
        }
        if self.hanging()?.is_none() {
            self.transcripts.shorten()?;
            behaviour.shortened_pass = Some(self.run()?);
        }
        if self.hanging()?.is_none() {
            self.transcripts.restore()?;
            behaviour.whole_pass = Some(self.run()?);
            let mut differing = differing(&first, &self.contents()?);
            // What is told of the second pass is not told again.
            let is_told = |table: &String| {
                behaviour.unsteady_tables.contains(table) || behaviour.miscounted_tables.contains(table)
            };
            differing.retain(|table| !is_told(table));
            behaviour.unreplaced_tables = differing;
        }
        if self.hanging()?.is_none() {
            behaviour.processed = self.processed()?;
            behaviour.forgetting = self.forget(&untouched)?;
        }
        behaviour.hanging = self.hanging()?;
        Ok(behaviour)
    }

    /// The sessions whose attempts did not return in the last pass, in one line.
    fn hanging(&self) -> Result<Option<String>, StateError> {
        let failures = self.reader()?.failures(Some(self.processor.name()), None)?;
        let hanging = failures
            .into_iter()
            .filter(|failure| failure.kind == FailureKind::Timeout.as_str());
        let sessions: Vec<String> = hanging.map(|failure| failure.session).collect();
        Ok((!sessions.is_empty()).then(|| sessions.join(", ")))
    }

    fn run(&self) -> anyhow::Result<RunResult> {
        let run = self
            .host
            .begin_run(self.processor.name().as_str(), Actor::Cli, Selection::All)?;
        Ok(run.execute(&StopToken::default())?)
    }

    fn reader(&self) -> Result<Reader, StateError> {
        self.host.state().reader()
    }

    fn contents(&self) -> Result<Contents, StateError> {
        contents(self.host.state(), self.processor.name())
    }

    fn processed(&self) -> anyhow::Result<Vec<Transcript>> {
        let state = self.host.state();
        let sessions = state.sessions(self.processor.name())?;
        let failing = state.failing(self.processor.name())?;
        let mut transcripts = self.host.scanner().scan()?.transcripts;
        transcripts
            .retain(|Transcript { session, .. }| sessions.contains_key(session) && !failing.contains_key(session));
        Ok(transcripts)
    }

    fn tables(&self, contents: &Contents) -> anyhow::Result<Vec<TableRows>> {
        let reader = self.reader()?;
        let session_tables = self.processor.descriptor().session_tables();
        let others = contents.keys().filter(|table| !session_tables.contains(table));
        let tables = session_tables
            .iter()
            .filter(|table| contents.contains_key(*table))
            .chain(others);
        let rows = tables.map(|table| {
            Ok(TableRows {
                table: table.clone(),
                rows: contents.get(table).map_or(0, |contents| contents.rows),
                sample: reader.sample(table, SHOWN_ROWS)?,
            })
        });
        rows.collect()
    }

    /// Lets the host forget one session, then all others. `None` if no session was processed.
    fn forget(&self, untouched: &Contents) -> anyhow::Result<Option<Forgetting>> {
        let sessions = self.host.state().sessions(self.processor.name())?;
        let mut users: Vec<String> = sessions.values().map(|state| state.username.clone()).collect();
        users.sort();
        users.dedup();
        let mut keys: Vec<SessionKey> = sessions.into_keys().collect();
        keys.sort();
        let Some(session) = self.session_of_most_rows()?.or_else(|| keys.first().cloned()) else {
            return Ok(None);
        };
        let mut forgetting = Forgetting {
            session: session.to_string(),
            error: None,
            naming_tables: Vec::new(),
            left_tables: BTreeMap::new(),
            left_naming_tables: Vec::new(),
        };
        if let Err(error) = self.host.forget(session.as_str(), PurgeWish::WhereSmall) {
            forgetting.error = Some(error.to_string());
            return Ok(Some(forgetting));
        }
        let key = session.as_str().to_owned();
        forgetting.naming_tables = self.tables_naming(&[], std::slice::from_ref(&key))?;
        for user in &users {
            if let Err(error) = self.host.forget(user, PurgeWish::WhereSmall) {
                forgetting.error = Some(error.to_string());
                return Ok(Some(forgetting));
            }
        }
        let left = self.contents()?;
        for table in differing(untouched, &left) {
            let rows = |contents: &Contents| contents.get(&table).map_or(0, |contents| contents.rows.cast_signed());
            forgetting
                .left_tables
                .insert(table.clone(), rows(&left) - rows(untouched));
        }
        let keys: Vec<String> = keys.iter().take(SOUGHT_KEYS).map(ToString::to_string).collect();
        forgetting.left_naming_tables = self.tables_naming(&users, &keys)?;
        forgetting
            .left_naming_tables
            .retain(|table| forgetting.left_tables.contains_key(table));
        Ok(Some(forgetting))
    }

    /// The session with the most rows in the session tables.
    fn session_of_most_rows(&self) -> Result<Option<SessionKey>, StateError> {
        let reader = self.reader()?;
        let mut most: Option<(u64, SessionKey)> = None;
        for table in self.processor.descriptor().session_tables() {
            most = most.max(reader.session_of_most_rows(table)?);
        }
        Ok(most.map(|(_, session)| session))
    }

    /// The tables with a row of which a value is one of these texts, or holds one of those.
    fn tables_naming(&self, is: &[String], holds: &[String]) -> Result<Vec<String>, StateError> {
        let reader = self.reader()?;
        let mut naming = Vec::new();
        for table in reader.tables_of(self.processor.name())? {
            if reader.names_any(&table, is, holds)? {
                naming.push(table);
            }
        }
        Ok(naming)
    }
}

/// The contents of all tables of a processor.
pub(super) fn contents(state: &State, processor: &ProcessorName) -> Result<Contents, StateError> {
    let reader = state.reader()?;
    let tables = reader.tables_of(processor)?;
    let contents = tables.into_iter().map(|table| {
        let contents = reader.contents(&table)?;
        Ok((table, contents))
    });
    contents.collect()
}

/// The tables whose contents differ.
pub(super) fn differing(before: &Contents, after: &Contents) -> Vec<String> {
    let differs = |table: &&String| before.get(*table) != after.get(*table);
    let mut tables: Vec<String> = before.keys().chain(after.keys()).filter(differs).cloned().collect();
    tables.sort();
    tables.dedup();
    tables
}

impl TableRows {
    /// Some rows, as texts.
    pub(super) fn shown(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let texts = |row: &Vec<Box<RawValue>>| row.iter().map(|value| text_of(value)).collect();
        let rows = self.sample.rows.iter().map(texts);
        (self.sample.columns.clone(), rows.collect())
    }
}
