//! Secrets that no earlier alert told of. Neither a key nor a text has more of them than their kind and fingerprint.

use std::collections::BTreeMap;

use super::{
    condition::{Condition, Unknown},
    figures::{Figures, NoFigures},
};
use crate::{
    host::Host,
    reports::AskedReport,
    state::{AlertKind, Reader},
};

/// The processor whose report names the secrets.
const PROCESSOR: &str = "secrets";

/// The secrets found so far; `None` before the first run that processes sessions has ended. Secrets of that run are known
/// ones, which no alert tells of.
///
/// # Errors
/// When the report cannot be run.
pub(super) fn found(host: &Host, reader: &Reader) -> Result<Option<Vec<Condition>>, Unknown> {
    let secrets = secrets(host, reader).map_err(|error| Unknown {
        kind: AlertKind::Secret,
        text: format!("new secrets cannot be found: {error}"),
    })?;
    Ok(has_ended_a_run(host, reader).then(|| secrets.into_iter().map(condition).collect()))
}

fn has_ended_a_run(host: &Host, reader: &Reader) -> bool {
    host.processor(PROCESSOR).is_ok_and(|processor| {
        let name = processor.name();
        host.run_under_way(name).is_none() && reader.sessions(name).is_ok_and(|sessions| !sessions.is_empty())
    })
}

/// The kind of each secret, by its fingerprint.
fn secrets(host: &Host, reader: &Reader) -> Result<BTreeMap<String, String>, NoFigures> {
    let figures = Figures::of(host, reader, "secrets.findings", &AskedReport::default())?;
    Ok(figures.columns("fingerprint", "kind")?.into_iter().collect())
}

fn condition((fingerprint, kind): (String, String)) -> Condition {
    Condition {
        key: format!("secret/{fingerprint}"),
        kind: AlertKind::Secret,
        text: format!(
            "a secret of the kind {kind} leaked, with the fingerprint {fingerprint}: `session-host report secrets.findings` shows where"
        ),
        scope: fingerprint,
        username: None,
        spent: None,
    }
}
