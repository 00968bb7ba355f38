//! Each machine keeps a fair part of the buckets of each processor that it has.
//!
//! A fair part is the number of buckets, divided by the number of machines that have the processor, rounded up. Who has
//! more gives the rest away, and who has less takes what nobody owns. No machine orders another one about: what one gives
//! away in this round, another takes in its next. `SKIP LOCKED` lets two machines that take at once take different ones.
//!
//! A processor may change from 64 buckets to one, or back, with a new version of its plugin. Then a session would lie in
//! other buckets for one machine than for another. So the rows in the table decide: a machine whose plugin divides
//! otherwise takes nothing, and gives away what it owns. When nobody owns any row, the next one divides anew.

use std::collections::BTreeMap;

use super::{
    buckets::{Bucket, BucketCount, Buckets},
    error::ClusterError,
    joining::Divisions,
    machine::MachineId,
    standing::Board,
};
use crate::{
    names::ProcessorName,
    postgres::{PostgresError, Session},
};

/// How the buckets of a processor stand.
struct Shares {
    /// How many machines have the processor; this one is among them.
    machines: usize,
    /// Into how many buckets it is divided, if it is.
    divided: Option<BucketCount>,
    /// How many of them somebody owns.
    owned: i64,
}

impl Shares {
    /// How many buckets nobody owns.
    fn unowned(&self) -> usize {
        let buckets = self.divided.map_or(0, |count| usize::from(count.number()));
        buckets.saturating_sub(usize::try_from(self.owned).unwrap_or_default())
    }
}

/// How an attempt to divide a processor ended.
#[derive(PartialEq, Eq)]
enum Divided {
    Anew,
    /// Not at all, because somebody owns a bucket.
    NotYet,
}

/// A machine that shares.
struct Sharer<'a> {
    session: &'a mut Session,
    me: MachineId,
    board: &'a Board,
}

/// Gives and takes once.
///
/// # Errors
/// [`ClusterError::Fenced`] when the machine was taken for dead meanwhile.
pub(super) fn share(
    session: &mut Session,
    me: MachineId,
    divisions: &Divisions,
    board: &Board,
) -> Result<(), ClusterError> {
    let shares = shares(session, divisions)?;
    let divided = shares
        .iter()
        .filter_map(|(processor, shares)| Some((processor.clone(), shares.divided?)));
    board.own(owned(session, me)?, divided.collect());
    let unowned = shares
        .iter()
        .map(|(processor, shares)| (processor.clone(), shares.unowned()));
    board.see_unowned(unowned.filter(|(_, buckets)| *buckets > 0));
    let mut sharer = Sharer { session, me, board };
    // Who holds a lock holds up all processors. This machine waits for it once, because it must renew in time.
    sharer.share_all(divisions, &shares).or_else(unless_locked)
}

/// A transaction that holds a lock for long delays what needs it, and what comes after that in a round, until it ends.
pub(super) fn unless_locked(error: PostgresError) -> Result<(), ClusterError> {
    match error {
        error if error.is_lock_timeout() => Ok(()),
        error if error.is_foreign_key() => Err(ClusterError::Fenced),
        error => Err(error.into()),
    }
}

impl Sharer<'_> {
    fn share_all(
        &mut self,
        divisions: &Divisions,
        shares: &BTreeMap<ProcessorName, Shares>,
    ) -> Result<(), PostgresError> {
        for (processor, mine) in self.board.owned_in_any_case() {
            if !divisions.contains_key(&processor) {
                self.give(&processor, mine.len())?;
            }
        }
        for (processor, count) in divisions {
            if let Some(shares) = shares.get(processor) {
                self.share(processor, *count, shares)?;
            }
        }
        Ok(())
    }

    fn share(&mut self, processor: &ProcessorName, count: BucketCount, shares: &Shares) -> Result<(), PostgresError> {
        let mine = self
            .board
            .owned_in_any_case()
            .get(processor)
            .copied()
            .unwrap_or_default()
            .len();
        if shares.divided != Some(count) {
            self.give(processor, mine)?;
            if shares.owned > 0 || self.divide(processor, count)? == Divided::NotYet {
                return Ok(());
            }
            self.board.divide(processor, count);
        }
        let fair = usize::from(count.number()).div_ceil(shares.machines.max(1));
        self.give(processor, mine.saturating_sub(fair))?;
        match fair.checked_sub(mine) {
            None | Some(0) => Ok(()),
            Some(missing) => self.take(processor, count, missing),
        }
    }

    fn give(&mut self, processor: &ProcessorName, many: usize) -> Result<(), PostgresError> {
        let given = self.board.give_up(processor, many);
        if given.is_empty() {
            return Ok(());
        }
        self.session.execute(
            "give buckets away",
            "UPDATE session_host_lease SET owner = NULL
             WHERE processor_name = $1 AND bucket = ANY($2) AND owner = $3",
            &[&processor.as_str(), &given.numbers(), &self.me.0],
        )?;
        Ok(())
    }

    /// Takes so many of the buckets that nobody owns. The array is made once, so `LIMIT` holds.
    fn take(&mut self, processor: &ProcessorName, count: BucketCount, many: usize) -> Result<(), PostgresError> {
        let (many, count) = (i64::try_from(many).unwrap_or(i64::MAX), i64::from(count.number()));
        let rows = self.session.query(
            "take buckets",
            "UPDATE session_host_lease SET owner = $1
             WHERE processor_name = $2 AND owner IS NULL AND bucket = ANY(ARRAY(
                 SELECT bucket FROM session_host_lease
                 WHERE processor_name = $2 AND owner IS NULL
                   AND (SELECT count(*) FROM session_host_lease WHERE processor_name = $2) = $4
                 ORDER BY bucket LIMIT $3 FOR UPDATE SKIP LOCKED
             )) RETURNING bucket",
            &[&self.me.0, &processor.as_str(), &many, &count],
        )?;
        let taken: Buckets = rows.iter().filter_map(|row| Bucket::from_number(row.get(0))).collect();
        if !taken.is_empty() {
            self.board.add(processor, taken);
        }
        Ok(())
    }

    /// Divides a processor into so many buckets, if nobody owns any.
    fn divide(&mut self, processor: &ProcessorName, count: BucketCount) -> Result<Divided, PostgresError> {
        const DOING: &str = "divide a processor into buckets";
        let (name, number) = (processor.as_str(), i32::from(count.number()));
        self.session.in_transaction(DOING, |session| {
            let rows = session.query(
                DOING,
                "SELECT owner FROM session_host_lease WHERE processor_name = $1 ORDER BY bucket FOR UPDATE",
                &[&name],
            )?;
            if rows.iter().any(|row| row.get::<_, Option<i64>>(0).is_some()) {
                return Ok(Divided::NotYet);
            }
            session.execute(
                DOING,
                "DELETE FROM session_host_lease WHERE processor_name = $1 AND bucket >= $2",
                &[&name, &number],
            )?;
            session.execute(
                DOING,
                "INSERT INTO session_host_lease (processor_name, bucket)
                 SELECT $1, generate_series(0, $2::int - 1) ON CONFLICT DO NOTHING",
                &[&name, &number],
            )?;
            Ok(Divided::Anew)
        })
    }
}

/// All that the machine owns.
fn owned(session: &mut Session, me: MachineId) -> Result<BTreeMap<ProcessorName, Buckets>, PostgresError> {
    let rows = session.query(
        "find the buckets of this machine",
        "SELECT processor_name, array_agg(bucket) FROM session_host_lease WHERE owner = $1 GROUP BY processor_name",
        &[&me.0],
    )?;
    let owned = rows.iter().filter_map(|row| {
        let processor = row.get::<_, &str>(0).parse().ok()?;
        let buckets: Vec<i32> = row.get(1);
        Some((processor, buckets.into_iter().filter_map(Bucket::from_number).collect()))
    });
    Ok(owned.collect())
}

fn shares(session: &mut Session, divisions: &Divisions) -> Result<BTreeMap<ProcessorName, Shares>, PostgresError> {
    let names: Vec<&str> = divisions.keys().map(ProcessorName::as_str).collect();
    let rows = session.query(
        "find how many machines share each processor",
        "SELECT had.name,
                (SELECT count(*) FROM session_host_machine WHERE had.name = ANY(processors)),
                (SELECT count(*) FROM session_host_lease WHERE processor_name = had.name),
                (SELECT count(owner) FROM session_host_lease WHERE processor_name = had.name)
         FROM unnest($1::text[]) AS had (name)",
        &[&names],
    )?;
    let shares = rows.iter().filter_map(|row| {
        let machines = usize::try_from(row.get::<_, i64>(1)).unwrap_or_default();
        let shares = Shares {
            machines,
            divided: BucketCount::from_number(row.get(2)),
            owned: row.get(3),
        };
        Some((row.get::<_, &str>(0).parse().ok()?, shares))
    });
    Ok(shares.collect())
}
