//! Forgetting: the hooks of the processors take back what only they know of, then the host deletes the rest.
//!
//! Everything is in one transaction, which the host commits if every hook has succeeded.
//!
//! # Threads
//! The hooks of a processor run in a thread of their own, one session after the other. The caller waits for each session,
//! for as long as an attempt may take. Then it rolls the transaction back and leaves the thread alone, and the processor is
//! wedged until the hook returns. The lock of the transaction is held while a statement runs, so the caller only tries it,
//! and interrupts the statement where it is taken.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use super::{
    connection::ConnectionError,
    executor::{Attempt, Executor},
    own_transaction::OwnTransaction,
};
use crate::{
    column::Column,
    names::{ProcessorName, SessionKey},
    plugins::{CallError, Fault, Hook, Killer, Processor, Refusal, Requests, TakeRows, Watch, Wedge, describe_fault},
    shared_memory::TranscriptSlice,
    state::{
        EarlierVersion, Forgotten, Interrupt, PurgeWish, Seen, State, StateError, StatementRules, Transaction,
        TransactionError,
    },
    threads,
};

/// Forgets users and sessions, with the hooks of these processors.
pub struct Forgetter<'a> {
    /// The state.
    pub state: &'a Arc<State>,
    /// The loaded processors, none of which is running.
    pub processors: &'a [Arc<Processor>],
    /// How long a hook may take for one session.
    pub timeout: Duration,
}

/// Why nothing was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// A hook failed.
    #[error(
        "nothing was forgotten: the hook `forgotten` of processor {processor} failed for session {session}: {reason}; correct the plugin and reload it, or remove its file, then forget again: without the plugin its own tables stay as they are"
    )]
    Hook {
        /// The processor.
        processor: ProcessorName,
        /// The session.
        session: SessionKey,
        /// What the hook returned.
        reason: String,
    },
    /// A hook did not return.
    #[error(
        "nothing was forgotten: the hook `forgotten` of processor {processor} did not return for session {session} within attempt_timeout_seconds ({seconds} s): correct the plugin, restart the service if the processor is wedged, then forget again"
    )]
    TimedOut {
        /// The processor.
        processor: ProcessorName,
        /// The session.
        session: SessionKey,
        /// How long the host waited.
        seconds: u64,
    },
    /// A hook cannot be called.
    #[error(
        "nothing was forgotten: processor {processor} is out of service until its attempt at {session} returns, so that its hook `forgotten` cannot be called: restart the service, then forget again"
    )]
    Wedged {
        /// The processor.
        processor: ProcessorName,
        /// The session.
        session: String,
    },
    /// There is no thread for the hooks.
    #[error("nothing was forgotten: cannot start a thread for the hook `forgotten`: {0}")]
    Thread(io::Error),
}

impl From<io::Error> for ForgetError {
    fn from(error: io::Error) -> Self {
        Self::Thread(error)
    }
}

impl Forgetter<'_> {
    /// Removes everything about a user or a session.
    ///
    /// # Errors
    /// When a hook fails, or the state cannot be written. Nothing is removed then.
    pub fn forget(&self, user_or_session: &str, wish: PurgeWish) -> Result<Forgotten, ForgetError> {
        let (forgetting, mut transaction) = self.state.begin_forgetting(user_or_session)?;
        let mut taken_back = Vec::new();
        for processor in self.processors.iter().filter(|processor| processor.hooks().forgotten) {
            let sessions = forgetting.sessions_of(&transaction, processor.name())?;
            if !sessions.is_empty() {
                transaction = self.take_back(processor, sessions, transaction)?;
            }
            taken_back.push(processor.name().clone());
        }
        Ok(self.state.end_forgetting(forgetting, transaction, &taken_back, wish)?)
    }

    /// Calls the hook of a processor for each of its sessions; gives the transaction back.
    fn take_back(
        &self,
        processor: &Arc<Processor>,
        sessions: Vec<(SessionKey, EarlierVersion)>,
        transaction: Transaction,
    ) -> Result<Transaction, ForgetError> {
        if let Some(session) = processor.wedged_by() {
            let processor = processor.name().clone();
            return Err(ForgetError::Wedged { processor, session });
        }
        let keys: Vec<SessionKey> = sessions.iter().map(|(session, _)| session.clone()).collect();
        let (done, inbox) = sync_channel(1);
        let shared = Arc::new(Shared {
            interrupt: transaction.interrupt_handle(),
            transaction: Mutex::new(OwnTransaction::Open(transaction)),
            worker: Mutex::default(),
            standing: Mutex::default(),
        });
        let hooks = Hooks {
            executor: Executor::new(processor),
            state: Arc::clone(self.state),
            rules: self.state.statement_rules(processor.name())?,
            shared: Arc::clone(&shared),
            done,
        };
        threads::start(format!("{}-forget", processor.name()), move || {
            hooks.call_all(&sessions)
        })?;
        for session in keys {
            self.wait(processor, session, &inbox, &shared)?;
        }
        let transaction = shared.transaction().take().ok().flatten();
        transaction.ok_or_else(|| self.closed())
    }

    /// Waits until the hook has returned for a session.
    fn wait(
        &self,
        processor: &Processor,
        session: SessionKey,
        inbox: &Receiver<Result<(), HookError>>,
        shared: &Shared,
    ) -> Result<(), ForgetError> {
        let failed = |reason: String| ForgetError::Hook {
            processor: processor.name().clone(),
            session: session.clone(),
            reason,
        };
        match inbox.recv_timeout(self.timeout) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(HookError::State(error))) => Err(error.into()),
            Ok(Err(HookError::Failed(reason))) => Err(failed(reason)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(failed("the host panicked, which is a fault of the host".to_owned()))
            }
            Err(RecvTimeoutError::Timeout) => {
                shared.give_up(|| processor.wedge(session.as_str()));
                Err(ForgetError::TimedOut {
                    processor: processor.name().clone(),
                    session,
                    seconds: self.timeout.as_secs(),
                })
            }
        }
    }

    /// What is to say where the transaction is gone although no hook failed.
    fn closed(&self) -> ForgetError {
        let why = "the transaction was rolled back".to_owned();
        self.state.closed().unwrap_or(StateError::Closed { why }).into()
    }
}

/// What the caller shares with the thread of the hooks.
struct Shared {
    transaction: Mutex<OwnTransaction>,
    interrupt: Interrupt,
    worker: Mutex<Option<Killer>>,
    standing: Mutex<Standing>,
}

/// Whether the thread of the hooks has ended, and the wedge where it was left alone.
#[derive(Default)]
enum Standing {
    #[default]
    Running,
    Left {
        _wedge: Wedge,
    },
    Ended,
}

impl Shared {
    /// Kills the worker process of the hook; abandons a hook that runs in this process.
    fn give_up(&self, wedge: impl FnOnce() -> Wedge) {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        match worker {
            Some(worker) => {
                worker.kill();
                self.roll_back();
            }
            None => self.abandon(wedge),
        }
    }

    fn abandon(&self, wedge: impl FnOnce() -> Wedge) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*standing, Standing::Running) {
            *standing = Standing::Left { _wedge: wedge() };
        }
        drop(standing);
        self.roll_back();
    }

    /// Rolls the transaction back; if a statement of the hook runs, interrupts it.
    fn roll_back(&self) {
        match self.transaction.try_lock() {
            Ok(mut transaction) => transaction.roll_back(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().roll_back(),
            Err(TryLockError::WouldBlock) => self.interrupt.interrupt(),
        }
    }

    fn is_abandoned(&self) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*standing, Standing::Left { .. })
    }

    fn end(&self) {
        let ended = {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *standing, Standing::Ended)
        };
        if let Standing::Left { .. } = ended {
            self.transaction().roll_back();
        }
    }

    fn transaction(&self) -> MutexGuard<'_, OwnTransaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hooks of one processor, in their own thread.
struct Hooks {
    executor: Executor,
    state: Arc<State>,
    rules: StatementRules,
    shared: Arc<Shared>,
    done: SyncSender<Result<(), HookError>>,
}

/// Why a hook failed.
enum HookError {
    State(StateError),
    Failed(String),
}

impl Hooks {
    /// Calls the hook for one session after the other, until it fails or nobody waits any more.
    fn call_all(self, sessions: &[(SessionKey, EarlierVersion)]) {
        for (session, version) in sessions {
            let called = self.call(session, version);
            let goes_on = called.is_ok() && !self.shared.is_abandoned();
            if self.done.send(called).is_err() || !goes_on {
                break;
            }
        }
        self.shared.end();
    }

    fn call(&self, session: &SessionKey, version: &EarlierVersion) -> Result<(), HookError> {
        let seen = Seen::of_earlier(session, version);
        let attempt = Attempt {
            path: Path::new(session.as_str()),
            seen: &seen,
            bytes: TranscriptSlice::NONE,
            run: 0,
            cancellation: None,
        };
        let mut connection = ForgetConnection {
            hooks: self,
            failed: None,
        };
        let called = self
            .executor
            .call_hook(Hook::Forgotten, &attempt, &mut connection, &*self.shared);
        if let Some(error) = connection.failed {
            return Err(match error.into_fatal() {
                Ok(error) => HookError::State(error),
                Err(error) => HookError::Failed(error.to_string()),
            });
        }
        called.map_err(|error| match error {
            CallError::NoInstance(fault) | CallError::Failed(fault) => HookError::Failed(describe_fault(&fault)),
            CallError::Malformed(malformed) => HookError::Failed(malformed.to_string()),
            CallError::Ended(ending) => HookError::Failed(ending.to_string()),
        })
    }
}

/// The connection of the hook `forgotten`.
struct ForgetConnection<'a> {
    hooks: &'a Hooks,
    failed: Option<ConnectionError>,
}

impl ForgetConnection<'_> {
    fn in_transaction<T>(
        &self,
        statement: impl FnOnce(&mut Transaction) -> Result<T, TransactionError>,
    ) -> Result<T, ConnectionError> {
        if self.hooks.shared.is_abandoned() {
            return Err(ConnectionError::Abandoned);
        }
        let mut shared = self.hooks.shared.transaction();
        let Some(transaction) = shared.open()? else {
            return Err(ConnectionError::Abandoned);
        };
        let result = statement(transaction);
        self.hooks.state.hold_lock()?;
        // The caller could not roll back while the statement ran.
        if self.hooks.shared.is_abandoned() {
            shared.roll_back();
            return Err(ConnectionError::Abandoned);
        }
        Ok(result?)
    }
}

impl ForgetConnection<'_> {
    fn answer(&mut self, result: Result<u64, ConnectionError>) -> Result<u64, Fault> {
        result.map_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: ConnectionError) -> Fault {
        let fault = Fault::error(error.to_string());
        self.failed.get_or_insert(error);
        fault
    }
}

impl Requests for ForgetConnection<'_> {
    fn replace(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Err(self.fail(ConnectionError::ReplaceInHook))
    }

    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault> {
        let executed = self.in_transaction(|transaction| transaction.execute(&self.hooks.rules, sql, parameters));
        let executed = executed.map(|executed| executed.changed);
        self.answer(executed)
    }

    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        let queried = self.in_transaction(|transaction| transaction.query(&self.hooks.rules, sql, parameters, take));
        self.answer(queried)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        self.fail(ConnectionError::Refused(refusal))
    }
}

impl Watch for Shared {
    fn runs_in(&self, worker: Option<Killer>) {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = worker;
    }

    fn is_abandoned(&self) -> bool {
        self.is_abandoned()
    }
}
