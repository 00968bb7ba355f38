//! Computes how long a session lasted, and how much of that time someone worked.

use session_plugin_api::Timestamp;

/// A gap longer than this, in microseconds, is a pause.
const LONGEST_GAP: i64 = 600 * MICROS_PER_SECOND;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The duration of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The earliest timestamp.
    pub(crate) started_at: Option<Timestamp>,
    /// The latest timestamp.
    pub(crate) ended_at: Option<Timestamp>,
    /// Full seconds between the two.
    pub(crate) wall_seconds: i64,
    /// The same without pauses.
    pub(crate) active_seconds: i64,
}

impl Activity {
    /// The activity of a session, from the timestamps of all lines in any order.
    pub(crate) fn of(mut timestamps: Vec<Timestamp>) -> Self {
        timestamps.sort_unstable();
        let gaps = timestamps
            .windows(2)
            .map(|pair| pair[1].as_micros() - pair[0].as_micros());
        let wall: i64 = gaps.clone().sum();
        let active: i64 = gaps.filter(|gap| *gap <= LONGEST_GAP).sum();
        Self {
            started_at: timestamps.first().copied(),
            ended_at: timestamps.last().copied(),
            wall_seconds: wall / MICROS_PER_SECOND,
            active_seconds: active / MICROS_PER_SECOND,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(seconds: &[f64]) -> Activity {
        let timestamp = |seconds: &f64| Timestamp::from_micros((seconds * 1e6) as i64);
        Activity::of(seconds.iter().map(timestamp).collect())
    }

    #[test]
    fn a_gap_of_more_than_ten_minutes_is_a_pause() {
        let activity = activity(&[0.0, 600.0, 1_200.000_001, 1210.0]);
        assert_eq!((activity.wall_seconds, activity.active_seconds), (1210, 609));
    }

    #[test]
    fn seconds_are_cut_once_at_the_end() {
        let activity = activity(&[0.0, 0.9, 1.8, 2.7]);
        assert_eq!((activity.wall_seconds, activity.active_seconds), (2, 2));
    }

    #[test]
    fn the_order_of_lines_does_not_matter() {
        assert_eq!(activity(&[30.0, 10.0, 20.0]), activity(&[10.0, 20.0, 30.0]));
        assert_eq!(
            activity(&[30.0, 10.0]).started_at,
            Some(Timestamp::from_micros(10_000_000))
        );
        assert_eq!(
            activity(&[30.0, 10.0]).ended_at,
            Some(Timestamp::from_micros(30_000_000))
        );
    }

    #[test]
    fn no_timestamp_is_no_time() {
        assert_eq!(activity(&[]), Activity::default());
        assert_eq!((activity(&[5.0]).wall_seconds, activity(&[5.0]).active_seconds), (0, 0));
    }
}
