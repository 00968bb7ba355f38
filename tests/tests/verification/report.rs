//! The query that comes with the processor.

use crate::scene::{Scene, conversation, model_that_reports, verification};

const REPORT: &str = include_str!("../../../plugins/verification/report/knowledge.sql");

#[test]
fn the_report_answers_with_and_without_knowledge() {
    let scene = Scene::new(model_that_reports(vec![
        verification(
            "correction",
            "Refunds over 50 EUR need the approval of the team lead.",
            "said by alice",
        ),
        verification(
            "correction",
            "Refunds over 50 EUR need the approval of the team lead.",
            "said by bruno",
        ),
    ]));
    assert_eq!(scene.processed(0), 0);
    let empty = scene.world.host(&["query", REPORT, "--format", "csv"]).exits(0);
    assert_eq!(empty.stdout.lines().count(), 1, "{}", empty.stdout);
    scene.world.write("alice/a.jsonl", conversation(&["said by alice"]));
    scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
    assert_eq!(scene.processed(2), 1);
    let answered = scene.world.host(&["query", REPORT, "--format", "csv"]).exits(0);
    let row = answered.stdout.lines().nth(1);
    assert_eq!(row, Some("Refunds,finance,0.95,2,2,0"), "{}", answered.stdout);
}
