//! Merges a rule file with the shipped rules that it extends.

use super::file::{RuleEntry, RuleFile};

/// The shipped rules, changed and extended by a file.
///
/// A rule with the id of a shipped rule overrides the fields that it sets, and adds its keywords and allowlists.
/// Allowlists for all rules are combined.
pub(super) fn extend(shipped: RuleFile, mut file: RuleFile) -> RuleFile {
    for id in &file.extend.disabled_rules {
        if !shipped.rules.iter().any(|rule| rule.id == *id) {
            tracing::warn!(rule = %id, "`extend.disabledRules` names a rule that is not among the shipped ones");
        }
    }
    let mut rules = shipped.rules;
    rules.retain(|rule| !file.extend.disabled_rules.contains(&rule.id));
    let known = rules.len();
    for rule in std::mem::take(&mut file.rules) {
        match rules[..known].iter_mut().find(|shipped| shipped.id == rule.id) {
            Some(shipped) => change(shipped, rule),
            None => rules.push(rule),
        }
    }
    file.rules = rules;
    // An empty old form would conflict with the new one, so one of the two forms is kept.
    let mut allowlists = shipped.allowlists;
    allowlists.extend(shipped.allowlist);
    match file.allowlist.is_empty() {
        true => file.allowlists.extend(allowlists),
        false => file.allowlist.extend(allowlists),
    }
    file
}

fn change(shipped: &mut RuleEntry, by: RuleEntry) {
    let texts = [
        (&mut shipped.description, by.description),
        (&mut shipped.regex, by.regex),
        (&mut shipped.path, by.path),
    ];
    for (shipped, given) in texts {
        if !given.is_empty() {
            *shipped = given;
        }
    }
    if by.entropy != 0.0 {
        shipped.entropy = by.entropy;
    }
    if by.secret_group != 0 {
        shipped.secret_group = by.secret_group;
    }
    shipped.skip_report |= by.skip_report;
    shipped.required.extend(by.required);
    shipped.keywords.extend(by.keywords);
    shipped.allowlists.extend(by.allowlist);
    shipped.allowlists.extend(by.allowlists);
}
