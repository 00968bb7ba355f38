//! Detects secrets in texts with rules in gitleaks' format: keywords, patterns, entropy and allowlists.
//!
//! ```
//! use secret_detector::{Rules, redact};
//!
//! let rules = Rules::shipped()?;
//! let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
//! assert_eq!(redact(&format!("export KEY={key}\n"), &rules), "export KEY=[redacted: aws-access-token]\n");
//! # Ok::<(), secret_detector::RulesError>(())
//! ```

mod entropy;
mod masks;
mod members;
mod redaction;
mod rules;
mod rules_in_use;
mod scan;
mod settings;

pub use redaction::{redact, redact_member};
pub use rules::{Fault, Rule, Rules, RulesError, Specificity};
pub use rules_in_use::RulesInUse;
pub use scan::{Hit, LONGEST_KEY, Origin, Scanner};
pub use settings::{Allow, Settings};
