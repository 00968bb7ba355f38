//! What the routes of the page share.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

use super::{
    entry::{ended::EndedVisits, notices::Notices, spent::Spent, throttle::Throttle},
    overview::MonthCharts,
    sessions::{kept::KeptIndex, transcripts::Transcripts},
    texts::Clock,
};
use crate::{
    config::PageSecrets,
    http::{Service, answer::Refusal, background::read},
    state::Reader,
};

/// The service, and what the page keeps in memory. Clones share it.
#[derive(Clone)]
pub(super) struct Web {
    /// The service.
    pub(super) service: Service,
    /// How long a sign-in lasts.
    pub(super) visit: Duration,
    /// What seals visits and links, beside the token.
    pub(super) secrets: PageSecrets,
    /// What the page keeps in memory.
    pub(super) memory: Arc<Memory>,
    /// The places of those that read lists.
    lists: Arc<Semaphore>,
}

/// How many lists are read at once. More would keep the threads that write the audit log.
const LISTS_AT_ONCE: usize = 4;

/// How long a list waits for others.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the page keeps in memory. All of it but the visits that have ended is forgotten when the service ends.
pub(super) struct Memory {
    /// The codes that somebody has used.
    pub(super) codes: Spent,
    /// The visits that have ended before their time.
    pub(super) visits: EndedVisits,
    /// The addresses that sent wrong tokens.
    pub(super) throttle: Throttle,
    /// What the next page tells each visitor.
    pub(super) notices: Notices,
    /// The small charts of the overview.
    pub(super) month: MonthCharts,
    /// What helps to show transcripts.
    pub(super) transcripts: Transcripts,
    /// All that is known of sessions.
    pub(super) sessions: KeptIndex,
}

impl Web {
    /// The clock of the people who look at the page.
    pub(super) fn clock(&self) -> Clock {
        Clock::new(self.service.host.settings().timezone.rules().clone())
    }

    /// Reads what a list shows.
    ///
    /// # Errors
    /// When the state cannot be read, or too many others read lists.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        list: impl FnOnce(&Reader) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let busy = || Refusal::timeout("too many lists are read at the moment: reload the page".to_owned());
        let place = timeout(PATIENCE, Arc::clone(&self.lists).acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(|_| busy())?;
        read(&self.service, move |reader| {
            let _until_it_is_read = place;
            list(reader)
        })
        .await
    }

    pub(super) fn new(service: Service, visit: Duration, secrets: PageSecrets) -> Self {
        let memory = Memory {
            codes: Spent::default(),
            visits: EndedVisits::of(&service.host.settings().data),
            throttle: Throttle::default(),
            notices: Notices::default(),
            month: MonthCharts::default(),
            transcripts: Transcripts::default(),
            sessions: KeptIndex::default(),
        };
        Self {
            service,
            visit,
            secrets,
            memory: Arc::new(memory),
            lists: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
        }
    }
}
