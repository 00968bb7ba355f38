//! How cadences are parsed, and when they are due.

use proptest::{collection::vec, prelude::*};

use super::*;

fn cadence(text: &str) -> Cadence {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn later(timestamp: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(timestamp.as_micros() + micros)
}

/// The due moments after a last run, if the processor runs at each of them.
fn runs(text: &str, last_run: &str, count: usize) -> Vec<String> {
    let cadence = cadence(text);
    let moments = std::iter::successors(Some(at(last_run)), |last| cadence.next_after(*last));
    moments.skip(1).take(count).map(|moment| moment.to_string()).collect()
}

#[test]
fn every_cadence_has_one_canonical_form() {
    let cases = [
        ("every 15m", "every 15m"),
        ("  EVERY\t90 S ", "every 90s"),
        ("every 120m", "every 2h"),
        ("every 48h", "every 2d"),
        ("daily 3:30", "daily 03:30"),
        ("Daily 15:00 ,03:30,15:00", "daily 03:30, 15:00"),
        ("cron  0 3  * * mon-fri", "cron 0 3 * * 1-5"),
        ("CRON */5 * L JAN *", "cron */5 * L 1 *"),
    ];
    for (written, canonical) in cases {
        assert_eq!(cadence(written).to_string(), canonical);
        assert_eq!(cadence(canonical), cadence(written));
    }
}

#[test]
fn refusals_say_what_is_wrong_and_what_to_write() {
    let unknown = "it must start with `every`, `daily` or `cron`; write for example `every 15m`";
    let interval = "`every` needs a whole number and a unit: s, m, h or d; write for example `every 15m`";
    let zero = "the interval must not be zero; write for example `every 15m`";
    let long = "the interval must not exceed 49710d; write for example `every 30d`";
    let times = "`daily` needs times from 00:00 to 23:59, separated by commas; \
                 write for example `daily 03:30, 15:00`";
    let empty_place = "a list in the cron pattern has an empty entry; write for example `cron 30 3 * * mon`";
    let never = "the cron pattern never fires; write for example `cron 30 3 * * mon`";
    let cases = [
        (unknown, &["", "15m", "hourly", "every15m", "@daily"][..]),
        (
            interval,
            &[
                "every",
                "every m",
                "every 15",
                "every 1.5h",
                "every +5m",
                "every 1 5m",
                "every 15w",
            ],
        ),
        (zero, &["every 0s", "every 00d"]),
        (long, &["every 49711d", "every 99999999999999999999s"]),
        (
            times,
            &[
                "daily",
                "daily 24:00",
                "daily 12:60",
                "daily 3",
                "daily 3:5",
                "daily +3:30",
                "daily 03:30,",
            ],
        ),
        (empty_place, &["cron 0 3 * * mon,"]),
        (never, &["cron 0 0 30 2 *"]),
    ];
    for (reason, texts) in cases {
        for text in texts {
            let error = text.parse::<Cadence>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not a valid schedule: {reason}"));
        }
    }
}

#[test]
fn cron_patterns_have_five_fields() {
    for (text, count) in [
        ("cron", 0),
        ("cron @daily", 1),
        ("cron 0 0 3 * * *", 6),
        ("cron 0 0 3 * * * 2030", 7),
    ] {
        let reason = format!("a cron pattern has five fields (minute, hour, day, month, weekday), not {count}");
        let error = text.parse::<Cadence>().unwrap_err().to_string();
        assert!(error.contains(&reason), "{error}");
    }
}

#[test]
fn it_is_due_at_the_boundary_and_not_a_microsecond_before() {
    let last_run = at("2026-03-01T03:30:00Z");
    let cases = [
        ("every 15m", "2026-03-01T03:45:00Z"),
        ("daily 03:30", "2026-03-02T03:30:00Z"),
        ("daily 03:31, 03:30", "2026-03-01T03:31:00Z"),
        ("cron 30 3 * * mon", "2026-03-02T03:30:00Z"),
    ];
    for (text, boundary) in cases {
        let due = |now| cadence(text).is_due(Some(last_run), now);
        assert!(!due(last_run), "{text}");
        assert!(!due(later(at(boundary), -1)), "{text}");
        assert!(due(at(boundary)), "{text}");
    }
}

#[test]
fn a_processor_that_never_ran_is_due() {
    for text in ["every 49710d", "daily 03:30", "cron 0 0 29 2 *"] {
        assert!(cadence(text).is_due(None, at("2026-03-01T00:00:00Z")), "{text}");
    }
}

#[test]
fn missed_moments_are_caught_up_once() {
    let (last_run, now) = (at("2026-03-01T03:30:05Z"), at("2026-03-04T10:00:00Z"));
    for text in ["every 1d", "daily 03:30", "cron 30 3 * * *"] {
        assert!(cadence(text).is_due(Some(last_run), now), "{text}");
        assert!(!cadence(text).is_due(Some(now), later(now, 17 * 60 * MINUTE)), "{text}");
    }
}

#[test]
fn a_clock_set_back_a_little_repeats_nothing() {
    let (now, last_run) = (at("2026-03-01T03:29:51Z"), at("2026-03-01T03:30:02Z"));
    for text in [
        "every 1m",
        "daily 03:30",
        "daily 03:30, 03:31",
        "cron 30 3 * * *",
        "cron * * * * *",
    ] {
        assert!(!cadence(text).is_due(Some(last_run), now), "{text}");
        assert!(cadence(text).is_due(Some(last_run), later(now, DAY + MINUTE)), "{text}");
    }
}

#[test]
fn a_clock_that_was_far_ahead_does_not_block() {
    let (now, last_run) = (at("2026-03-01T03:00:00Z"), at("2036-03-01T03:00:00Z"));
    for text in ["every 15m", "daily 03:30", "daily 03:30, 15:00", "cron 30 3 * * mon"] {
        assert!(cadence(text).is_due(Some(last_run), now), "{text}");
        assert!(!cadence(text).is_due(Some(now), now), "{text}");
    }
    let hour = 60 * MINUTE;
    assert!(!cadence("every 1h").is_due(Some(later(now, hour - 1)), now));
    assert!(cadence("every 1h").is_due(Some(later(now, hour)), now));
    assert!(!cadence("daily 03:30").is_due(Some(later(now, DAY - 1)), now));
    assert!(cadence("daily 03:30").is_due(Some(later(now, DAY)), now));
}

#[test]
fn daylight_saving_changes_nothing() {
    let expected = ["2026-03-28T02:30:00Z", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"];
    assert_eq!(runs("daily 02:30", "2026-03-27T12:00:00Z", 3), expected);
}

#[test]
fn a_day_may_have_several_times() {
    let expected = ["2026-02-28T15:00:00Z", "2026-03-01T03:30:00Z", "2026-03-01T15:00:00Z"];
    assert_eq!(runs("daily 15:00, 03:30, 15:00", "2026-02-28T03:30:00Z", 3), expected);
}

#[test]
fn a_day_before_the_epoch_has_its_times_too() {
    let expected = ["1969-12-31T00:00:00Z", "1969-12-31T23:59:00Z", "1970-01-01T00:00:00Z"];
    assert_eq!(runs("daily 00:00, 23:59", "1969-12-30T23:59:00.000001Z", 3), expected);
}

#[test]
fn the_shortest_interval_bounds_the_tick() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let cases = [
        ("every 90s", Duration::from_secs(90)),
        ("daily 03:30", minutes(24 * 60)),
        ("daily 03:30, 15:00", minutes(11 * 60 + 30)),
        ("daily 23:50, 00:05, 12:00", minutes(15)),
        ("cron 0 0 29 2 *", minutes(1)),
    ];
    for (text, shortest) in cases {
        assert_eq!(cadence(text).shortest_interval(), shortest, "{text}");
    }
}

#[test]
fn any_number_of_minutes_is_a_cadence() {
    assert_eq!(Cadence::every_minutes(0), cadence("every 1m"));
    assert_eq!(Cadence::every_minutes(1), cadence("every 60s"));
    assert_eq!(Cadence::every_minutes(1440), cadence("every 1d"));
    assert_eq!(Cadence::every_minutes(u32::MAX), cadence("every 4294967295s"));
}

#[test]
fn there_is_no_next_moment_beyond_the_last_timestamp() {
    for text in ["every 1s", "daily 03:30", "cron * * * * *"] {
        assert_eq!(
            cadence(text).next_after(Timestamp::from_micros(i64::MAX)),
            None,
            "{text}"
        );
    }
}

fn any_cadence() -> impl Strategy<Value = Cadence> {
    let every = "every [1-9][0-9]{0,3}[smhd]";
    let times = vec("([01]?[0-9]|2[0-3]):[0-5][0-9]", 1..5);
    let daily = times.prop_map(|times| format!("daily {}", times.join(",")));
    let minute = r"(\*|\*/[1-9]|[0-5]?[0-9]|1?[0-9],[2-5][0-9])";
    let hour = r"(\*|\*/[1-9]|1?[0-9]|[0-9]-1[0-9])";
    let date = r"(\* \*|[1-9] \*|1[0-9] [1-9]|29 2|L \*|\* feb,oct|31 mar-may|15W \*)";
    let weekday = r"(\*|sun|mon-fri|[0-7]|5L|tue#2)";
    let cron = format!("cron {minute} {hour} {date} {weekday}");
    let text = prop_oneof![every, daily, proptest::string::string_regex(&cron).unwrap()];
    text.prop_map(|text| cadence(&text))
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    let years = at("1950-01-01T00:00:00Z").as_micros()..at("2150-01-01T00:00:00Z").as_micros();
    // Half of them are whole minutes, which is where the boundaries are.
    (years, any::<bool>()).prop_map(|(micros, whole)| match whole {
        true => Timestamp::from_micros(micros - micros.rem_euclid(MINUTE)),
        false => Timestamp::from_micros(micros),
    })
}

proptest! {
    #[test]
    fn a_displayed_cadence_parses_again(cadence in any_cadence()) {
        let displayed = cadence.to_string();
        let read: Cadence = displayed.parse().unwrap();
        prop_assert_eq!(read.to_string(), displayed);
        prop_assert_eq!(read, cadence);
    }

    #[test]
    fn the_next_moment_is_the_first_that_is_due(cadence in any_cadence(), last in any_timestamp()) {
        let next = cadence.next_after(last).unwrap();
        prop_assert!(next > last);
        prop_assert!(cadence.is_due(Some(last), next));
        prop_assert!(!cadence.is_due(Some(last), later(next, -1)));
        prop_assert!(!cadence.is_due(Some(last), last));
    }

    #[test]
    fn due_moments_keep_the_shortest_interval(cadence in any_cadence(), last in any_timestamp()) {
        let first = cadence.next_after(last).unwrap();
        let second = cadence.next_after(first).unwrap();
        let distance = second.as_micros().abs_diff(first.as_micros());
        prop_assert!(Duration::from_micros(distance) >= cadence.shortest_interval());
    }

    #[test]
    fn a_step_back_within_the_cadence_repeats_nothing(
        cadence in any_cadence(),
        last in any_timestamp(),
        share in 0.0..1.0,
    ) {
        let back = cadence.shortest_interval().mul_f64(share).as_micros().saturating_sub(1);
        let now = later(last, -i64::try_from(back).unwrap());
        prop_assert!(!cadence.is_due(Some(last), now));
    }

    #[test]
    fn no_times_cause_a_panic(cadence in any_cadence(), last: i64, now: i64) {
        let (last, now) = (Timestamp::from_micros(last), Timestamp::from_micros(now));
        prop_assert!(cadence.next_after(last).is_none_or(|next| next > last));
        prop_assert!(!(cadence.is_due(Some(last), now) && cadence.is_due(Some(now), now)));
    }

    #[test]
    fn no_text_causes_a_panic(text in "(every |daily |cron )?[0-9a-zA-Z*/,:#+?@\u{df} -]{0,24}") {
        if let Ok(cadence) = text.parse::<Cadence>() {
            prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
        }
    }

    #[test]
    fn no_pattern_causes_a_panic(fields in vec("[0-9*/,LW#+?-]{1,5}", 5)) {
        if let Ok(cadence) = format!("cron {}", fields.join(" ")).parse::<Cadence>() {
            prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
        }
    }
}
