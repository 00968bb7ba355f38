//! The alerts of the last evaluation, which readers get without waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::state::AlertRecord;

/// How many alerts health lists.
const LISTED: usize = 20;

/// The alerts of the last evaluation, and the last trouble of the webhook.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Posted>);

#[derive(Debug, Default)]
struct Posted {
    active: Vec<String>,
    unknown: Vec<String>,
    undelivered: usize,
    trouble: Option<String>,
}

impl Board {
    /// Publishes an evaluation: the alerts that last, and what cannot be evaluated.
    pub(super) fn put_up<'a>(
        &self,
        active: impl Iterator<Item = &'a AlertRecord>,
        unknown: impl Iterator<Item = &'a str>,
    ) {
        let mut posted = self.lock();
        posted.active = active.map(|alert| alert.text.clone()).collect();
        posted.unknown = unknown.map(str::to_owned).collect();
    }

    /// Publishes how many alerts the webhook has yet to take, and why it took none of them.
    pub(super) fn set_undelivered(&self, undelivered: usize, trouble: Option<String>) {
        let mut posted = self.lock();
        posted.undelivered = undelivered;
        posted.trouble = trouble;
    }

    /// What health warns of.
    pub(super) fn warnings(&self) -> Vec<String> {
        let posted = self.lock();
        let listed = posted.active.iter().take(LISTED).cloned();
        let more = posted.active.len().saturating_sub(LISTED);
        let more = (more > 0).then(|| format!("{more} more alerts last: `session-host status` lists them"));
        let undelivered = posted.trouble.as_ref().map(|trouble| {
            let count = posted.undelivered;
            format!("the webhook of [alerts] has not taken {count} alerts: {trouble}")
        });
        let unknown = posted.unknown.iter().cloned();
        listed.chain(more).chain(unknown).chain(undelivered).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
