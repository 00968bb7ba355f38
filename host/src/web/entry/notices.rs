//! What the next page tells a visitor: how an action ended.
//!
//! An action answers with a redirection, so that a reload does not repeat it. The notice is kept here and not in the
//! address, which anyone could write.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Notice {
    /// It was done.
    Done(String),
    /// It was refused.
    Refused(String),
}

/// How many visitors' notices are kept.
const MOST: usize = 1000;

/// The notices, by the numbers of the visits.
#[derive(Debug, Default)]
pub(in crate::web) struct Notices(Mutex<HashMap<String, Notice>>);

impl Notices {
    /// Keeps a notice for the next page of a visit.
    pub(in crate::web) fn leave(&self, visit: &str, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() >= MOST {
            notices.clear();
        }
        notices.insert(visit.to_owned(), notice);
    }

    /// The notice for this page.
    pub(in crate::web) fn take(&self, visit: &str) -> Option<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(visit)
    }
}
