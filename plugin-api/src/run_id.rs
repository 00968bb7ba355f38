//! The run that an attempt belongs to.

/// Identifies one run of a processor, among all runs until the host ends.
///
/// All attempts of a run have the same identifier, even on a new instance after a panic. When the identifier changes, a
/// processor resets anything that it keeps per run, such as a budget or the knowledge that a server is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunId(pub(crate) u64);

impl RunId {
    /// Creates the identifier with this number, for the tests of a processor.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}
