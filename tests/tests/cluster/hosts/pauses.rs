//! A host that was paused, and whose work was taken over, commits nothing when it wakes up.

use std::fs;

use super::{
    pausing::{Lane, Point, pause, pause_before_a_failure},
    scene::Guards,
};

/// What a host says that has lost its leases.
const FENCED: &str = "other hosts have taken over the work of this one";

/// What a host says whose connection was ended.
const ENDED: &str = "the run failed";

#[test]
fn one_that_was_paused_before_its_transaction_commits_nothing() {
    pause(Lane::Rows, Point::InAttempt, Guards::On).holds(FENCED);
}

#[test]
fn one_that_was_paused_after_the_fence_commits_nothing() {
    pause(Lane::Rows, Point::AfterTheFence, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_while_it_copied_rows_commits_nothing() {
    pause(Lane::Rows, Point::InCopy, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_before_its_commit_commits_nothing() {
    pause(Lane::Rows, Point::BeforeCommit, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_between_its_statements_commits_nothing() {
    pause(Lane::Statements, Point::InAttempt, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_after_the_fence_behind_its_statements_commits_nothing() {
    pause(Lane::Statements, Point::AfterTheFence, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_while_it_copied_rows_beside_its_statements_commits_nothing() {
    pause(Lane::Statements, Point::InCopy, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_before_the_commit_of_its_statements_commits_nothing() {
    pause(Lane::Statements, Point::BeforeCommit, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_records_no_failure_of_what_another_has_processed() {
    let woken = pause_before_a_failure(Guards::On);
    woken.paused.tells(FENCED);
    // The host that works alone does not fail either.
    fs::write(woken.scene.alone.path("fine"), "").unwrap();
    woken.holds(FENCED);
}
