//! The rows of `secret_findings`, with the columns that `schema/0001.sql` declares.

use aho_corasick::BuildError;
use secret_detector::Rules;
use session_plugin_api::{Session, Timestamp, row};

use crate::{concealment::Concealment, findings::SessionFindings, salt::Salt};

row! {
    /// A row of `secret_findings`. It contains no secret, and only the preview contains part of one.
    #[derive(Clone, Debug)]
    pub(crate) struct SecretFinding<'a> {
        pub(crate) username: &'a str,
        pub(crate) session_id: String,
        pub(crate) rule_id: &'a str,
        pub(crate) description: &'a str,
        pub(crate) fingerprint: String,
        pub(crate) preview: String,
        pub(crate) first_event_uuid: Option<String>,
        pub(crate) first_line: i64,
        pub(crate) json_path: String,
        pub(crate) occurrences: i64,
        pub(crate) first_seen_at: Timestamp,
    }
}

/// The rows of a session's findings.
///
/// # Errors
/// When there are too many secrets to search for in the other columns.
pub(crate) fn rows<'a>(
    session: &Session<'a>,
    found: &SessionFindings,
    rules: &'a Rules,
    salt: &Salt,
) -> Result<Vec<SecretFinding<'a>>, BuildError> {
    let concealment = Concealment::of(found.findings.iter().map(|finding| &finding.secret))?;
    let session_id = match &found.session_id {
        Some(session_id) => concealment.apply(session_id).to_owned(),
        None => session.session_key().to_owned(),
    };
    let rows = found.findings.iter().map(|finding| {
        let rule = rules.get(finding.rule);
        let event_uuid = finding.first_event_uuid.as_deref();
        SecretFinding {
            username: session.username(),
            session_id: session_id.clone(),
            rule_id: rule.id(),
            description: rule.description(),
            fingerprint: finding.secret.fingerprint(salt),
            preview: finding.secret.preview(),
            first_event_uuid: event_uuid.map(|uuid| concealment.apply(uuid).to_owned()),
            first_line: i64::try_from(finding.first_line).unwrap_or(i64::MAX),
            json_path: finding.first_path.written(&concealment),
            occurrences: finding.occurrences.count(),
            first_seen_at: finding.first_seen_at,
        }
    });
    Ok(rows.collect())
}
