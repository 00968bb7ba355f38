//! The trials of calls that the passes do not make: cancelled ones, many in one worker process, several at the same time.

use std::path::Path;

use session_plugin_api::Concurrency;

use super::{
    beside::{Beside, call_beside},
    crowd::Crowd,
    endurance::{Endurance, endure},
    passes::{Behaviour, Trial},
    stopping::stop,
};
use crate::{
    config::Settings,
    plugins::{PluginTrust, Processor},
    sessions::SessionsDirectory,
    state_place::StatePlace,
};

/// How long a session may take, in milliseconds, so that many do not take too long.
const LONGEST: u64 = 100;

/// What the trials need.
pub(super) struct Calls<'a> {
    /// The settings of the check.
    pub(super) settings: &'a Settings,
    pub(super) trust: PluginTrust,
    pub(super) scratch: &'a Path,
    pub(super) processor: &'a Processor,
}

impl Calls<'_> {
    /// Makes the trials, unless an earlier attempt does not return, or no transcript was processed.
    pub(super) fn make(&self, behaviour: &mut Behaviour) -> anyhow::Result<()> {
        if behaviour.hanging.is_some() || behaviour.processed.is_empty() {
            return Ok(());
        }
        behaviour.stopping = Some(stop(self.processor, &behaviour.processed)?);
        let (endurance, beside) = self.many(behaviour)?;
        (behaviour.endurance, behaviour.beside) = (Some(endurance), Some(beside));
        Ok(())
    }

    fn many(&self, behaviour: &Behaviour) -> anyhow::Result<(Trial<Endurance>, Trial<Beside>)> {
        let neither = |why: String| Ok((Trial::NotTried(why.clone()), Trial::NotTried(why)));
        let passes = behaviour.second_pass.iter().filter(|pass| pass.processed > 0);
        let each = passes.map(|pass| pass.duration_ms / pass.processed).max().unwrap_or(0);
        if each > LONGEST {
            return neither(format!("a session takes {each} ms, too long to process many"));
        }
        let Some(crowd) = Crowd::gather(&behaviour.processed, self.scratch.join("crowd"))? else {
            return neither("no transcript is small enough to process it many times".to_owned());
        };
        let endurance = endure(&self.of(&crowd, "endurance"), self.trust, self.processor.name())?;
        let beside = match self.not_beside(behaviour) {
            Some(why) => Trial::NotTried(why),
            None => call_beside(&self.of(&crowd, "beside"), &crowd, self.processor.name())?,
        };
        Ok((Trial::Tried(endurance), beside))
    }

    /// Why calls at the same time need no trial, or tell nothing.
    fn not_beside(&self, behaviour: &Behaviour) -> Option<String> {
        let changes_by_itself = behaviour
            .unsteady_tables
            .iter()
            .chain(&behaviour.miscounted_tables)
            .next();
        match changes_by_itself {
            _ if self.processor.descriptor().concurrency() == Concurrency::Serial => {
                Some("the processor is serial, so the host calls it one session at a time".to_owned())
            }
            _ if !self.settings.isolation.allows_in_host(self.processor.name().as_str()) => Some(
                "the configuration runs the processor in worker processes, which make one call at a time".to_owned(),
            ),
            Some(table) => Some(format!("{table} differs without that")),
            None => None,
        }
    }

    /// The settings of a further host, with a data directory of its own.
    fn of(&self, crowd: &Crowd, data: &str) -> Settings {
        let data = self.scratch.join(data);
        Settings {
            sessions: SessionsDirectory::Configured(crowd.folder.clone()),
            state: StatePlace::File(data.join("check.duckdb")),
            data,
            ..self.settings.clone()
        }
    }
}
