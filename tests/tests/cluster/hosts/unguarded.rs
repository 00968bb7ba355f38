//! Without a safeguard, the same cases go wrong: the other tests would notice if one were missing.
//!
//! The fence and the comparison are each missed alone. What a paused host commits is refused by either of them, so both are
//! off where a host was paused. Without the end of its connections alone, a paused host keeps what it has locked: nothing
//! goes wrong, but nobody can take it over until it wakes up.
//!
//! Kills, cuts and outages are missing here: PostgreSQL rolls back what was not committed, whatever the host does.

use super::{
    cutting::silence_lets_both_commit,
    late::is_committed_again,
    overtaking::{forget_meanwhile, migrate_meanwhile},
    pausing::{Lane, Point, pause, pause_before_a_failure},
    scene::Guards,
};

#[test]
fn one_that_was_paused_before_its_transaction_commits_again() {
    pause(Lane::Rows, Point::InAttempt, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_before_its_first_statement_commits_again() {
    pause(Lane::Rows, Point::AfterTheFence, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_while_it_copied_rows_commits_again() {
    pause(Lane::Rows, Point::InCopy, Guards::Off).commits_twice();
}

#[test]
fn what_one_that_was_paused_before_its_commit_commits_is_committed_again() {
    pause(Lane::Rows, Point::BeforeCommit, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_after_the_fence_behind_its_statements_commits_again() {
    pause(Lane::Statements, Point::AfterTheFence, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_while_it_copied_rows_beside_its_statements_commits_again() {
    pause(Lane::Statements, Point::InCopy, Guards::Off).commits_twice();
}

#[test]
fn what_one_that_was_paused_before_the_commit_of_its_statements_commits_is_committed_again() {
    pause(Lane::Statements, Point::BeforeCommit, Guards::Off).commits_twice();
}

#[test]
fn what_one_behind_a_silent_network_commits_is_committed_again() {
    silence_lets_both_commit();
}

#[test]
fn one_that_was_paused_records_a_failure_of_what_another_has_processed() {
    let woken = pause_before_a_failure(Guards::Off);
    woken
        .scene
        .wait_for("a failure is recorded", "SELECT count(*) > 0 FROM watch.failure");
}

#[test]
fn without_the_fence_alone_somebody_who_was_forgotten_is_there_again() {
    let (scene, _member) = forget_meanwhile(Guards::NoFence);
    scene.wait_for("her rows are there", "SELECT count(*) > 0 FROM main.probe_rows");
}

#[test]
fn without_the_fence_alone_an_older_plugin_writes_to_newer_tables() {
    let (scene, _member) = migrate_meanwhile(Guards::NoFence);
    scene.wait_for("its rows are there", "SELECT count(*) > 0 FROM main.probe_rows");
}

#[test]
fn without_the_comparison_alone_what_a_late_commit_commits_is_committed_again() {
    is_committed_again(&["probe"]);
}

#[test]
fn without_the_comparison_alone_what_a_late_commit_of_statements_commits_is_committed_again() {
    is_committed_again(&["counts"]);
}

#[test]
fn without_the_comparison_alone_what_a_late_commit_of_serial_statements_commits_is_committed_again() {
    is_committed_again(&["upserts"]);
}
