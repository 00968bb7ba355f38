//! The run that an attempt belongs to.

/// Identifies one run of a processor, among all runs until the host ends.
///
/// All attempts of a run have the same identifier, even on a new instance after a panic. A processor with a budget per run,
/// or one that remembers for the rest of a run that a server is down, starts afresh when the identifier changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunId(pub(crate) u64);

impl RunId {
    /// Makes the identifier of this number, for the tests of a processor.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}
