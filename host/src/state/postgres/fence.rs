//! The guard of a shared state: a fence against a host that lost its leases, and a comparison with what the candidates
//! were chosen by.
//!
//! Both lock the rows that they read. The fence reads the row of the host's incarnation, which a take-over deletes: either
//! the commit ends before the take-over, or the fence finds no row. The comparison finds out that a session was committed
//! before: by a commit whose answer was lost, or by another host.

use std::{collections::HashMap, fmt};

use duckdb::Connection;
use session_plugin_api::Timestamp;

use crate::{
    cluster::{Bucket, BucketCount, Buckets, LEASE, MACHINE, MachineId, REQUEST, RequestKind, bucket_of},
    names::{FileHash, ProcessorName, SessionKey},
    safeguards::Safeguard,
    state::{
        commit::{
            before::{Before, Recorded},
            destination::Destination,
            guard::{Admitted, Guard},
            session::Done,
        },
        engine::{
            attached::{SCHEMA, list, passed_through},
            instance::Link,
            sql::text,
        },
        error::{Doing, Result, StateError},
        schema::host_tables::{SCHEMA_MIGRATION, SESSION_STATE},
    },
};

/// The leases by which a run of this host commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leases {
    /// The incarnation of the host that owns them.
    pub machine: MachineId,
    /// How many buckets the processor has.
    pub count: BucketCount,
    /// Those that the run works on.
    pub buckets: Buckets,
    /// The version of the processor's tables for which this host prepared them.
    pub tables: u32,
    /// Who had been forgotten when the run began.
    pub forgotten: LastForgotten,
}

/// The number of the last request to forget somebody. A later one may concern transcripts that a run has read before, or rows
/// of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LastForgotten(i64);

impl LastForgotten {
    /// Looks for it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) fn look(connection: &Connection) -> Result<Self> {
        let looking = format!("SELECT {} AS last", last_forgotten());
        connection
            .query_row(&passed_through(&looking), [], |row| row.get(0))
            .map(Self)
            .doing("look who was forgotten last")
    }

    /// The request of this number.
    #[cfg(test)]
    pub(super) fn numbered(number: i64) -> Self {
        Self(number)
    }
}

/// Its number.
impl fmt::Display for LastForgotten {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

fn last_forgotten() -> String {
    let kind = text(RequestKind::Forget.as_str());
    format!("(SELECT coalesce(max(id), 0) FROM {SCHEMA}.{REQUEST} WHERE kind = {kind})")
}

impl Leases {
    /// Whether a session is in one of the buckets.
    #[must_use]
    pub fn cover(&self, session: &SessionKey) -> bool {
        self.buckets.contains(bucket_of(session, self.count))
    }

    /// Refuses the commit if others have taken the leases, migrated the tables or forgotten somebody since the run began. What
    /// they do meanwhile ends in a conflict, because they change the leases ([`attached::lock_leases`]).
    fn fence(&self, link: &Link, processor: &ProcessorName, buckets: Buckets) -> Result<()> {
        if !Safeguard::Fence.is_on() {
            return Ok(());
        }
        let doing = "look whether this host still owns its leases";
        let Self { machine, .. } = self;
        let name = text(processor.as_str());
        let numbers: Vec<String> = buckets
            .iter()
            .map(Bucket::number)
            .map(|number| number.to_string())
            .collect();
        let owned = format!(
            "SELECT (SELECT count(*) FROM (SELECT FROM {SCHEMA}.{MACHINE} WHERE id = {machine} FOR KEY SHARE) AS machine)
                  + (SELECT count(*) FROM (SELECT FROM {SCHEMA}.{LEASE} WHERE processor_name = {name}
                     AND bucket IN ({}) AND owner = {machine} FOR SHARE) AS lease) AS found,
                    (SELECT coalesce(max(version), 0)::bigint FROM {SCHEMA}.{SCHEMA_MIGRATION} WHERE owner = {name})
                    AS tables,
                    {} AS forgotten",
            numbers.join(", "),
            last_forgotten()
        );
        let (found, recorded, forgotten): (i64, i64, i64) = link
            .query_row(&passed_through(&owned), [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .doing(doing)?;
        let processor = processor.to_string();
        if usize::try_from(found) != Ok(1 + buckets.len()) {
            return Err(StateError::Fenced { processor });
        }
        if recorded != i64::from(self.tables) {
            return Err(StateError::MigratedMeanwhile {
                processor,
                recorded,
                prepared: self.tables,
            });
        }
        match LastForgotten(forgotten) <= self.forgotten {
            true => Ok(()),
            false => Err(StateError::ForgottenMeanwhile { processor }),
        }
    }
}

impl Guard for Leases {
    fn admit(&self, link: &Link, destination: &Destination, group: &[Done]) -> Result<Admitted> {
        let buckets = group
            .iter()
            .map(|done| bucket_of(&done.seen.session, self.count))
            .collect();
        self.fence(link, &destination.processor, buckets)?;
        if !Safeguard::Comparison.is_on() {
            return Ok(Admitted::All);
        }
        let recorded = recorded(link, destination, group)?;
        let is_new = |done: &Done| is_as_chosen(&destination.before, &recorded, &done.seen.session);
        if group.iter().all(is_new) {
            return Ok(Admitted::All);
        }
        let (new, others): (Vec<usize>, Vec<usize>) = (0..group.len()).partition(|place| is_new(&group[*place]));
        let already = u64::try_from(others.len()).unwrap_or_default();
        destination.encounters.add_recorded_already(already);
        for done in others.into_iter().map(|place| &group[place]) {
            tracing::info!(session = %done.seen.session, "this version is recorded already: nothing is committed again");
        }
        Ok(Admitted::Some(new))
    }

    fn hold(&self, link: &Link, processor: &ProcessorName) -> Result<()> {
        self.fence(link, processor, self.buckets)
    }
}

fn is_as_chosen(before: &Before, recorded: &HashMap<SessionKey, Recorded>, session: &SessionKey) -> bool {
    before
        .chosen_by(session)
        .is_none_or(|chosen| chosen == recorded.get(session).cloned().unwrap_or_default())
}

/// What the state holds of the sessions of a group, locked until the transaction ends.
fn recorded(link: &Link, destination: &Destination, group: &[Done]) -> Result<HashMap<SessionKey, Recorded>> {
    let doing = "look whether the sessions are recorded already";
    let locked = format!(
        "SELECT session_file, file_hash, output_version, (extract(epoch FROM processed_at) * 1000000)::bigint AS processed_at
         FROM {SCHEMA}.{SESSION_STATE}
         WHERE processor_name = {} AND session_file IN {} FOR UPDATE",
        text(destination.processor.as_str()),
        list(group.iter().map(|done| done.seen.session.as_str()))
    );
    let mut statement = link.prepare(&passed_through(&locked)).doing(doing)?;
    let rows = statement.query_map([], |row| {
        let output: Option<i64> = row.get(2)?;
        let recorded = Recorded::Version {
            hash: row.get::<_, Option<String>>(1)?.map(FileHash::from_hex),
            output: u32::try_from(output.unwrap_or(0)).ok(),
            processed_at: Timestamp::from_micros(row.get(3)?),
        };
        Ok((SessionKey::new(row.get::<_, String>(0)?), recorded))
    });
    rows.and_then(Iterator::collect).doing(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(processed_at: i64) -> Recorded {
        Recorded::Version {
            hash: Some(FileHash::from_hex("aa".to_owned())),
            output: Some(1),
            processed_at: Timestamp::from_micros(processed_at),
        }
    }

    /// The same bytes are processed again when the session moves to another user.
    #[test]
    fn a_session_that_was_processed_since_it_was_chosen_is_recorded_whatever_its_bytes_are() {
        let [moved, new] = ["alice/moved.jsonl", "alice/new.jsonl"].map(SessionKey::new);
        let before = Before::only(HashMap::from([(moved.clone(), version(1))]));
        let recorded = |processed_at| HashMap::from([(moved.clone(), version(processed_at))]);
        assert!(is_as_chosen(&before, &recorded(1), &moved));
        assert!(!is_as_chosen(&before, &recorded(2), &moved));
        assert!(!is_as_chosen(&before, &HashMap::new(), &moved));
        assert!(is_as_chosen(&before, &recorded(1), &new));
    }
}
