//! What an older service left behind.

use serde_json::json;

use crate::scene::{Scene, conversation, model_that_reports, verification};

const LIMIT: &str = "Refunds over 50 EUR need the approval of the team lead.";

#[test]
fn sessions_that_an_older_service_has_done_are_not_asked_about_again() {
    let scene = Scene::new(model_that_reports(vec![]));
    let transcript = conversation(&["hello"]);
    scene.world.write("alice/a.jsonl", &transcript);
    scene.world.change_state(&format!(
        "CREATE TABLE session_extraction_state (session_file VARCHAR PRIMARY KEY, username VARCHAR,
                                                processed_at TIMESTAMP, items_extracted INTEGER, file_hash VARCHAR);
         INSERT INTO session_extraction_state VALUES ('alice/a.jsonl', 'alice', '2026-01-02', 7, md5('{}'))",
        transcript.replace('\'', "''")
    ));
    let ran = scene.run(0);
    assert_eq!((ran.result().processed, ran.result().skipped), (0, 1));
    assert!(scene.model.requests().is_empty());
}

#[test]
fn knowledge_of_an_older_service_is_built_upon() {
    let scene = Scene::new(model_that_reports(vec![verification(
        "correction",
        LIMIT,
        "said by alice",
    )]));
    scene.world.change_state(
        "CREATE TABLE knowledge_items (id VARCHAR, title VARCHAR, content VARCHAR, category VARCHAR, domain VARCHAR,
             entities JSON, confidence DOUBLE, status VARCHAR, source_user VARCHAR, source_ref VARCHAR,
             source_type VARCHAR, created_at TIMESTAMP, updated_at TIMESTAMP);
         INSERT INTO knowledge_items (id, title, content, domain, entities) VALUES
             ('kv_old', NULL, 'Refunds are made on Fridays.', 'finance', '{\"not\": \"a list\"}'),
             ('kv_odd', 'odd', 'odd', 'gossip', NULL)",
    );
    scene.world.write("alice/a.jsonl", conversation(&["said by alice"]));
    assert_eq!(scene.processed(1), 1);
    let items = scene.rows("SELECT id, confidence FROM knowledge_items WHERE id IN ('kv_old', 'kv_odd') ORDER BY id");
    assert_eq!(
        items,
        [
            json!({"id": "kv_odd", "confidence": null}),
            json!({"id": "kv_old", "confidence": null})
        ]
    );
    assert_eq!(scene.requests("contradictions").len(), 1);
}

#[test]
fn evidence_makes_what_an_older_service_knew_no_less_sure() {
    let said = |detection_type: &str, quote: &str| verification(detection_type, LIMIT, quote);
    let scene = Scene::new(model_that_reports(vec![
        said("confirmation", "said by alice"),
        said("correction", "said by bruno"),
    ]));
    scene.world.change_state(&format!(
        "CREATE TABLE knowledge_items (id VARCHAR, title VARCHAR, content VARCHAR, category VARCHAR, domain VARCHAR,
             entities JSON, confidence DOUBLE, status VARCHAR, source_user VARCHAR, source_ref VARCHAR,
             source_type VARCHAR, created_at TIMESTAMP, updated_at TIMESTAMP);
         INSERT INTO knowledge_items (id, title, content, domain, confidence, source_user)
             VALUES ('kv_18396901e27b', 'Refunds', '{LIMIT}', 'finance', 0.9, 'carol')"
    ));
    let gone = || conversation(&["something else altogether"]);
    for (session, transcript, evidence, confidence) in [
        ("alice/a.jsonl", conversation(&["said by alice"]), 1, 0.95),
        ("alice/a.jsonl", conversation(&["said by alice", "and more"]), 1, 0.95),
        ("bruno/b.jsonl", conversation(&["said by bruno"]), 2, 1.0),
        ("bruno/b.jsonl", gone(), 1, 0.95),
        ("alice/a.jsonl", gone(), 0, 0.9),
    ] {
        scene.world.write(session, transcript);
        assert_eq!(scene.processed(1), 0);
        assert_eq!(scene.world.count("verification_evidence"), evidence, "{session}");
        let items = scene.rows("SELECT id, confidence FROM knowledge_items");
        assert_eq!(
            items,
            [json!({"id": "kv_18396901e27b", "confidence": confidence})],
            "{session}"
        );
    }
}
