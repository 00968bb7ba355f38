//! Sessions that are processed again after they have changed.

use model_server::ModelServer;
use serde_json::{Value, json};

use crate::scene::{Scene, conversation, model_that_reports, no_contradictions, reporting, verification};

const LIMIT: &str = "Refunds over 50 EUR need the approval of the team lead.";
const VAT: &str = "Revenue is reported net of VAT in all regions.";

fn scene() -> Scene {
    Scene::new(model_that_reports(vec![
        verification("correction", LIMIT, "said first"),
        verification("unprompted_definition", VAT, "said later"),
        verification("correction", LIMIT, "said by bruno"),
    ]))
}

fn items(scene: &Scene) -> Vec<Value> {
    let rows = scene.rows(
        "SELECT content, confidence, count(evidence.id) AS evidence FROM knowledge_items
         LEFT JOIN verification_evidence AS evidence ON item_id = knowledge_items.id GROUP BY ALL ORDER BY content",
    );
    rows.into_iter()
        .map(|row| json!([row["content"], row["confidence"], row["evidence"]]))
        .collect()
}

#[test]
fn a_grown_session_keeps_its_knowledge_and_adds_to_it() {
    let scene = scene();
    scene.world.write("alice/a.jsonl", conversation(&["said first"]));
    assert_eq!(scene.processed(1), 1);
    scene
        .world
        .write("alice/a.jsonl", conversation(&["said first", "said later"]));
    assert_eq!(scene.processed(1), 1);
    assert_eq!(items(&scene), [json!([LIMIT, 0.9, 1]), json!([VAT, 0.9, 1])]);
}

#[test]
fn evidence_stays_also_when_the_model_finds_it_no_more() {
    let scene = scene();
    scene.world.write("alice/a.jsonl", conversation(&["said first"]));
    assert_eq!(scene.processed(1), 1);
    let mut said = vec!["said first"];
    // Beyond the turns that the model is given.
    said.extend(["and then?"; 58]);
    scene.world.write("alice/a.jsonl", conversation(&said));
    assert_eq!(scene.processed(1), 0);
    assert_eq!(items(&scene), [json!([LIMIT, 0.9, 1])]);
}

#[test]
fn evidence_that_the_text_no_longer_supports_goes() {
    let scene = scene();
    scene.world.write("alice/a.jsonl", conversation(&["said first"]));
    scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
    assert_eq!(scene.processed(2), 1);
    assert_eq!(items(&scene), [json!([LIMIT, 0.95, 2])]);
    scene
        .world
        .write("bruno/b.jsonl", conversation(&["something else altogether"]));
    assert_eq!(scene.processed(1), 0);
    assert_eq!(items(&scene), [json!([LIMIT, 0.9, 1])]);
    let lost = "SELECT evidence_lost FROM verification_session WHERE username = 'bruno'";
    assert_eq!(scene.rows(lost), [json!({"evidence_lost": 1})]);
    // Of a session without turns the model is not asked, and its evidence goes all the same.
    scene
        .world
        .write("alice/a.jsonl", "{\"type\":\"summary\",\"summary\":\"all is gone\"}\n");
    assert_eq!(scene.processed(1), 0);
    assert_eq!(items(&scene), [json!([LIMIT, 0.0, 0])]);
}

#[test]
fn a_correction_that_is_told_in_other_words_is_the_same_event() {
    const RETOLD: &str = "refunds over 50 EUR need an approval of a team lead";
    // The quote is cut otherwise, too.
    for quote in ["said first", "said first,", "said firs", "aid first"] {
        let scene = Scene::new(ModelServer::answering(move |request| {
            let retold = match request.data().contains("said later") {
                true => verification("correction", RETOLD, quote),
                false => verification("correction", LIMIT, "said first"),
            };
            match request.form().as_str() {
                "verifications" => reporting(&[retold]),
                _ => no_contradictions(),
            }
        }));
        scene.world.write("alice/a.jsonl", conversation(&["said first, no?"]));
        assert_eq!(scene.processed(1), 1);
        scene
            .world
            .write("alice/a.jsonl", conversation(&["said first, no?", "said later"]));
        assert_eq!(scene.processed(1), 0, "{quote}");
        assert_eq!(items(&scene), [json!([LIMIT, 0.9, 1])]);
    }
}

#[test]
fn two_corrections_of_one_sentence_stay_two() {
    const SAID: &str = "over 50 EUR the lead, over 80 EUR the board";
    const BOARD: &str = "Refunds over 80 EUR need the approval of the board.";
    let scene = Scene::new(ModelServer::answering(|request| {
        let first = verification("correction", LIMIT, SAID);
        let mut verifications = vec![first];
        if request.data().contains("said later") {
            // The quote is cut otherwise, too.
            verifications.insert(0, verification("correction", BOARD, &format!("no, {SAID}")));
        }
        match request.form().as_str() {
            "verifications" => reporting(&verifications),
            _ => no_contradictions(),
        }
    }));
    let said = format!("no, {SAID}");
    scene.world.write("alice/a.jsonl", conversation(&[&said]));
    assert_eq!(scene.processed(1), 1);
    scene.world.write("alice/a.jsonl", conversation(&[&said, "said later"]));
    assert_eq!(scene.processed(1), 1);
    assert_eq!(items(&scene), [json!([LIMIT, 0.9, 1]), json!([BOARD, 0.9, 1])]);
}

#[test]
fn a_correction_that_is_left_out_later_is_not_the_one_that_is_told_instead() {
    for (said, first, other) in [
        (
            "over 50 EUR the lead, in the summer over 80 EUR",
            LIMIT,
            "Refunds over 80 EUR need the approval of the team lead.",
        ),
        (
            "no, EU orders ship from Lyon, UK orders from Leeds",
            "Orders from the EU are shipped from the warehouse in Lyon.",
            "Orders from the UK are shipped from the warehouse in Leeds.",
        ),
        (
            "no, refunds need the lead, credits the board",
            "Refunds need the approval of the team lead, always.",
            "Credits need the approval of the team board, always.",
        ),
    ] {
        let scene = Scene::new(ModelServer::answering(move |request| {
            let content = match request.data().contains("said later") {
                true => other,
                false => first,
            };
            match request.form().as_str() {
                "verifications" => reporting(&[verification("correction", content, said)]),
                _ => no_contradictions(),
            }
        }));
        scene.world.write("alice/a.jsonl", conversation(&[said]));
        assert_eq!(scene.processed(1), 1);
        scene.world.write("alice/a.jsonl", conversation(&[said, "said later"]));
        assert_eq!(scene.processed(1), 1);
        let mut both = [first, other];
        both.sort_unstable();
        assert_eq!(items(&scene), both.map(|content| json!([content, 0.9, 1])));
    }
}
