//! What a commit checks in its own transaction, where several hosts share a state.
//!
//! A host that was paused, or cut off from the database, does not know that others have taken over its work. So it must
//! not ask before its transaction, but in it.

use crate::{
    names::ProcessorName,
    state::{
        commit::{destination::Destination, session::Done},
        engine::instance::Link,
        error::Result,
    },
};

/// Says which sessions a transaction may still commit.
pub(crate) trait Guard: Send + Sync {
    /// Looks, within the transaction of a link, which sessions of a group are still to be written. Until the transaction
    /// ends, nobody else can take over the work of this host, or write the state rows of these sessions.
    ///
    /// # Errors
    /// When others have taken over, or the database cannot answer.
    fn admit(&self, link: &Link, destination: &Destination, group: &[Done]) -> Result<Admitted>;

    /// Looks, within the transaction of a link, that the work of this host was not taken over. Until the transaction ends,
    /// nobody can.
    ///
    /// # Errors
    /// As above.
    fn hold(&self, link: &Link, processor: &ProcessorName) -> Result<()>;
}

/// Which sessions of a group are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// All of them.
    All,
    /// Those at these places. The others are recorded already, by a commit whose answer was lost or by somebody else.
    Some(Vec<usize>),
}

impl Admitted {
    /// Those of a group that are to be written, if not all are.
    pub(crate) fn of(self, group: &[Done]) -> Option<Vec<Done>> {
        match self {
            Self::All => None,
            Self::Some(places) => Some(
                places
                    .into_iter()
                    .filter_map(|place| group.get(place).cloned())
                    .collect(),
            ),
        }
    }
}
