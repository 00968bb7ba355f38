//! A rule file that builds on the shipped rules.

use super::file::{RuleEntry, RuleFile};

/// The shipped rules as a file changes and adds to them.
///
/// A rule of a shipped one's id overrides what it gives, and adds its keywords and allow lists. Allow lists for all
/// rules add up.
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
    // One of the two forms suffices, and they are not to be mixed.
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
