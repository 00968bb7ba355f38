//! What a good plugin does: one table of rules, and the verdict of each.

mod calls;

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    configuration::Misconfigured,
    passes::{Behaviour, Forgetting},
};
use crate::{
    plugins::PluginListing,
    runner::{RunResult, SessionError},
};

/// Something that a good plugin does.
struct Rule {
    name: &'static str,
    /// What the plugin does if it follows the rule.
    says: &'static str,
    judge: fn(&Evidence<'_>) -> Verdict,
}

/// Every rule, in the order in which the report names them.
const RULES: [Rule; 13] = [
    Rule {
        name: "loads",
        says: "the host loads the plugin, and the processor takes its configuration",
        judge: loads,
    },
    Rule {
        name: "reports",
        says: "the host rejects no report",
        judge: reports,
    },
    Rule {
        name: "sessions-succeed",
        says: "no transcript fails, however odd",
        judge: sessions_succeed,
    },
    Rule {
        name: "answers",
        says: "every report and view has an answer over the rows",
        judge: answers,
    },
    Rule {
        name: "steady",
        says: "the same transcript gives the same rows in the session tables",
        judge: steady,
    },
    Rule {
        name: "counts-once",
        says: "a session that is processed again counts once in the tables that `execute` fills",
        judge: counts_once,
    },
    Rule {
        name: "replaces",
        says: "a session that has changed leaves nothing of its earlier version",
        judge: replaces,
    },
    Rule {
        name: "forgets-session",
        says: "no row names a forgotten session",
        judge: forgets_session,
    },
    Rule {
        name: "forgets-all",
        says: "after every session is forgotten, the tables are as they were before the first",
        judge: forgets_all,
    },
    Rule {
        name: "stops",
        says: "a cancelled attempt ends soon",
        judge: calls::stops,
    },
    Rule {
        name: "leaks-nothing",
        says: "threads, open descriptors and memory do not grow with the number of sessions",
        judge: calls::leaks_nothing,
    },
    Rule {
        name: "concurrent",
        says: "calls at the same time give the same rows as calls one after the other",
        judge: calls::concurrent,
    },
    Rule {
        name: "finds",
        says: "the transcripts give rows and items",
        judge: finds,
    },
];

/// What the rules judge.
struct Evidence<'a> {
    plugin: &'a PluginListing,
    configuration: Option<&'a Misconfigured>,
    behaviour: Option<&'a Behaviour>,
}

/// A rule and its verdict.
#[derive(Serialize)]
pub(super) struct Tried {
    pub(super) rule: &'static str,
    pub(super) says: &'static str,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

/// Whether a plugin follows a rule.
#[derive(Serialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It does.
    Passed,
    /// It does not, for each of these reasons.
    Failed(Vec<String>),
    /// It may, but its author should look.
    Hint(Vec<String>),
    /// The rule was not tried.
    NotTried(Vec<String>),
}

/// Tries every rule.
pub(super) fn try_all(
    plugin: &PluginListing,
    configuration: Option<&Misconfigured>,
    behaviour: Option<&Behaviour>,
) -> Vec<Tried> {
    let evidence = Evidence {
        plugin,
        configuration,
        behaviour,
    };
    let tried = RULES.iter().map(|rule| Tried {
        rule: rule.name,
        says: rule.says,
        verdict: (rule.judge)(&evidence),
    });
    tried.collect()
}

impl Tried {
    /// Whether the plugin breaks the rule.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

impl Verdict {
    /// Its name in the report, and the reasons.
    pub(super) fn told(&self) -> (&'static str, &[String]) {
        match self {
            Self::Passed => ("passed", &[]),
            Self::Failed(reasons) => ("FAILED", reasons),
            Self::Hint(reasons) => ("hint", reasons),
            Self::NotTried(reasons) => ("not tried", reasons),
        }
    }

    fn failed_if(reasons: Vec<String>) -> Self {
        match reasons.is_empty() {
            true => Self::Passed,
            false => Self::Failed(reasons),
        }
    }

    fn not_tried(why: impl Into<String>) -> Self {
        Self::NotTried(vec![why.into()])
    }
}

impl<'a> Evidence<'a> {
    /// Judges how the plugin behaved in a pass.
    fn of_pass<T: 'a>(
        &self,
        pass: impl FnOnce(&'a Behaviour) -> Option<&'a T>,
        judge: impl FnOnce(&'a Behaviour, &'a T) -> Verdict,
    ) -> Verdict {
        let Some(behaviour) = self.behaviour else {
            return Verdict::not_tried("the plugin does not serve");
        };
        match (pass(behaviour), &behaviour.hanging) {
            (Some(pass), _) => judge(behaviour, pass),
            (None, Some(sessions)) => Verdict::not_tried(format!("the attempt at {sessions} does not return")),
            (None, None) => Verdict::not_tried("no session was processed"),
        }
    }
}

fn loads(evidence: &Evidence<'_>) -> Verdict {
    let Some(reason) = &evidence.plugin.reason else {
        return Verdict::Passed;
    };
    Verdict::Failed(vec![match evidence.configuration {
        Some(misconfigured) => misconfigured.to_string(),
        None => reason.clone(),
    }])
}

fn reports(evidence: &Evidence<'_>) -> Verdict {
    let rejected = evidence.plugin.rejected_reports.iter();
    let reasons = rejected.map(|rejected| format!("{}: {}", rejected.report, rejected.reason));
    match evidence.behaviour {
        Some(_) => Verdict::failed_if(reasons.collect()),
        None => Verdict::not_tried("the plugin does not serve"),
    }
}

fn sessions_succeed(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(Some, |_, behaviour| {
        let further = [&behaviour.second_pass, &behaviour.shortened_pass, &behaviour.whole_pass];
        let passes: Vec<&RunResult> = std::iter::once(&behaviour.first_pass)
            .chain(further.into_iter().flatten())
            .collect();
        let details = passes.iter().flat_map(|pass| &pass.errors_detail);
        let told: BTreeSet<String> = details
            .map(|SessionError { session, error }| format!("{session}: {error}"))
            .collect();
        let most = passes.iter().map(|pass| pass.errors).max().unwrap_or(0);
        let mut reasons: Vec<String> = told.into_iter().collect();
        if most > RunResult::DETAILED_ERRORS as u64 {
            reasons.push(format!("{most} sessions fail in one pass; not all are listed"));
        }
        Verdict::failed_if(reasons)
    })
}

fn answers(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(Some, |_, behaviour| {
        let unanswered = behaviour.unanswered.iter();
        let reasons = unanswered.map(|unanswered| format!("{}: {}", unanswered.asked, unanswered.reason));
        Verdict::failed_if(reasons.collect())
    })
}

fn steady(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(|behaviour| behaviour.second_pass.as_ref(), |behaviour, _| {
        let tables = behaviour.unsteady_tables.iter();
        let reasons = tables.map(|table| {
            format!("{table} differs in the second pass: let rows depend on the transcript alone, not on the clock or on chance")
        });
        Verdict::failed_if(reasons.collect())
    })
}

fn counts_once(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(|behaviour| behaviour.second_pass.as_ref(), |behaviour, _| {
        let remedy = match behaviour.has_hooks {
            true => "let the hook `replaced` take back all that `execute` wrote for the session",
            false => {
                "write with `replace` and make the sum a view; what cannot be a view, take back in the hook `replaced` of `SessionHooks`"
            }
        };
        let tables = behaviour.miscounted_tables.iter();
        let reasons = tables.map(|table| {
            format!("{table} differs in the second pass: `execute` counts a session again each time it is processed; {remedy}")
        });
        Verdict::failed_if(reasons.collect())
    })
}

fn replaces(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(|behaviour| behaviour.whole_pass.as_ref(), |behaviour, _| {
        let tables = behaviour.unreplaced_tables.iter();
        let reasons = tables.map(|table| {
            format!(
                "{table} differs when a session grew from its first half to the whole: it keeps what `execute` wrote for the half; take that back in the hook `replaced` of `SessionHooks`"
            )
        });
        Verdict::failed_if(reasons.collect())
    })
}

fn forgets_session(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(
        |behaviour| behaviour.forgetting.as_ref(),
        |_, forgetting| {
            if let Some(error) = &forgetting.error {
                return Verdict::Failed(vec![error.clone()]);
            }
            let session = &forgetting.session;
            let tables = forgetting.naming_tables.iter();
            let reasons = tables.map(|table| {
                format!("{table} still names {session}: remove such rows in the hook `forgotten` of `SessionHooks`")
            });
            Verdict::failed_if(reasons.collect())
        },
    )
}

fn forgets_all(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(
        |behaviour| behaviour.forgetting.as_ref(),
        |behaviour, forgetting| {
            if forgetting.error.is_some() {
                return Verdict::not_tried("the sessions cannot be forgotten");
            }
            let (mut failed, mut hints) = (Vec::new(), Vec::new());
            for (table, rows) in &forgetting.left_tables {
                let reason = left(forgetting, table, *rows);
                match behaviour.has_hooks || forgetting.left_naming_tables.contains(table) {
                    true => failed.push(reason),
                    false => hints.push(reason),
                }
            }
            match (failed.is_empty(), hints.is_empty()) {
                (false, _) => Verdict::Failed(failed),
                (true, false) => Verdict::Hint(hints),
                (true, true) => Verdict::Passed,
            }
        },
    )
}

fn left(forgetting: &Forgetting, table: &str, rows: i64) -> String {
    let what = match rows {
        0 => "other values".to_owned(),
        rows => format!("{rows} rows"),
    };
    let names = match forgetting.left_naming_tables.iter().any(|naming| naming == table) {
        true => ", and a row names a session or a user",
        false => "",
    };
    format!(
        "{table} keeps {what} of forgotten sessions{names}: take them back in the hook `forgotten` of `SessionHooks`"
    )
}

fn finds(evidence: &Evidence<'_>) -> Verdict {
    evidence.of_pass(Some, |_, behaviour| {
        let rows: u64 = behaviour.tables.iter().map(|table| table.rows).sum();
        let items = behaviour.first_pass.items_extracted;
        let hint = match (rows, items) {
            _ if behaviour.tables.is_empty() => {
                "the processor has no tables: create them in `migrations`, or nobody sees what it finds"
            }
            (0, 0) => {
                "no rows and no items: name a folder of transcripts that hold what the processor looks for, as `session-host check FILE FOLDER`; if they do, the processor does not see it"
            }
            (0, _) => "items are counted, but no table has rows: write them with `replace`",
            (_, 0) => "there are rows, but `items_count` is 0 for every session: return the number of items",
            _ => return Verdict::Passed,
        };
        Verdict::Hint(vec![hint.to_owned()])
    })
}
