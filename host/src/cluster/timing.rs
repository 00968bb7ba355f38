//! The times of the protocol.

use std::time::Duration;

use crate::postgres::Limits;

/// The times of the protocol. All follow from the lease. Each machine has its own, which the others know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long this machine counts as alive if it does not renew.
    pub lease: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
        }
    }
}

impl Timing {
    /// How long a machine waits between two renewals: three of them may be lost. With a long lease it does not wait longer than
    /// with the usual one, because between two renewals it hears nothing and takes nobody over.
    pub(super) fn renewal(self) -> Duration {
        self.lease.min(Self::default().lease) / 4
    }

    /// The limits of the connection. One step that hangs costs less than the machine may be silent. A lock is waited for
    /// less long than that, because the machine can do without it until the next time.
    pub(super) fn limits(self) -> Limits {
        Limits {
            statement: self.lease / 3,
            lock: self.lease / 5,
            answer: self.lease / 2,
        }
    }

    /// The lease in seconds, for PostgreSQL.
    pub(super) fn lease_seconds(self) -> f64 {
        self.lease.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_renewals_may_be_lost_and_none_comes_later_than_by_default() {
        let renewal = |seconds| {
            let timing = Timing {
                lease: Duration::from_secs(seconds),
            };
            timing.renewal()
        };
        assert_eq!(renewal(4), Duration::from_secs(1));
        assert_eq!(Timing::default().renewal(), Duration::from_millis(3750));
        assert_eq!(renewal(7200), Duration::from_millis(3750));
    }
}
