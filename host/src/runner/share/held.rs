//! The snapshots that runs hold for each other, and what each run wants of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::PACE;

use crate::{names::SessionKey, sessions::Snapshot};

/// The snapshots that are held, and the runs that want them.
#[derive(Debug)]
pub(super) struct Transcripts {
    /// How many bytes are held for a run before the others wait for it.
    room: u64,
    runs: Vec<Member>,
    held: HashMap<SessionKey, Arc<Snapshot>>,
    bytes: u64,
    /// Which run reads a transcript now.
    reading: HashMap<SessionKey, usize>,
}

/// One of the runs.
#[derive(Debug, Default)]
struct Member {
    wants: Wants,
    /// How many of the bytes that are held it wants.
    held: u64,
    /// How others wait for it to take what is held.
    taking: Progress,
    /// How others wait for what it reads.
    reading: Progress,
}

/// How others wait for a run, and what it does meanwhile.
#[derive(Debug, Default)]
struct Progress {
    /// How long they have waited, in sum.
    waited: Duration,
    /// How many bytes it has taken or read.
    bytes: u64,
}

#[derive(Debug, Default)]
enum Wants {
    /// It has not yet chosen its candidates.
    #[default]
    Anything,
    These(HashSet<SessionKey>),
    /// It has ended, or was left behind.
    Nothing,
}

/// A run that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    pub(super) run: usize,
    does: Does,
}

/// What others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It takes what is held for it.
    Take,
    /// It reads a transcript.
    Read,
}

impl Transcripts {
    /// None yet, for so many runs.
    pub(super) fn of_runs(runs: usize, room: u64) -> Self {
        Self {
            room,
            runs: (0..runs).map(|_| Member::default()).collect(),
            held: HashMap::new(),
            bytes: 0,
            reading: HashMap::new(),
        }
    }

    /// From now on a run wants only these.
    pub(super) fn want(&mut self, run: usize, sessions: HashSet<SessionKey>) {
        self.runs[run].want(Wants::These(sessions));
        self.let_go();
    }

    /// A run wants nothing any more, and nobody waits for what it reads.
    pub(super) fn leave(&mut self, run: usize) {
        self.reading.retain(|_, reader| *reader != run);
        self.runs[run].wants = Wants::Nothing;
        self.let_go();
    }

    /// The run that reads a session now.
    pub(super) fn reader(&self, session: &SessionKey) -> Option<Awaited> {
        let run = *self.reading.get(session)?;
        Some(Awaited { run, does: Does::Read })
    }

    /// Others wait for a run.
    pub(super) fn waits(&mut self, awaited: Awaited, time: Duration) {
        let member = &mut self.runs[awaited.run];
        let progress = match awaited.does {
            Does::Take => &mut member.taking,
            Does::Read => &mut member.reading,
        };
        progress.waited += time;
    }

    /// How long others have waited for a run, without the time that its progress is worth.
    pub(super) fn waited_for(&self, awaited: Awaited) -> Duration {
        let member = &self.runs[awaited.run];
        let progress = match awaited.does {
            Does::Take => &member.taking,
            Does::Read => &member.reading,
        };
        let worth = Duration::from_secs_f64(progress.bytes as f64 / PACE as f64);
        progress.waited.saturating_sub(worth)
    }

    /// Another run for which so much is held that this run must not read this session as well.
    pub(super) fn slow_for(&self, run: usize, session: &SessionKey) -> Option<Awaited> {
        if self.held.contains_key(session) || self.reading.contains_key(session) {
            return None;
        }
        let mut others = (0..self.runs.len()).filter(|other| *other != run);
        let run = others.find(|other| self.runs[*other].held >= self.room)?;
        Some(Awaited { run, does: Does::Take })
    }

    /// What is held of a session that a run comes to. If nothing is, the run reads it, and those that want it wait.
    pub(super) fn take(&mut self, run: usize, session: &SessionKey) -> Option<Arc<Snapshot>> {
        let held = self.held.get(session).cloned();
        let member = &mut self.runs[run];
        if member.wants.remove(session) {
            let taken = held.as_deref().map_or(0, size);
            member.held -= taken;
            member.taking.bytes += taken;
        }
        match (&held, self.is_wanted(session)) {
            (Some(snapshot), false) => {
                self.bytes -= size(snapshot);
                self.held.remove(session);
            }
            (None, true) => {
                self.reading.insert(session.clone(), run);
            }
            (Some(_), true) | (None, false) => {}
        }
        held
    }

    /// Holds what a run has read, if another one wants it and there is room.
    pub(super) fn put(&mut self, run: usize, session: &SessionKey, snapshot: &Arc<Snapshot>) {
        self.ends_reading(run, session);
        let size = size(snapshot);
        self.runs[run].reading.bytes += size;
        let has_room = self.bytes + size <= 2 * self.room;
        if !has_room || !self.is_wanted(session) || self.held.contains_key(session) {
            return;
        }
        self.bytes += size;
        for member in self.runs.iter_mut().filter(|member| member.wants.has(session)) {
            member.held += size;
        }
        self.held.insert(session.clone(), Arc::clone(snapshot));
    }

    /// A run does not take a session after all.
    pub(super) fn pass(&mut self, run: usize, session: &SessionKey) {
        if self.runs[run].wants.remove(session) {
            self.let_go();
        }
    }

    /// A run reads a session no longer.
    pub(super) fn ends_reading(&mut self, run: usize, session: &SessionKey) {
        if self.reading.get(session) == Some(&run) {
            self.reading.remove(session);
        }
    }

    /// How many snapshots are held, and how many bytes they have.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, u64) {
        (self.held.len(), self.bytes)
    }

    fn is_wanted(&self, session: &SessionKey) -> bool {
        self.runs.iter().any(|run| run.wants.has(session))
    }

    /// Lets go of what nobody wants any more.
    fn let_go(&mut self) {
        let runs = &self.runs;
        self.held
            .retain(|session, _| runs.iter().any(|run| run.wants.has(session)));
        self.bytes = self.held.values().map(|snapshot| size(snapshot)).sum();
        for member in &mut self.runs {
            let wanted = self.held.iter().filter(|(session, _)| member.wants.has(session));
            member.held = wanted.map(|(_, snapshot)| size(snapshot)).sum();
        }
    }
}

impl Member {
    /// It wants only these from now on, unless it was left behind.
    fn want(&mut self, wants: Wants) {
        if !matches!(self.wants, Wants::Nothing) {
            self.wants = wants;
        }
    }
}

impl Wants {
    fn has(&self, session: &SessionKey) -> bool {
        match self {
            Self::Anything => true,
            Self::These(sessions) => sessions.contains(session),
            Self::Nothing => false,
        }
    }

    /// Whether it was wanted.
    fn remove(&mut self, session: &SessionKey) -> bool {
        match self {
            Self::These(sessions) => sessions.remove(session),
            Self::Anything | Self::Nothing => false,
        }
    }
}

fn size(snapshot: &Snapshot) -> u64 {
    snapshot.bytes.len() as u64
}
