//! Without their guards, hosts commit versions twice in the same cases: the other tests would notice if one were missing.

use super::{
    cutting::commit_late,
    pausing::{Point, ROWS, pause},
    scene::Guards,
    watch::IS_ANY_TWICE,
};

#[test]
fn one_that_was_paused_before_its_transaction_commits_again() {
    pause(ROWS, Point::BeforeBegin, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_before_its_first_statement_commits_again() {
    pause(ROWS, Point::AfterTheFence, Guards::Off).commits_twice();
}

#[test]
fn one_that_was_paused_while_it_copied_rows_commits_again() {
    pause(ROWS, Point::InCopy, Guards::Off).commits_twice();
}

#[test]
fn what_one_that_was_paused_before_its_commit_commits_is_committed_again() {
    pause(ROWS, Point::BeforeCommit, Guards::Off).commits_twice();
}

#[test]
fn what_a_late_commit_commits_is_committed_again() {
    let late = commit_late(&["probe"], Guards::Off);
    late.scene.wait_for("a version is committed twice", IS_ANY_TWICE);
}
