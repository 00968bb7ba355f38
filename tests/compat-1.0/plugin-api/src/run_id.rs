//! Which run an attempt belongs to.

/// One run of a processor, told from all others that the same host makes until it ends.
///
/// All attempts of a run have the same one, also those on a fresh instance after a panic. A processor that may spend so
/// much a run, or remembers until its end that a server is down, begins anew where it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunId(pub(crate) u64);

impl RunId {
    /// The run of this number, for the tests of a processor.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}
