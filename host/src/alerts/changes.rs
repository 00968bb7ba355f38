//! Which alerts fire and which end: what holds now, compared with what is recorded.

use std::collections::BTreeSet;

use session_plugin_api::Timestamp;

use super::{
    condition::{Condition, Unknown},
    periods::Days,
};
use crate::state::{AlertChanges, AlertKind, AlertRecord, KnownSecrets, RecordedAlerts};

/// How long the alert of a secret lasts, in microseconds: a day.
const SECRET_LASTS: i64 = 24 * 3600 * 1_000_000;

/// What an evaluation sees.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// The budgets that are exceeded, and the processors that fail.
    pub(super) conditions: Vec<&'a Condition>,
    /// The secrets found so far.
    pub(super) secrets: Secrets<'a>,
    /// What cannot be evaluated.
    pub(super) unknown: Vec<&'a Unknown>,
    /// The current periods.
    pub(super) days: &'a [Days],
    pub(super) now: Timestamp,
}

/// The secrets found so far.
#[derive(Clone, Copy, Debug)]
pub(super) enum Secrets<'a> {
    /// Nobody asks for alerts of secrets.
    NotAsked,
    /// They cannot be found.
    Unknown,
    /// These.
    Found(&'a [Condition]),
}

impl Seen<'_> {
    /// What is to be recorded.
    pub(super) fn changes(&self, recorded: &RecordedAlerts) -> AlertChanges {
        let active = recorded.alerts.iter().filter(|alert| alert.is_active());
        let active: BTreeSet<&str> = active.map(|alert| alert.key.as_str()).collect();
        let fresh = self.conditions.iter().copied();
        let fresh = fresh.filter(|condition| !active.contains(condition.key.as_str()));
        let (secrets, known_secrets) = self.secrets(recorded);
        let ended = recorded.alerts.iter();
        let ended = ended.filter(|alert| alert.is_active() && !self.lasts(alert));
        AlertChanges {
            fired: fresh.chain(secrets).map(|condition| self.fire(condition)).collect(),
            resolved: ended.map(|alert| alert.key.clone()).collect(),
            known_secrets,
        }
    }

    /// The secrets that fire, and what becomes of those that no alert tells of.
    fn secrets(&self, recorded: &RecordedAlerts) -> (Vec<&Condition>, KnownSecrets) {
        let told: BTreeSet<&str> = recorded.alerts.iter().map(|alert| alert.key.as_str()).collect();
        let untold = |secrets| {
            let secrets: std::slice::Iter<'_, Condition> = secrets;
            secrets.filter(|secret| !told.contains(secret.key.as_str()))
        };
        match (self.secrets, &recorded.known_secrets) {
            (Secrets::NotAsked, Some(_)) => (Vec::new(), KnownSecrets::Ended),
            (Secrets::NotAsked, None) | (Secrets::Unknown, _) => (Vec::new(), KnownSecrets::Kept),
            (Secrets::Found(found), None) => {
                let known = untold(found.iter()).map(|secret| secret.key.clone());
                (Vec::new(), KnownSecrets::Recorded(known.collect()))
            }
            (Secrets::Found(found), Some(known)) => {
                let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
                let new = untold(found.iter()).filter(|secret| !known.contains(secret.key.as_str()));
                (new.collect(), KnownSecrets::Kept)
            }
        }
    }

    fn fire(&self, condition: &Condition) -> AlertRecord {
        let spent = condition.spent.as_ref();
        AlertRecord {
            key: condition.key.clone(),
            kind: condition.kind,
            scope: condition.scope.clone(),
            username: condition.username.clone(),
            period: spent.map(|spent| spent.period.clone()),
            value_usd: spent.map(|spent| spent.value_usd),
            budget_usd: spent.map(|spent| spent.budget_usd),
            text: condition.text.clone(),
            fired_at: self.now,
            resolved_at: None,
            delivered_at: None,
        }
    }

    /// Whether what an alert tells of still lasts. What cannot be evaluated lasts to the end of its period.
    fn lasts(&self, alert: &AlertRecord) -> bool {
        let holds = || self.conditions.iter().any(|condition| condition.key == alert.key);
        match alert.kind {
            AlertKind::Secret => {
                let age = self.now.as_micros().saturating_sub(alert.fired_at.as_micros());
                !matches!(self.secrets, Secrets::NotAsked) && age < SECRET_LASTS
            }
            AlertKind::Processor => holds(),
            AlertKind::Budget => {
                let is_unknown = self.unknown.iter().any(|unknown| unknown.kind == AlertKind::Budget);
                holds() || is_unknown && self.days.iter().any(|days| days.has(&alert.key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Period, week::WeekStart, zone::Zone};

    const NOW: Timestamp = Timestamp::from_micros(1_795_953_600_000_000);

    fn condition(key: &str, kind: AlertKind) -> Condition {
        Condition {
            key: key.to_owned(),
            kind,
            scope: String::new(),
            username: None,
            spent: None,
            text: String::new(),
        }
    }

    fn seen<'a>(conditions: &'a [Condition], secrets: Secrets<'a>, days: &'a [Days]) -> Seen<'a> {
        Seen {
            conditions: conditions.iter().collect(),
            secrets,
            unknown: Vec::new(),
            days,
            now: NOW,
        }
    }

    fn today() -> Days {
        Days::at(NOW, Period::Daily, &Zone::utc(), WeekStart::Sunday).unwrap()
    }

    fn keys(alerts: &[AlertRecord]) -> Vec<&str> {
        alerts.iter().map(|alert| alert.key.as_str()).collect()
    }

    /// What is recorded after these changes.
    fn after(changes: AlertChanges) -> RecordedAlerts {
        RecordedAlerts {
            alerts: changes.fired,
            known_secrets: match changes.known_secrets {
                KnownSecrets::Recorded(known) => Some(known),
                KnownSecrets::Kept | KnownSecrets::Ended => None,
            },
        }
    }

    #[test]
    fn what_holds_fires_once_and_again_after_it_has_ended() {
        let fails = [condition("processor/usage", AlertKind::Processor)];
        let failing = seen(&fails, Secrets::NotAsked, &[]);
        let first = failing.changes(&RecordedAlerts::default());
        assert_eq!(keys(&first.fired), ["processor/usage"]);
        let mut recorded = after(first);
        assert_eq!(failing.changes(&recorded), AlertChanges::default());
        let well = seen(&[], Secrets::NotAsked, &[]).changes(&recorded);
        assert_eq!(
            (well.fired.len(), well.resolved),
            (0, vec!["processor/usage".to_owned()])
        );
        recorded.alerts[0].resolved_at = Some(NOW);
        assert_eq!(keys(&failing.changes(&recorded).fired), ["processor/usage"]);
    }

    #[test]
    fn secrets_that_are_known_when_somebody_asks_do_not_fire() {
        let secrets = ["secret/a", "secret/b"].map(|key| condition(key, AlertKind::Secret));
        let first = seen(&[], Secrets::Found(&secrets[..1]), &[]).changes(&RecordedAlerts::default());
        assert_eq!(first.known_secrets, KnownSecrets::Recorded(vec!["secret/a".to_owned()]));
        assert!(first.fired.is_empty());
        let mut recorded = after(first);
        let second = seen(&[], Secrets::Found(&secrets), &[]).changes(&recorded);
        assert_eq!(keys(&second.fired), ["secret/b"]);
        recorded.alerts = second.fired;
        recorded.alerts[0].resolved_at = Some(NOW);
        let third = seen(&[], Secrets::Found(&secrets), &[]).changes(&recorded);
        assert_eq!(third, AlertChanges::default());
        let off = seen(&[], Secrets::NotAsked, &[]).changes(&recorded);
        assert_eq!(off.known_secrets, KnownSecrets::Ended);
    }

    #[test]
    fn the_alert_of_a_secret_lasts_a_day() {
        let secret = [condition("secret/a", AlertKind::Secret)];
        let mut seen = seen(&[], Secrets::Found(&secret), &[]);
        let recorded = RecordedAlerts {
            alerts: vec![seen.fire(&secret[0])],
            known_secrets: Some(Vec::new()),
        };
        seen.now = Timestamp::from_micros(NOW.as_micros() + SECRET_LASTS - 1);
        assert_eq!(seen.changes(&recorded).resolved, [] as [&str; 0]);
        seen.now = Timestamp::from_micros(NOW.as_micros() + SECRET_LASTS);
        assert_eq!(seen.changes(&recorded).resolved, ["secret/a"]);
    }

    #[test]
    fn a_budget_that_cannot_be_evaluated_lasts_to_the_end_of_its_period() {
        let days = [today()];
        let exceeded = [condition(&days[0].key("user alice"), AlertKind::Budget)];
        let recorded = after(seen(&exceeded, Secrets::NotAsked, &days).changes(&RecordedAlerts::default()));
        let unknown = Unknown {
            kind: AlertKind::Budget,
            text: String::new(),
        };
        let mut unknown_now = seen(&[], Secrets::NotAsked, &days);
        unknown_now.unknown.push(&unknown);
        assert_eq!(unknown_now.changes(&recorded), AlertChanges::default());
        unknown_now.days = &[];
        assert_eq!(unknown_now.changes(&recorded).resolved, [days[0].key("user alice")]);
    }
}
