//! This host among those that share its state: what it owns, what is asked of all, and what it asks.
//!
//! # Threads
//! The cluster has a thread of its own. Any thread may ask here; the scheduler alone takes the requests.

use std::{
    collections::BTreeMap,
    process,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use session_plugin_api::{Concurrency, Timestamp};

use super::{Host, covered::Covered};
use crate::{
    cluster::{
        BucketCount, Buckets, Cluster, ClusterError, InFlight, Machine, NewRequest, PluginSeen, Request, RequestKind,
        Standing, Timing,
    },
    hex::hex,
    names::{ProcessorName, SessionKey},
    plugins::{Catalogue, Processor},
    postgres::{Outage, PostgresAddress},
    runner::Selection,
    state::{Actor, Fired, Leases, StateError},
};

/// The membership of this host.
pub(super) struct Members {
    cluster: Arc<Cluster>,
    requests: Mutex<Receiver<Request>>,
    covered: Covered,
}

/// What a run works on.
pub(super) enum Territory {
    /// All sessions, because no other host shares the state.
    Everything,
    /// The sessions of the buckets that this host owns.
    Owned(InFlight, Leases),
    /// Nothing: other hosts own all buckets.
    Nothing,
    /// Nobody knows, because this host cannot reach the database.
    Unknown(String),
}

/// What a request says in addition to its kind and the processor.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    /// The host that does its part without the request.
    asked_at: String,
    /// Whether a run attempts only failing sessions.
    failing: bool,
    /// The failing sessions, if not all are meant.
    sessions: Option<Vec<String>>,
}

impl Members {
    /// Joins the hosts that share the state at this address.
    pub(super) fn join(
        address: &PostgresAddress,
        catalogue: &Catalogue,
        lease: Duration,
        outage: Arc<Outage>,
    ) -> Result<Self, ClusterError> {
        let machine = Machine {
            name: name_of_this_host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let divisions = divisions_of(catalogue);
        let (cluster, requests) = Cluster::join(address.clone(), machine, divisions, Timing { lease }, outage)?;
        cluster.describe(plugins_of(catalogue));
        Ok(Self {
            cluster,
            requests: Mutex::new(requests),
            covered: Covered::default(),
        })
    }
}

/// The name of the machine and the number of the process, because several hosts may run on one machine.
fn name_of_this_host() -> String {
    let system = rustix::system::uname();
    format!("{}:{}", system.nodename().to_string_lossy(), process::id())
}

/// What tells this process from all others, also from one of the same name and number in another container.
fn mark_of_this_process() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let mut bytes = [0; 16];
        match getrandom::fill(&mut bytes) {
            Ok(()) => hex(bytes),
            Err(_) => name_of_this_host(),
        }
    })
}

/// Into how many parts the work of each processor may be divided. A serial processor runs on one host at a time.
fn divisions_of(catalogue: &Catalogue) -> Vec<(ProcessorName, BucketCount)> {
    let processors = catalogue.processors();
    let of_processors = processors.map(|processor| (processor.name().clone(), buckets_of(processor)));
    of_processors.chain([(chores(), BucketCount::One)]).collect()
}

/// The plugins, for people who look at the hosts.
fn plugins_of(catalogue: &Catalogue) -> BTreeMap<ProcessorName, PluginSeen> {
    let seen = catalogue.processors().map(|processor| {
        let plugin = PluginSeen {
            version: processor.package_version().to_owned(),
            output: processor.version().output,
            digest: processor.version().digest.clone(),
        };
        (processor.name().clone(), plugin)
    });
    seen.collect()
}

/// The name of the lease whose owner does what one host does for all: it deletes old entries and tells of alerts.
fn chores() -> ProcessorName {
    ProcessorName::of_the_hosts_own_work()
}

fn buckets_of(processor: &Processor) -> BucketCount {
    match processor.descriptor().concurrency() {
        Concurrency::Serial => BucketCount::One,
        Concurrency::Parallel => BucketCount::SixtyFour,
    }
}

impl Host {
    /// The cluster, where several hosts share the state.
    #[must_use]
    pub fn cluster(&self) -> Option<&Arc<Cluster>> {
        Some(&self.members.as_ref()?.cluster)
    }

    /// What a run of a processor that begins now works on. It stays with this host until the run has ended.
    pub(super) fn territory(&self, processor: &Processor, selection: &Selection) -> Territory {
        let Some(members) = &self.members else {
            return Territory::Everything;
        };
        if members.cluster.incarnation().is_none() {
            let trouble = members.cluster.trouble();
            return Territory::Unknown(trouble.unwrap_or_else(|| "other hosts have taken over its work".to_owned()));
        }
        let Some(in_flight) = members.cluster.begin(processor.name()) else {
            return Territory::Nothing;
        };
        let forgotten = match self.state.last_forgotten() {
            Ok(Some(forgotten)) => forgotten,
            // A member that took all sessions would do the work of the others.
            Ok(None) => return Territory::Unknown("its state is in no database that hosts share".to_owned()),
            Err(error) => return Territory::Unknown(error.to_string()),
        };
        let leases = Leases {
            machine: in_flight.incarnation(),
            count: in_flight.count(),
            buckets: in_flight.buckets(),
            tables: processor.tables_version(),
            forgotten,
        };
        self.state.enlist(Some(leases.machine));
        if *selection == Selection::All {
            members.covered.set(processor.name(), leases.buckets);
        }
        Territory::Owned(in_flight, leases)
    }

    /// Whether this host does what one host does for all.
    #[must_use]
    pub fn does_chores(&self) -> bool {
        let members = self.members.as_ref();
        members.is_none_or(|members| !members.cluster.owned(&chores()).is_empty())
    }

    /// Whether this host may attempt sessions of a processor.
    #[must_use]
    pub fn owns_some_of(&self, processor: &ProcessorName) -> bool {
        let members = self.members.as_ref();
        members.is_none_or(|members| !members.cluster.owned(processor).is_empty())
    }

    /// The processors of which this host has gained buckets since its last run over all sessions, such as by a take-over. After
    /// the start, these are all of which it owns some. Makes the incarnation known to PostgreSQL, if it is a new one.
    #[must_use]
    pub fn gained(&self) -> Vec<ProcessorName> {
        let Some(members) = &self.members else {
            return Vec::new();
        };
        members.note_what_is_owned();
        if let Some(machine) = members.cluster.incarnation() {
            self.state.enlist(Some(machine));
        }
        let catalogue = self.catalogue();
        let names = catalogue.processors().map(|processor| processor.name());
        names.filter(|name| members.has_gained(name)).cloned().collect()
    }

    /// Lets this host run a processor again as soon as it can, as if it had gained all that it owns of it.
    pub fn runs_again(&self, processor: &ProcessorName) {
        if let Some(members) = &self.members {
            members.covered.set(processor, Buckets::NONE);
        }
    }

    /// What was asked of all hosts since the last call, in order, without what this host asked.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let Some(members) = &self.members else {
            return Vec::new();
        };
        let requests = members.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = Vec::new();
        loop {
            match requests.try_recv() {
                Ok(request) if is_of_this_host(&request) => {}
                Ok(request) => new.push(request),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return new,
            }
        }
    }

    /// Asks the other hosts to run a processor, too.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn ask_others_to_run(
        &self,
        processor: &ProcessorName,
        actor: &Actor,
        selection: &Selection,
    ) -> Result<(), StateError> {
        let kind = match selection {
            Selection::All => RequestKind::Run,
            Selection::Failing | Selection::These(_) => RequestKind::Retry,
        };
        self.state.ask_all(&request(kind, Some(processor), actor, selection))
    }

    /// Moves the recorded time of a processor's last run from what this host saw to now, and asks the other hosts to run
    /// it, too. Returns who did so first. A host that shares its state with nobody is always first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn fire(
        &self,
        processor: &ProcessorName,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Fired, StateError> {
        let request = request(RequestKind::Run, Some(processor), &Actor::Scheduler, &Selection::All);
        self.state.fire(processor, seen, now, &request)
    }

    /// Asks the other hosts to reload their plugins, too. A host that shares its state with nobody asks nothing.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn ask_others_to_reload(&self, actor: &Actor) -> Result<(), StateError> {
        self.state
            .ask_all(&request(RequestKind::Reload, None, actor, &Selection::All))
    }
}

fn request(kind: RequestKind, processor: Option<&ProcessorName>, actor: &Actor, selection: &Selection) -> NewRequest {
    let sessions = match selection {
        Selection::These(sessions) => Some(sessions.iter().map(ToString::to_string).collect()),
        Selection::All | Selection::Failing => None,
    };
    NewRequest {
        actor: actor.as_str().to_owned(),
        kind,
        processor: processor.cloned(),
        payload: serde_json::json!(Asked {
            asked_at: mark_of_this_process().to_owned(),
            failing: !matches!(selection, Selection::All),
            sessions,
        }),
    }
}

fn asked(request: &Request) -> Option<Asked> {
    serde_json::from_value(request.asked.payload.clone()).ok()
}

fn is_of_this_host(request: &Request) -> bool {
    asked(request).is_some_and(|asked| asked.asked_at == mark_of_this_process())
}

/// The sessions that a request to run concerns; `None` if it does not say that in a form that this version knows.
#[must_use]
pub fn selection_asked(request: &Request) -> Option<Selection> {
    Some(match asked(request)? {
        Asked { failing: false, .. } => Selection::All,
        Asked { sessions: None, .. } => Selection::Failing,
        Asked {
            sessions: Some(sessions),
            ..
        } => Selection::These(sessions.into_iter().map(SessionKey::new).collect()),
    })
}

/// A host that ends early, such as for an error after its start, leaves as well.
impl Drop for Members {
    fn drop(&mut self) {
        if self.cluster.standing() != Standing::Left {
            self.leave();
        }
    }
}

impl Members {
    /// A host in doubt does not know what it owns, and has given nothing away.
    fn note_what_is_owned(&self) {
        if !matches!(self.cluster.standing(), Standing::Doubtful(_)) {
            self.covered.keep_only(|processor| self.cluster.owned(processor));
        }
    }

    fn has_gained(&self, processor: &ProcessorName) -> bool {
        self.covered.lacks_some_of(processor, self.cluster.owned(processor))
    }

    /// Tells the cluster which processors this host has after a reload.
    pub(super) fn has_processors_of(&self, catalogue: &Catalogue) {
        self.cluster.describe(plugins_of(catalogue));
        self.cluster.set_processors(divisions_of(catalogue));
    }

    /// Leaves the other hosts, after the last commit.
    pub(super) fn leave(&self) {
        if let Err(error) = self.cluster.leave() {
            tracing::warn!("cannot leave the other hosts: {error}; they take this one over soon");
        }
    }
}
