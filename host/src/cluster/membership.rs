//! This machine among the others, as the rest of the host sees it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    time::Duration,
};

use super::{
    buckets::{BucketCount, Buckets, Part},
    control::{Command, Connection, Control},
    error::ClusterError,
    in_flight::InFlight,
    looking::Sight,
    machine::{Machine, MachineId},
    renewal::ClockDifference,
    reporting::{Notes, PluginSeen, WaitingSeen},
    requests::Request,
    standing::{Board, Counters, Standing, Unowned},
    timing::Timing,
};
use crate::{
    names::ProcessorName,
    postgres::{Outage, PostgresAddress},
    threads,
};

/// This machine among the others. When the last reference goes, it leaves them.
pub struct Cluster {
    board: Arc<Board>,
    notes: Arc<Notes>,
    commands: Sender<Command>,
    lease: Duration,
}

impl Cluster {
    /// Joins the machines that share the state at this address, and takes a first part of the buckets. What somebody
    /// asks of all machines from now on comes over the channel, once and in order. Each later outage is noted.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached, or has no tables for the machines. Later, the machine waits for it.
    pub fn join(
        address: PostgresAddress,
        machine: Machine,
        processors: impl IntoIterator<Item = (ProcessorName, BucketCount)>,
        timing: Timing,
        outage: Arc<Outage>,
    ) -> Result<(Arc<Self>, Receiver<Request>), ClusterError> {
        let board = Arc::new(Board::new(timing.lease, processors.into_iter().collect()));
        let notes = Arc::new(Notes::default());
        let (commands, asked) = mpsc::channel();
        let (sender, requests) = mpsc::channel();
        let mut control = Control {
            address,
            machine,
            timing,
            board: Arc::clone(&board),
            notes: Arc::clone(&notes),
            commands: asked,
            requests: sender,
            connection: Connection::default(),
            outage,
        };
        control.round()?;
        threads::start("cluster", move || control.run()).map_err(ClusterError::Thread)?;
        Ok((
            Arc::new(Self {
                board,
                notes,
                commands,
                lease: timing.lease,
            }),
            requests,
        ))
    }

    /// How this machine stands with the others.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.board.standing()
    }

    /// The present incarnation, if the others cannot have taken it for dead.
    #[must_use]
    pub fn incarnation(&self) -> Option<MachineId> {
        self.board.incarnation()
    }

    /// The buckets of a processor that this machine owns. They may go at any time, unless a run [begins](Self::begin).
    #[must_use]
    pub fn owned(&self, processor: &ProcessorName) -> Buckets {
        self.board.owned(processor)
    }

    /// The sessions of a processor that this machine owns. They may go at any time.
    #[must_use]
    pub fn part(&self, processor: &ProcessorName) -> Part {
        self.board.part(processor)
    }

    /// The buckets that nobody owns, of the processors of this machine.
    #[must_use]
    pub fn unowned(&self) -> BTreeMap<ProcessorName, Unowned> {
        self.board.unowned()
    }

    /// For how long this machine has reached PostgreSQL again, if it could not reach it before or if PostgreSQL did not run. The
    /// others may have needed as long.
    #[must_use]
    pub fn reached_for(&self) -> Option<Duration> {
        self.board.reached_for()
    }

    /// How long this machine counts as alive if it does not renew.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Lets people see which plugins this machine has.
    pub fn describe(&self, plugins: BTreeMap<ProcessorName, PluginSeen>) {
        self.notes.plugins(plugins);
        // The thread ends only when this machine leaves.
        drop(self.commands.send(Command::Share));
    }

    /// Lets people see what waits on this machine, after its next renewal.
    pub fn note_waiting(&self, waiting: BTreeMap<ProcessorName, WaitingSeen>) {
        self.notes.waiting(waiting);
    }

    /// Begins a run over what this machine owns of a processor, if it owns anything.
    #[must_use]
    pub fn begin(&self, processor: &ProcessorName) -> Option<InFlight> {
        InFlight::begin(&self.board, processor)
    }

    /// The machine has these processors from now on, after a reload. It owns nothing of others any more, and gives that away.
    pub fn set_processors(&self, processors: impl IntoIterator<Item = (ProcessorName, BucketCount)>) {
        self.board.want(processors.into_iter().collect());
        // The thread ends only when this machine leaves.
        drop(self.commands.send(Command::Share));
    }

    /// Looks at the machines.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached now.
    pub fn look(&self) -> Result<Sight, ClusterError> {
        self.answer(Command::Look)
    }

    /// Leaves the machines. A run must have made its last commit before: a later one is refused.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached now. The others then take this machine over after a lease.
    pub fn leave(&self) -> Result<(), ClusterError> {
        self.answer(Command::Leave)
    }

    /// How far the clock of this machine is ahead of that of PostgreSQL.
    #[must_use]
    pub fn clock_difference(&self) -> Option<ClockDifference> {
        self.board.clock()
    }

    /// Why the last round failed, if it did.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.board.trouble()
    }

    /// What has happened since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.board.counters()
    }

    fn answer<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, ClusterError>>) -> Command,
    ) -> Result<T, ClusterError> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.commands
            .send(command(sender))
            .map_err(|_| ClusterError::NoAnswer)?;
        answer.recv_timeout(self.lease).map_err(|_| ClusterError::NoAnswer)?
    }
}
