//! Tests of what a machine knows of itself.

use super::*;
use crate::names::SessionKey;

fn board(lease: Duration) -> (Board, ProcessorName) {
    let usage: ProcessorName = "usage".parse().unwrap();
    let board = Board::new(lease, Divisions::from([(usage.clone(), BucketCount::SixtyFour)]));
    board.join(MachineId(7));
    let clock = ClockDifference {
        micros: 0,
        uncertain_micros: 0,
    };
    board.renewed(&Renewed {
        sent: Instant::now(),
        clock,
    });
    board.divide(&usage, BucketCount::SixtyFour);
    board.add(&usage, BucketCount::SixtyFour.all());
    (board, usage)
}

#[test]
fn what_a_run_has_pinned_is_not_given_up() {
    let (board, usage) = board(Duration::from_secs(3600));
    let pinned = board.pin(&usage).unwrap();
    assert_eq!((pinned.by, pinned.buckets.len()), (MachineId(7), 64));
    assert_eq!(board.give_up(&usage, 32), Buckets::NONE);
    assert_eq!(board.owned(&usage).len(), 64);
    board.unpin(pinned.id);
    assert_eq!(board.give_up(&usage, 32).len(), 32);
    assert_eq!(board.owned(&usage).len(), 32);
}

#[test]
fn what_is_divided_otherwise_is_not_processed() {
    let (board, usage) = board(Duration::from_secs(3600));
    board.want(Divisions::from([(usage.clone(), BucketCount::One)]));
    assert_eq!(board.owned(&usage), Buckets::NONE);
    assert!(board.pin(&usage).is_none());
    board.divide(&usage, BucketCount::One);
    assert!(board.pin(&usage).is_some());
    board.want(Divisions::new());
    assert!(board.pin(&usage).is_none());
}

#[test]
fn a_machine_that_has_not_renewed_for_a_lease_owns_nothing_for_sure() {
    let (board, usage) = board(Duration::ZERO);
    assert_eq!(board.standing(), Standing::Doubtful(MachineId(7)));
    assert_eq!((board.incarnation(), board.owned(&usage)), (None, Buckets::NONE));
    assert!(board.pin(&usage).is_none());
}

#[test]
fn what_an_earlier_incarnation_has_pinned_holds_nothing_back() {
    let (board, usage) = board(Duration::from_secs(3600));
    assert!(board.pin(&usage).is_some());
    board.fence();
    assert_eq!(board.standing(), Standing::Fenced);
    assert_eq!(board.owned(&usage), Buckets::NONE);
    board.join(MachineId(8));
    board.add(&usage, BucketCount::SixtyFour.all());
    assert_eq!(board.give_up(&usage, 64).len(), 64);
}

#[test]
fn buckets_without_an_owner_are_told_until_they_have_one() {
    let (board, usage) = board(Duration::from_secs(3600));
    board.see_unowned([(usage.clone(), 3)].into_iter());
    let first = board.unowned()[&usage];
    board.see_unowned([(usage.clone(), 2)].into_iter());
    let second = board.unowned()[&usage];
    assert_eq!((first.buckets, second.buckets), (3, 2));
    assert!(second.age >= first.age);
    board.see_unowned(std::iter::empty());
    assert!(board.unowned().is_empty());
}

#[test]
fn a_machine_that_owns_nothing_for_sure_has_no_session_to_process() {
    let session = SessionKey::new("ann/a.jsonl");
    let (sure, usage) = board(Duration::from_secs(3600));
    assert!(sure.part(&usage).has(&session));
    let (doubtful, usage) = board(Duration::ZERO);
    assert!(!doubtful.part(&usage).has(&session));
}

#[test]
fn a_pin_tells_of_a_run_under_way() {
    let (board, usage) = board(Duration::from_secs(3600));
    assert!(board.runs().is_empty());
    let pin = board.pin(&usage).unwrap();
    assert!(board.runs().contains_key(&usage));
    board.unpin(pin.id);
    assert!(board.runs().is_empty());
}

#[test]
fn what_nobody_owns_is_seen_anew_after_an_outage() {
    let (board, usage) = board(Duration::from_secs(3600));
    board.see_unowned([(usage.clone(), 3)].into_iter());
    let before = Instant::now();
    board.reaches_again(Duration::from_secs(7200));
    assert!(
        board
            .reached_for()
            .is_none_or(|reached| reached >= Duration::from_secs(7200))
    );
    board.reaches_again(Duration::ZERO);
    assert!(board.reached_for().unwrap() <= before.elapsed());
    let unowned = board.unowned()[&usage];
    assert_eq!(unowned.buckets, 3);
    assert!(unowned.age <= before.elapsed());
    // A machine that joins anew meanwhile is no less patient.
    board.reaches_again(Duration::from_secs(1));
    assert!(board.reached_for().unwrap() <= before.elapsed());
}
