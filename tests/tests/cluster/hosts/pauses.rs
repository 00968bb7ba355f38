//! A host that was paused, and whose work was taken over, commits nothing when it wakes up.

use super::{
    pausing::{Point, ROWS, STATEMENTS, pause},
    scene::Guards,
};

/// What a host says whose connection was ended.
const ENDED: &str = "the run failed";

#[test]
fn one_that_was_paused_before_its_transaction_commits_nothing() {
    pause(ROWS, Point::BeforeBegin, Guards::On).holds("other hosts have taken over the work of this one");
}

#[test]
fn one_that_was_paused_after_the_fence_commits_nothing() {
    pause(ROWS, Point::AfterTheFence, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_while_it_copied_rows_commits_nothing() {
    pause(ROWS, Point::InCopy, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_before_its_commit_commits_nothing() {
    pause(ROWS, Point::BeforeCommit, Guards::On).holds(ENDED);
}

#[test]
fn one_that_was_paused_before_the_commit_of_its_statements_commits_nothing() {
    pause(STATEMENTS, Point::BeforeCommit, Guards::On).holds(ENDED);
}
