//! The rules in use, compiled as late as possible because compilation is slow.

use std::sync::OnceLock;

use crate::{Rules, RulesError, Settings};

/// The rules that the operator's settings select, else the shipped rules.
///
/// The shipped rules are known to be valid, so they are compiled on first use. The operator's rules are compiled at
/// once, so that a broken rule is reported when it is configured.
///
/// ```
/// use secret_detector::{RulesInUse, Settings};
///
/// let rules = RulesInUse::of(&Settings::default())?;
/// assert!(rules.get()?.iter().any(|rule| rule.id() == "github-pat"));
/// # Ok::<(), secret_detector::RulesError>(())
/// ```
#[derive(Debug, Default)]
pub struct RulesInUse(OnceLock<Rules>);

impl RulesInUse {
    /// The rules of the operator's settings.
    ///
    /// # Errors
    /// Names the file and the broken rule.
    pub fn of(settings: &Settings) -> Result<Self, RulesError> {
        match *settings == Settings::default() {
            true => Ok(Self::default()),
            false => Rules::from_settings(settings).map(|rules| Self(OnceLock::from(rules))),
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// Never, as long as the shipped rules are valid.
    pub fn get(&self) -> Result<&Rules, RulesError> {
        match self.0.get() {
            Some(rules) => Ok(rules),
            None => Rules::shipped().map(|rules| self.0.get_or_init(|| rules)),
        }
    }
}
