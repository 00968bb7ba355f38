//! Budgets: what users and projects spend in a day, a week or a month.

use super::{
    condition::{Condition, Spent, Unknown},
    figures::{Figures, NoFigures},
    periods::Days,
};
use crate::{
    config::Budgets,
    host::Host,
    reports::AskedReport,
    state::{AlertKind, Reader},
};

/// The column of all these reports that has the cost.
const COST: &str = "cost_usd";

/// Whose spending a budget limits.
enum Scope {
    All,
    User(String),
    Project(String),
}

impl Scope {
    /// The scope as alerts name it.
    fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::User(name) => format!("user {name}"),
            Self::Project(name) => format!("project {name}"),
        }
    }

    /// Who spent, at the beginning of a sentence.
    fn spent(&self) -> String {
        match self {
            Self::All => "all users together spent".to_owned(),
            Self::User(name) => format!("user {name} spent"),
            Self::Project(name) => format!("project {name} cost"),
        }
    }
}

/// The budgets of a period that are exceeded, and those that cannot be evaluated.
pub(super) fn exceeded(host: &Host, reader: &Reader, days: &Days, budgets: Budgets) -> (Vec<Condition>, Vec<Unknown>) {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    let mut take = |scopes: &str, exceeded: Result<Vec<Condition>, NoFigures>| match exceeded {
        Ok(conditions) => found.extend(conditions),
        Err(error) => unknown.push(Unknown {
            kind: AlertKind::Budget,
            text: format!(
                "the {} budgets {scopes} cannot be evaluated: {error}",
                days.period.as_str()
            ),
        }),
    };
    if budgets.all.is_some() || budgets.user.is_some() {
        take("of users", of_users(host, reader, days, budgets));
    }
    if let Some(budget) = budgets.project {
        take("of projects", of_projects(host, reader, days, budget));
    }
    (found, unknown)
}

fn of_users(host: &Host, reader: &Reader, days: &Days, budgets: Budgets) -> Result<Vec<Condition>, NoFigures> {
    let figures = Figures::of(host, reader, "usage.users", &asked(days))?;
    let mut found = Vec::new();
    if let Some(budget) = budgets.all {
        found.extend(condition(Scope::All, figures.total(COST)?, budget, days));
    }
    if let Some(budget) = budgets.user {
        let users = figures.columns("user", COST)?.into_iter();
        found.extend(users.filter_map(|(user, usd)| condition(Scope::User(user), usd, budget, days)));
    }
    Ok(found)
}

fn of_projects(host: &Host, reader: &Reader, days: &Days, budget: f64) -> Result<Vec<Condition>, NoFigures> {
    let figures = Figures::of(host, reader, "usage.projects", &asked(days))?;
    let projects = figures.columns("project", COST)?.into_iter();
    let exceeded = projects.filter_map(|(project, usd)| condition(Scope::Project(project), usd, budget, days));
    Ok(exceeded.collect())
}

fn asked(days: &Days) -> AskedReport {
    AskedReport {
        since: Some(days.first()),
        until: Some(days.last()),
        ..AskedReport::default()
    }
}

/// The condition of a budget; `None` if no more was spent.
fn condition(scope: Scope, value_usd: f64, budget_usd: f64, days: &Days) -> Option<Condition> {
    if value_usd <= budget_usd {
        return None;
    }
    let text = format!(
        "{} ${value_usd:.2} {}, more than the {} budget of ${budget_usd:.2}",
        scope.spent(),
        days.when(),
        days.period.as_str()
    );
    Some(Condition {
        key: days.key(&scope.name()),
        kind: AlertKind::Budget,
        scope: scope.name(),
        username: match scope {
            Scope::User(name) => Some(name),
            Scope::All | Scope::Project(_) => None,
        },
        spent: Some(Spent {
            period: days.name(),
            value_usd,
            budget_usd,
        }),
        text,
    })
}
