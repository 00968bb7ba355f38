//! Which facts of several sessions and users are one.

use serde_json::{Value, json};

use crate::scene::{Scene, conversation, model_that_reports, verification};

const LIMIT: &str = "Refunds over 50 EUR need the approval of the team lead.";

/// The scene of sessions that each say one quote, and a model that reports a verification of each.
fn scene(sessions: &[(&str, &str)], verifications: Vec<Value>) -> Scene {
    let scene = Scene::new(model_that_reports(verifications));
    for (session, said) in sessions {
        scene.world.write(session, conversation(&[said]));
    }
    scene
}

/// The scene of one session, in which the model reports two verifications of these types and contents.
fn scene_of_one_session([first, later]: [(&str, &str); 2]) -> Scene {
    let verifications = vec![
        verification(first.0, first.1, "said first"),
        verification(later.0, later.1, "said later"),
    ];
    scene(&[("alice/a.jsonl", "said first, said later")], verifications)
}

fn confidences(scene: &Scene) -> Vec<Value> {
    scene.rows(
        "SELECT confidence, count(evidence.id) AS evidence FROM knowledge_items
         LEFT JOIN verification_evidence AS evidence ON item_id = knowledge_items.id
         GROUP BY knowledge_items.id, confidence ORDER BY ALL",
    )
}

/// Checks how sure one item is of which two sessions hold evidence of this type.
#[track_caller]
fn two_sessions_give(detection_type: &str, sessions: [(&str, &str); 2], confidence: f64) {
    let same = sessions.map(|(_, quote)| verification(detection_type, LIMIT, quote));
    let scene = scene(&sessions, same.to_vec());
    assert_eq!(scene.processed(2), 1);
    let expected = json!({"confidence": confidence, "evidence": 2});
    assert_eq!(confidences(&scene), [expected], "{detection_type}");
}

const OF_TWO_USERS: [(&str, &str); 2] = [("alice/a.jsonl", "said by alice"), ("bruno/b.jsonl", "said by bruno")];

#[test]
fn two_users_who_say_the_same_verify_one_item() {
    for detection_type in ["correction", "unprompted_definition"] {
        two_sessions_give(detection_type, OF_TWO_USERS, 0.95);
    }
}

#[test]
fn one_user_in_two_sessions_is_one_verifier() {
    let of_one_user = [("alice/a.jsonl", "said first"), ("alice/b.jsonl", "said later")];
    two_sessions_give("correction", of_one_user, 0.9);
}

#[test]
fn confirmations_add_nothing_to_a_confirmation() {
    two_sessions_give("confirmation", OF_TWO_USERS, 0.6);
}

#[test]
fn confidence_ends_at_one() {
    let users = ["ann", "ben", "cas", "dan", "eva"];
    let quotes = users.map(|user| format!("said by {user}"));
    let scene = scene(
        &[],
        quotes
            .iter()
            .map(|quote| verification("correction", LIMIT, quote))
            .collect(),
    );
    for (user, quote) in users.iter().zip(&quotes) {
        scene.world.write(&format!("{user}/s.jsonl"), conversation(&[quote]));
    }
    assert_eq!(scene.processed(5), 1);
    assert_eq!(confidences(&scene), [json!({"confidence": 1.0, "evidence": 5})]);
}

#[test]
fn a_paraphrase_is_evidence_unless_it_is_a_correction() {
    let paraphrase = "Refunds of over 50 EUR need an approval of the team lead.";
    for (detection_type, items) in [("confirmation", 1), ("unprompted_definition", 1), ("correction", 2)] {
        let scene = scene(
            &[("alice/a.jsonl", "said by alice")],
            vec![
                verification("unprompted_definition", LIMIT, "said by alice"),
                verification(detection_type, paraphrase, "said by bruno"),
            ],
        );
        let _ = scene.processed(1);
        scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
        let _ = scene.processed(1);
        assert_eq!(scene.world.count("knowledge_items"), items, "{detection_type}");
        assert_eq!(scene.world.count("verification_evidence"), 2);
    }
}

#[test]
fn the_thresholds_are_the_configurations() {
    let paraphrase = "Refunds of over 50 EUR need an approval of the team lead.";
    let model = model_that_reports(vec![
        verification("confirmation", LIMIT, "said first"),
        verification("confirmation", paraphrase, "said later"),
    ]);
    let scene = Scene::with_settings(model, "paraphrase_similarity = 1.0\nmoderate_similarity = 1.0");
    scene
        .world
        .write("alice/a.jsonl", conversation(&["said first", "said later"]));
    assert_eq!(scene.processed(1), 2);
}

#[test]
fn shared_entities_without_likeness_are_a_hint() {
    let other = "Whoever leads a group signs off money that goes back to customers, above fifty.";
    let scene = scene_of_one_session([("unprompted_definition", LIMIT), ("unprompted_definition", other)]);
    assert_eq!(scene.processed(1), 2);
    let hints = "SELECT relation, score, a.content AS newer, b.content AS older FROM knowledge_item_relations
                 JOIN knowledge_items AS a ON a.id = item_a JOIN knowledge_items AS b ON b.id = item_b";
    assert_eq!(
        scene.rows(hints),
        [json!({"relation": "likely_duplicate", "score": 1.0, "newer": other, "older": LIMIT})]
    );
}

#[test]
fn the_same_twice_in_one_session_is_one_piece_of_evidence() {
    let scene = scene_of_one_session([("confirmation", LIMIT), ("correction", LIMIT)]);
    assert_eq!(scene.processed(1), 1);
    assert_eq!(confidences(&scene), [json!({"confidence": 0.9, "evidence": 1})]);
}
