//! Tests the additions of sessions, without a database.

use session_plugin_api::Session;

use super::*;
use crate::{conversation::Conversation, knowledge::Domain};

const THRESHOLDS: Thresholds = Thresholds {
    paraphrase: 0.82,
    moderate: 0.6,
    shared_entities: 2,
};

fn users(turns: &[&str]) -> UserTurns {
    let lines: Vec<String> = turns
        .iter()
        .map(|text| serde_json::json!({"type": "user", "message": {"content": text}}).to_string())
        .collect();
    let transcript = lines.join("\n");
    let session = Session::from_bytes("alice/a.jsonl", "alice", Timestamp::default(), transcript.as_bytes());
    UserTurns::of(&Conversation::of(&session))
}

fn said(users: &UserTurns, detection_type: DetectionType, content: &str, quote: &str) -> Said {
    let found = users.find(quote).unwrap();
    Said {
        verification: Verification {
            detection_type,
            title: "Refunds".to_owned(),
            content: content.to_owned(),
            user_quote: quote.to_owned(),
            domain: Domain::Finance,
            entities: vec!["refund".to_owned(), "lead".to_owned()],
        },
        quote: found.text,
        said_at: found.said_at,
        place: found.place,
    }
}

fn plan(known: &mut Vec<Item>, earlier: &[EarlierEvidence], said: Vec<Said>, users: &UserTurns) -> Plan {
    let planning = Planning {
        source: Source {
            user: "alice",
            session_file: "alice/a.jsonl",
        },
        thresholds: &THRESHOLDS,
        earlier,
        known,
    };
    planning.plan(said, users)
}

fn as_earlier(plan: &Plan) -> Vec<EarlierEvidence> {
    let evidence = plan.evidence.iter().map(|evidence| EarlierEvidence {
        item_id: evidence.item_id.clone(),
        detection_type: evidence.detection_type,
        user_quote: evidence.user_quote.clone(),
    });
    evidence.collect()
}

const LIMIT: &str = "Refunds over 50 EUR need the approval of the lead.";
const OTHER_LIMIT: &str = "Refunds over 80 EUR need the approval of the lead.";

#[test]
fn the_same_again_is_evidence_of_the_item_that_is_there() {
    let users = users(&["no, over 50 EUR the lead approves", "yes, exactly"]);
    let mut known = Vec::new();
    let correction = || {
        said(
            &users,
            DetectionType::Correction,
            LIMIT,
            "over 50 EUR the lead approves",
        )
    };
    let first = plan(&mut known, &[], vec![correction()], &users);
    assert_eq!((first.items.len(), first.evidence.len(), first.merged), (1, 1, 0));
    let again = plan(&mut known, &[], vec![correction()], &users);
    assert_eq!((again.items.len(), again.merged), (0, 1));
    assert_eq!(again.evidence, first.evidence);
}

#[test]
fn an_item_has_one_piece_of_evidence_of_a_session_the_strongest() {
    let users = users(&["yes, exactly", "no, over 50 EUR the lead approves"]);
    let confirmed = said(&users, DetectionType::Confirmation, LIMIT, "yes, exactly");
    let corrected = said(
        &users,
        DetectionType::Correction,
        LIMIT,
        "over 50 EUR the lead approves",
    );
    let plan = plan(
        &mut Vec::new(),
        &[],
        vec![confirmed.clone(), corrected, confirmed],
        &users,
    );
    let kinds: Vec<DetectionType> = plan.evidence.iter().map(|evidence| evidence.detection_type).collect();
    assert_eq!((plan.items.len(), kinds), (1, vec![DetectionType::Correction]));
}

#[test]
fn a_correction_is_new_however_alike() {
    let users = users(&["over 50 EUR the lead approves", "no, over 80 EUR", "right, over 80 EUR"]);
    let definition = said(
        &users,
        DetectionType::UnpromptedDefinition,
        LIMIT,
        "over 50 EUR the lead approves",
    );
    let correction = said(&users, DetectionType::Correction, OTHER_LIMIT, "no, over 80 EUR");
    let confirmation = said(
        &users,
        DetectionType::Confirmation,
        &format!("{OTHER_LIMIT}!"),
        "right, over 80 EUR",
    );
    let plan = plan(&mut Vec::new(), &[], vec![definition, correction, confirmation], &users);
    assert_eq!((plan.items.len(), plan.merged), (2, 1));
    assert_eq!(plan.evidence.len(), 2);
}

#[test]
fn a_grown_session_keeps_what_its_text_supports() {
    let before = users(&["no, over 50 EUR the lead approves"]);
    let mut known = Vec::new();
    let correction = said(
        &before,
        DetectionType::Correction,
        LIMIT,
        "over 50 EUR the lead approves",
    );
    let first = plan(&mut known, &[], vec![correction], &before);
    let grown = users(&["no, over 50 EUR the lead approves", "and now?"]);
    let later = plan(&mut known, &as_earlier(&first), vec![], &grown);
    assert_eq!(later.evidence, first.evidence);
    assert!(later.lost.is_empty() && later.items.is_empty());
    let rewritten = users(&["hello"]);
    let gone = plan(&mut known, &as_earlier(&first), vec![], &rewritten);
    assert!(gone.evidence.is_empty());
    assert_eq!(gone.lost, [first.evidence[0].item_id.clone()]);
}

#[test]
fn a_correction_told_in_other_words_of_the_same_quote_is_the_same_event() {
    let users = users(&["no, over 50 EUR the lead approves", "wrong", "wrong"]);
    let retold = "The refunds over 50 EUR need an approval of a lead";
    let correction = |content: &str, quote: &str| said(&users, DetectionType::Correction, content, quote);
    for (quote, items) in [("over 50 EUR the lead approves", 0), ("wrong", 1)] {
        let mut known = Vec::new();
        let first = plan(&mut known, &[], vec![correction(LIMIT, quote)], &users);
        let later = plan(&mut known, &as_earlier(&first), vec![correction(retold, quote)], &users);
        assert_eq!(later.items.len(), items, "{quote}");
    }
}

#[test]
fn a_quote_that_is_cut_otherwise_is_the_same_event() {
    let users = users(&["no, over 50 EUR the lead approves, and over 900 EUR the board"]);
    let retold = "The refunds over 50 EUR need an approval of a lead";
    let correction = |content: &str, quote: &str| said(&users, DetectionType::Correction, content, quote);
    for (quote, items) in [
        ("over 50 EUR the lead approves,", 0),
        ("50 EUR the lead", 0),
        ("over 900 EUR the board", 1),
    ] {
        let mut known = Vec::new();
        let first = plan(
            &mut known,
            &[],
            vec![correction(LIMIT, "over 50 EUR the lead approves")],
            &users,
        );
        let later = plan(&mut known, &as_earlier(&first), vec![correction(retold, quote)], &users);
        assert_eq!((later.items.len(), later.evidence.len()), (items, items + 1), "{quote}");
    }
}

#[test]
fn corrections_of_one_breath_stay_apart_when_they_are_told_again() {
    let users = users(&["no, over 50 EUR the lead and over 80 EUR the board"]);
    let quote = "over 50 EUR the lead and over 80 EUR the board";
    let correction = |content: &str| said(&users, DetectionType::Correction, content, quote);
    let mut known = Vec::new();
    let first = plan(&mut known, &[], vec![correction(LIMIT)], &users);
    let both = || vec![correction(OTHER_LIMIT), correction(LIMIT)];
    let later = plan(&mut known, &as_earlier(&first), both(), &users);
    assert_eq!((later.items.len(), later.merged, later.evidence.len()), (1, 1, 2));
    let retold = |text: &str| correction(&text.replace("need the approval", "need an approval"));
    let again = plan(
        &mut known,
        &as_earlier(&later),
        vec![retold(OTHER_LIMIT), retold(LIMIT)],
        &users,
    );
    assert_eq!((again.items.len(), again.merged, again.evidence.len()), (0, 2, 2));
}

#[test]
fn a_correction_of_other_numbers_or_unlike_words_is_another_event() {
    let users = users(&["no, over 50 EUR the lead and over 80 EUR the board"]);
    let quote = "over 50 EUR the lead and over 80 EUR the board";
    let correction = |content: &str| said(&users, DetectionType::Correction, content, quote);
    for (told, items) in [
        (OTHER_LIMIT, 1),
        ("Refunds over 50 EUR are approved by the team lead alone.", 1),
        ("Refunds over 50 EUR need an approval of the lead.", 0),
    ] {
        let mut known = Vec::new();
        let first = plan(&mut known, &[], vec![correction(LIMIT)], &users);
        let later = plan(&mut known, &as_earlier(&first), vec![correction(told)], &users);
        assert_eq!((later.items.len(), later.evidence.len()), (items, items + 1), "{told}");
    }
}

#[test]
fn a_correction_of_another_title_is_another_event() {
    let users = users(&["no, over 50 EUR the lead, this year and the next"]);
    let correction = |title: &str| {
        let mut said = said(&users, DetectionType::Correction, LIMIT, "over 50 EUR the lead");
        said.verification.title = title.to_owned();
        said
    };
    for (title, items) in [("Limit of 2025", 1), ("The limit of 2024:", 0)] {
        let mut known = Vec::new();
        let first = plan(&mut known, &[], vec![correction("Limit of 2024")], &users);
        let later = plan(&mut known, &as_earlier(&first), vec![correction(title)], &users);
        assert_eq!((later.items.len(), later.evidence.len()), (items, items + 1), "{title}");
    }
}

#[test]
fn an_item_that_the_answer_repeats_verbatim_is_not_restated_by_others() {
    let users = users(&["no, over 50 EUR the lead approves", "wrong", "wrong"]);
    let retold = "Refunds over 50 EUR need an approval of the lead.";
    let correction = |content: &str, quote: &str| said(&users, DetectionType::Correction, content, quote);
    let first = || correction(LIMIT, "over 50 EUR the lead approves");
    let mut known = Vec::new();
    let earlier = plan(&mut known, &[], vec![first()], &users);
    // Its position does not matter in this case.
    let both = vec![
        correction(retold, "over 50 EUR the lead approves"),
        correction(LIMIT, "wrong"),
    ];
    let later = plan(&mut known, &as_earlier(&earlier), both, &users);
    assert_eq!((later.items.len(), later.merged), (1, 1));
}

#[test]
fn a_fact_retold_at_two_places_is_one_item() {
    let users = users(&["no, over 50 EUR the lead approves", "no, I said over 50 the lead"]);
    let retold = "Refunds over 50 EUR need an approval of the lead.";
    let correction = |content: &str, quote: &str| said(&users, DetectionType::Correction, content, quote);
    let twice = |content: &str| {
        let quotes = ["over 50 EUR the lead approves", "I said over 50 the lead"];
        quotes.map(|quote| correction(content, quote)).to_vec()
    };
    let mut known = Vec::new();
    let first = plan(&mut known, &[], twice(LIMIT), &users);
    let later = plan(&mut known, &as_earlier(&first), twice(retold), &users);
    assert_eq!((later.items.len(), later.merged), (0, 2));
    assert_eq!(later.evidence, first.evidence);
}

#[test]
fn another_session_has_evidence_of_its_own() {
    let users = users(&["over 50 EUR the lead approves"]);
    let mut known = Vec::new();
    let definition = said(&users, DetectionType::UnpromptedDefinition, LIMIT, "over 50 EUR");
    let first = plan(&mut known, &[], vec![definition.clone()], &users);
    let planning = Planning {
        source: Source {
            user: "bruno",
            session_file: "bruno/b.jsonl",
        },
        thresholds: &THRESHOLDS,
        earlier: &[],
        known: &mut known,
    };
    let second = planning.plan(vec![definition], &users);
    assert_eq!(second.evidence[0].item_id, first.evidence[0].item_id);
    assert_ne!(second.evidence[0].id, first.evidence[0].id);
}
