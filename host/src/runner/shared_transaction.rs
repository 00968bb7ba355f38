//! The sessions of a serial processor that share a transaction.
//!
//! A transaction for each session that uses `execute` would cost more than most attempts. So the attempts of a serial
//! processor share one for a moment: each writes its rows into it when it ends, the next one sees them, and one commit
//! makes all of them last.
//!
//! DuckDB has no savepoints. If an attempt fails, its writes can be rolled back only together with those of the attempts
//! before it. The host has recorded the statements of those, runs them again in a new transaction, and commits it. It never
//! calls the processor again for that. A statement that would have another effect the second time ends the group: it
//! is committed right after its attempt, and never has to be repeated.
//!
//! # Threads
//! The worker lends the transaction to its attempt, and gives it back. While it is lent, nobody commits the group.
//! Otherwise, worker or conductor commits a group that is due, whoever sees it first. The lock is held while a group is
//! committed, so the conductor only tries it to find out whether a group is due. Whoever commits takes the writer first.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    time::{Duration, Instant},
};

use super::outcome::failure;
use crate::state::{
    AttemptTurn, Conflict, Conflicts, Destination, Done, Executed, FailureKind, FailureRecord, Judged, State,
    StateError, StateRow, Transaction, TransactionError,
};

/// How long a transaction stays open for further sessions.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// How many sessions share a transaction at most.
const MAX_SESSIONS: usize = 512;
/// How many bytes of rows and statements they have at most.
const MAX_BYTES: usize = 16 << 20;
/// How often a group is repeated at once after a write conflict.
const RETRIES: u32 = 3;

/// The sessions that share a transaction. A processor that is not serial has none.
#[derive(Default)]
pub(super) struct SharedTransaction {
    group: Mutex<Group>,
}

#[derive(Default)]
struct Group {
    members: Vec<Member>,
    bytes: usize,
    standing: Standing,
}

/// Where the transaction of the group is.
#[derive(Default)]
enum Standing {
    /// There is none, and no member.
    #[default]
    None,
    /// It is open, and holds what all members wrote.
    Open(Transaction),
    /// An attempt has it.
    Lent,
    /// It was rolled back with an attempt that failed: the statements of the members must be repeated.
    Lost,
}

/// A session whose attempt ended well, and what the attempt did in the transaction.
struct Member {
    done: Done,
    statements: Recorded,
    state_row: StateRow,
}

/// The statements of an attempt, for their repetition.
#[derive(Default)]
pub(super) struct Recorded {
    statements: Vec<Executed>,
    bytes: usize,
    is_unrepeatable: bool,
}

/// How the sessions of a group ended.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// They are committed.
    pub(super) done: Vec<Done>,
    /// What they wrote could not be committed.
    pub(super) failed: Vec<FailureRecord>,
    /// How long that took.
    pub(super) took: Duration,
}

/// Why a group was not committed.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error("cannot repeat a statement of the attempt, after another attempt of the same transaction failed: {0}")]
    Statement(TransactionError),
    #[error("the attempt cannot be repeated, because one of its statements would have another effect")]
    Unrepeatable,
    #[error(transparent)]
    State(#[from] StateError),
}

impl Settled {
    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty() && self.failed.is_empty()
    }
}

impl Recorded {
    /// Adds a statement. Too many of them are not kept: the group is then committed right after the attempt.
    pub(super) fn add(&mut self, executed: Executed) {
        self.bytes += executed.size();
        self.is_unrepeatable |= !executed.is_repeatable() || self.bytes > MAX_BYTES;
        match self.is_unrepeatable {
            true => self.statements.clear(),
            false => self.statements.push(executed),
        }
    }
}

impl SharedTransaction {
    /// Lends the transaction to an attempt; `None` if there is none, or if the group must be committed first.
    pub(super) fn lend(&self) -> Option<Transaction> {
        let mut group = self.lock();
        if group.is_due() {
            return None;
        }
        match mem::replace(&mut group.standing, Standing::Lent) {
            Standing::Open(transaction) => Some(transaction),
            standing => {
                group.standing = standing;
                None
            }
        }
    }

    /// Takes the transaction back from an attempt that has only read. One that was not lent ends.
    pub(super) fn give_back(&self, transaction: Transaction) {
        let mut group = self.lock();
        if let Standing::Lent = group.standing {
            group.standing = Standing::Open(transaction);
        }
    }

    /// Notes that the attempt is over: what was lent to it and has not come back is lost.
    pub(super) fn miss(&self) {
        let mut group = self.lock();
        if let Standing::Lent = group.standing {
            group.standing = Standing::Lost;
        }
    }

    /// Takes a session whose attempt ended well. Its rows are written into the transaction here, so that they fail
    /// their own attempt if the database rejects them.
    ///
    /// # Errors
    /// When the database rejects them. The transaction is rolled back then.
    pub(super) fn join(
        &self,
        destination: &Destination,
        mut transaction: Transaction,
        done: Done,
        statements: Recorded,
    ) -> Result<(), StateError> {
        let state_row = transaction.write(destination, &done)?;
        let mut group = self.lock();
        group.bytes += done.size() + statements.bytes;
        group.members.push(Member {
            done,
            statements,
            state_row,
        });
        group.standing = Standing::Open(transaction);
        Ok(())
    }

    /// Whether the group must be committed. `false` while somebody else uses it.
    pub(super) fn is_due(&self) -> bool {
        self.try_lock().is_some_and(|group| group.is_due())
    }

    /// How long until the group has waited long enough.
    pub(super) fn due_in(&self) -> Duration {
        let group = self.try_lock();
        let age = group.and_then(|group| match &group.standing {
            Standing::Open(transaction) => Some(transaction.age()),
            Standing::None | Standing::Lent | Standing::Lost => None,
        });
        age.map_or(MAX_WAIT, |age| MAX_WAIT.saturating_sub(age))
    }

    /// How many sessions wait for their commit.
    pub(super) fn sessions(&self) -> usize {
        self.lock().members.len()
    }

    /// Commits the group, unless an attempt has its transaction. If another transaction stands in the way again and again,
    /// the group stays, and is due.
    ///
    /// # Errors
    /// When the database cannot continue. The sessions stay unprocessed then.
    pub(super) fn commit(&self, state: &State, destination: &Destination) -> Result<Settled, StateError> {
        if self.sessions() == 0 {
            return Ok(Settled::default());
        }
        state.in_turn(|| {
            let settled = self.lock().settle(state, destination)?;
            // While the writer is held, no other group commits, and most transactions are those of groups.
            state.checkpoint_if_due();
            Ok(settled)
        })
    }

    /// Leaves the sessions to a later run, and rolls the transaction back. Returns how many there are.
    pub(super) fn give_up(&self) -> usize {
        mem::take(&mut *self.lock()).members.len()
    }

    fn lock(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Group>> {
        match self.group.try_lock() {
            Ok(group) => Some(group),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Group {
    fn is_due(&self) -> bool {
        match &self.standing {
            Standing::None | Standing::Lent => false,
            Standing::Lost => true,
            Standing::Open(transaction) => {
                transaction.age() >= MAX_WAIT
                    || self.members.len() >= MAX_SESSIONS
                    || self.bytes >= MAX_BYTES
                    || self.members.iter().any(|member| member.statements.is_unrepeatable)
            }
        }
    }

    fn settle(&mut self, state: &State, destination: &Destination) -> Result<Settled, StateError> {
        let mut settled = Settled::default();
        if let Standing::Lent = self.standing {
            return Ok(settled);
        }
        let began = Instant::now();
        let mut conflicts = Conflicts::at_most(RETRIES);
        while !self.members.is_empty() {
            let Err((first, error)) = self.try_commit(state, destination) else {
                settled.done.extend(self.members.drain(..).map(|member| member.done));
                break;
            };
            match error.into_fatal() {
                Ok(fatal) => {
                    *self = Self::default();
                    return Err(fatal);
                }
                Err(error) => {
                    let judged = conflicts.judge(error.conflict());
                    destination.encounters.add_judged(judged);
                    match judged {
                        Judged::Repeat => {}
                        Judged::GiveUp => return Ok(settled),
                        Judged::Fails => settled.failed.extend(self.fail_from(first, &error)),
                    }
                }
            }
        }
        *self = Self::default();
        settled.took = began.elapsed();
        Ok(settled)
    }

    /// Takes the members from a place on out of the group, because they failed.
    fn fail_from(&mut self, first: usize, error: &Unsettled) -> impl Iterator<Item = FailureRecord> {
        let error = error.to_string();
        let failed = self.members.drain(first..);
        failed.map(move |Member { done, .. }| failure(&done.seen, FailureKind::Error, error.clone()))
    }

    /// Commits all members. An error comes with the place of the first member that it concerns: those after it have seen
    /// what it wrote, so they fail with it.
    fn try_commit(&mut self, state: &State, destination: &Destination) -> Result<(), (usize, Unsettled)> {
        let transaction = match mem::replace(&mut self.standing, Standing::Lost) {
            Standing::Open(transaction) => transaction,
            Standing::None | Standing::Lent | Standing::Lost => self.repeat(state, destination)?,
        };
        let owed = self.members.iter().filter(|member| member.state_row == StateRow::Owed);
        transaction
            .commit_group(destination, owed.map(|member| &member.done))
            .map_err(|error| (0, error.into()))
    }

    /// Repeats what the members wrote, in a new transaction.
    fn repeat(&mut self, state: &State, destination: &Destination) -> Result<Transaction, (usize, Unsettled)> {
        // What was learnt in the transaction that was rolled back counts no more, such as that a session has no earlier rows.
        destination.before.has_executed();
        let mut transaction = state
            .begin_attempt(AttemptTurn::Repeated)
            .map_err(|error| (0, error.into()))?;
        for (place, member) in self.members.iter_mut().enumerate() {
            member
                .repeat(&mut transaction, destination)
                .map_err(|error| (place, error))?;
        }
        state.hold_lock().map_err(|error| (0, error.into()))?;
        Ok(transaction)
    }
}

impl Member {
    fn repeat(&mut self, transaction: &mut Transaction, destination: &Destination) -> Result<(), Unsettled> {
        if self.statements.is_unrepeatable {
            return Err(Unsettled::Unrepeatable);
        }
        for executed in &self.statements.statements {
            transaction.repeat(executed).map_err(Unsettled::Statement)?;
        }
        self.state_row = transaction.write(destination, &self.done)?;
        Ok(())
    }
}

impl Unsettled {
    fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Statement(error) => error.conflict(),
            Self::State(error) => error.conflict(),
            Self::Unrepeatable => None,
        }
    }

    /// The error of the state, if the state is to blame and nothing more can be committed.
    fn into_fatal(self) -> Result<StateError, Self> {
        match self {
            Self::State(error) if error.is_fatal() => Ok(error),
            Self::Statement(error) => error.into_trouble().map_err(Self::Statement),
            error => Err(error),
        }
    }
}
