//! The thread that keeps this machine among the others.
//!
//! # Threads
//! One thread, `cluster`, with one connection. Between two rounds it answers what others ask of it. If PostgreSQL cannot
//! be reached, it tries again with growing pauses, and keeps the incarnation: only PostgreSQL knows whether the others
//! have ended it. Nobody waits for this thread longer than for a lease.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender},
    },
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::{
    error::ClusterError,
    joining,
    looking::{self, Sight},
    machine::{CONTROL, Machine, MachineId},
    renewal,
    reporting::{self, Notes, Reports},
    requests::{self, Request, RequestId},
    sharing::{share, unless_locked},
    standing::Board,
    takeover,
    timing::Timing,
};
use crate::postgres::{NoticedBy, Outage, PostgresAddress, PostgresError, Session};

/// How many dead machines one round takes over. Each may take as long as a lock is waited for, and this machine does not
/// renew meanwhile.
const TAKE_OVERS: usize = 2;

/// How often old requests are deleted.
const PRUNING: Duration = Duration::from_hours(1);

/// What is asked of the thread. It answers, or drops the sender if it cannot.
pub(super) enum Command {
    /// Look at the machines.
    Look(SyncSender<Result<Sight, ClusterError>>),
    /// Share again: the machine has other processors.
    Share,
    /// Leave the machines, and end.
    Leave(SyncSender<Result<(), ClusterError>>),
}

/// What the thread needs.
pub(super) struct Control {
    pub(super) address: PostgresAddress,
    pub(super) machine: Machine,
    pub(super) timing: Timing,
    pub(super) board: Arc<Board>,
    pub(super) notes: Arc<Notes>,
    pub(super) commands: Receiver<Command>,
    pub(super) requests: Sender<Request>,
    pub(super) connection: Connection,
    pub(super) outage: Arc<Outage>,
}

/// What the thread has of PostgreSQL.
#[derive(Default)]
pub(super) struct Connection {
    session: Option<Session>,
    /// The last request that was heard; it outlives incarnations, so that none is missed between two.
    heard: Option<RequestId>,
    pruned: Option<Instant>,
    /// The last dead machine that this one tried to take over.
    tried: Option<MachineId>,
    /// What the incarnation has said of its processors.
    told: Option<(MachineId, Reports)>,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Round,
    End,
}

impl Control {
    /// Keeps the machine among the others until it is to leave.
    pub(super) fn run(mut self) {
        let mut backoff = self.backoff();
        let mut pause = self.timing.renewal();
        while self.answer_for(pause) == Next::Round {
            pause = match self.round() {
                Ok(()) => {
                    backoff = self.backoff();
                    self.timing.renewal()
                }
                Err(error) => {
                    self.note(&error);
                    backoff.next().unwrap_or(self.timing.renewal())
                }
            };
        }
    }

    fn backoff(&self) -> ExponentialBackoff {
        let longest = self.timing.renewal();
        let builder = ExponentialBuilder::default()
            .with_min_delay(longest / 16)
            .with_max_delay(longest);
        builder.with_jitter().without_max_times().build()
    }

    fn note(&self, error: &ClusterError) {
        let trouble = error.to_string();
        if error.is_outage() {
            self.outage.notice(NoticedBy::Leases, error);
        } else if self.board.trouble().as_ref() != Some(&trouble) {
            // The same again and again helps nobody.
            tracing::warn!(error = %trouble, "this host cannot agree with the others; it tries again by itself");
        }
        self.board.failed(trouble);
    }

    /// One round of the protocol.
    pub(super) fn round(&mut self) -> Result<(), ClusterError> {
        let mut session = match self.connection.session.take() {
            Some(session) => session,
            None => self.open()?,
        };
        // A session in which anything else went wrong is not used again.
        match self.round_in(&mut session) {
            Err(ClusterError::Fenced) => {
                tracing::warn!("the other hosts took this one for dead; it joins anew");
                self.board.fence();
                self.round_in(&mut session)?;
            }
            done => done?,
        }
        self.connection.session = Some(session);
        let was_away = self.outage.is_over(NoticedBy::Leases);
        if let Some(trouble) = self.board.mended()
            && !was_away
        {
            tracing::info!(trouble, "this host agrees with the others again");
        }
        Ok(())
    }

    /// Opens the connection. After an outage, the others may need some time as well until they reach PostgreSQL. Who took
    /// them for dead at once would fence machines that live. A machine that has never joined asks since when PostgreSQL runs.
    fn open(&mut self) -> Result<Session, PostgresError> {
        let mut session = Session::open(&self.address, CONTROL, self.timing.limits())?;
        let reached_for = match self.connection.heard {
            Some(_) => Duration::ZERO,
            None => takeover::uptime(&mut session)?,
        };
        self.board.reaches_again(reached_for);
        Ok(session)
    }

    fn round_in(&mut self, session: &mut Session) -> Result<(), ClusterError> {
        let me = match self.board.present() {
            Some(me) => me,
            None => self.join(session)?,
        };
        let divisions = self.board.wanted();
        self.board.renewed(&renewal::renew(session, me, &divisions)?);
        self.take_over(session, me)?;
        share(session, me, &divisions, &self.board)?;
        self.hear(session)?;
        if self.connection.pruned.is_none_or(|last| last.elapsed() > PRUNING) {
            requests::prune(session).or_else(unless_locked)?;
            self.connection.pruned = Some(Instant::now());
        }
        self.report(session, me)
    }

    /// Says what is new of the processors of this machine.
    fn report(&mut self, session: &mut Session, me: MachineId) -> Result<(), ClusterError> {
        let reports = self.notes.reports(&self.board.runs());
        if matches!(&self.connection.told, Some((by, told)) if *by == me && *told == reports) {
            return Ok(());
        }
        match reporting::tell(session, me, &reports) {
            Ok(()) => self.connection.told = Some((me, reports)),
            Err(error) => unless_locked(error)?,
        }
        Ok(())
    }

    fn join(&mut self, session: &mut Session) -> Result<MachineId, ClusterError> {
        if self.connection.heard.is_none() {
            self.connection.heard = Some(requests::newest(session)?);
        }
        let me = joining::join(session, &self.machine, &self.board.wanted(), self.timing)?;
        self.board.join(me);
        tracing::info!(incarnation = me.number(), "this host has joined the others");
        Ok(me)
    }

    /// The dead have turns, so that one whose commit does not end keeps no other from being taken over.
    fn take_over(&mut self, session: &mut Session, me: MachineId) -> Result<(), PostgresError> {
        let mut dead = takeover::dead(session, me, self.board.reached_for())?;
        let next = dead.partition_point(|dead| Some(dead.id) <= self.connection.tried);
        dead.rotate_left(next);
        for dead in dead.into_iter().take(TAKE_OVERS) {
            let (name, id) = (&dead.name, dead.id.number());
            self.connection.tried = Some(dead.id);
            match takeover::take_over(session, &dead, me) {
                Ok(true) => {
                    self.board.took_over();
                    tracing::warn!(name, incarnation = id, "this host took a dead one over");
                }
                Ok(false) => {}
                Err(error) if error.is_lock_timeout() => {
                    tracing::debug!(name, incarnation = id, "a commit of a dead host has yet to end");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn hear(&mut self, session: &mut Session) -> Result<(), PostgresError> {
        let Some(heard) = self.connection.heard else {
            return Ok(());
        };
        let (requests, heard) = requests::after(session, heard)?;
        self.connection.heard = Some(heard);
        for request in requests {
            // Nobody listens to a machine that is about to end.
            drop(self.requests.send(request));
        }
        Ok(())
    }

    /// Answers what others ask until the next round is due.
    fn answer_for(&mut self, pause: Duration) -> Next {
        let due = Instant::now() + pause;
        loop {
            match self
                .commands
                .recv_timeout(due.saturating_duration_since(Instant::now()))
            {
                Ok(Command::Look(answer)) => self.tell(&answer, looking::look),
                Ok(Command::Share) => return Next::Round,
                Ok(Command::Leave(answer)) => {
                    self.leave(Some(&answer));
                    return Next::End;
                }
                Err(RecvTimeoutError::Timeout) => return Next::Round,
                Err(RecvTimeoutError::Disconnected) => {
                    self.leave(None);
                    return Next::End;
                }
            }
        }
    }

    fn tell<T>(
        &mut self,
        answer: &SyncSender<Result<T, ClusterError>>,
        work: impl FnOnce(&mut Session) -> Result<T, PostgresError>,
    ) {
        if let Some(mut session) = self.connection.session.take() {
            let done = work(&mut session);
            if done.is_ok() {
                self.connection.session = Some(session);
            }
            // Who asked may have given up.
            drop(answer.try_send(done.map_err(ClusterError::from)));
        }
    }

    /// Leaves, if PostgreSQL can be reached. Otherwise the others find out after a lease.
    fn leave(&mut self, answer: Option<&SyncSender<Result<(), ClusterError>>>) {
        let left = match (self.connection.session.as_mut(), self.board.present()) {
            (Some(session), Some(me)) => joining::leave(session, me).map_err(ClusterError::from),
            (None, Some(_)) => Err(ClusterError::NoAnswer),
            (_, None) => Ok(()),
        };
        self.board.leave();
        if let Some(answer) = answer {
            drop(answer.try_send(left));
        }
    }
}
