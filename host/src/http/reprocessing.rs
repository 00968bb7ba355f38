//! The route that marks sessions to be processed again.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    admin::noted,
    answer::{Refusal, json_answer},
    background::in_background,
    parameters::{Parameters, processor_name},
    service::OfService,
};
use crate::{
    dates::{self, InvalidDate},
    names::SessionKey,
    state::ReprocessFilter,
};

/// Which sessions, and whether they are only counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichSessions {
    pub(crate) processor: String,
    pub(crate) session: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) project: Option<String>,
    #[serde(default)]
    pub(crate) dry_run: bool,
}

impl WhichSessions {
    /// The sessions that they are.
    ///
    /// # Errors
    /// When a date is none.
    pub(crate) fn filter(self) -> Result<ReprocessFilter, InvalidDate> {
        Ok(ReprocessFilter {
            session: self.session.map(SessionKey::new),
            since: self.since.as_deref().map(dates::beginning_of).transpose()?,
            until: self.until.as_deref().map(dates::end_of).transpose()?,
            user: self.user,
            project: self.project,
        })
    }
}

/// `POST /api/admin/reprocess?processor=NAME[&session=KEY][&since=DATE][&until=DATE][&user=USER][&project=PREFIX][&dry_run=true]`
pub(crate) async fn reprocess(State(service): OfService, Parameters(asked): Parameters<WhichSessions>) -> Response {
    let name = asked.processor.clone();
    // The audit log tells what only counts from what changes something.
    let action = match asked.dry_run {
        true => "reprocess_dry_run",
        false => "reprocess",
    };
    let (status, body) = in_background(&service, move |host| {
        let (processor, dry_run) = (processor_name(&asked.processor)?, asked.dry_run);
        let filter = asked.filter().map_err(Refusal::bad_request)?;
        let marked = match dry_run {
            true => host.state().reader()?.to_reprocess(&processor, &filter)?,
            false => host.reprocess(&processor, &filter)?,
        };
        if marked.sessions == 0 && !dry_run {
            let nothing = filter.nothing();
            return Err(Refusal::not_found(format!(
                "processor {processor} has processed {nothing}"
            )));
        }
        let (sessions, bytes) = (marked.sessions, marked.bytes);
        Ok(json!({"processor": processor, "sessions": sessions, "bytes": bytes, "dry_run": dry_run}))
    })
    .await;
    noted(json_answer(status, &body), action, &name, Some(body))
}
