//! The questions that the processor's page answers, asked after the two sessions that it speaks of.

use model_server::{ModelServer, Reply, Request};
use serde_json::{Value, json};
use session_host_tests::DocumentedQuery;

use crate::scene::{Scene, conversation, no_contradictions, quoted_in, reporting};

fn facts() -> Vec<Value> {
    let fact = |detection_type: &str, title: &str, content: &str, quote: &str, entities: &[&str]| {
        json!({
            "detection_type": detection_type, "title": title, "content": content, "user_quote": quote,
            "domain": "finance", "entities": entities,
        })
    };
    let net = "Revenue is reported net of VAT.";
    let limit = |amount: u8| format!("Refunds over {amount} EUR need the approval of the team lead.");
    let of_refunds = ["refund", "team lead"];
    vec![
        fact(
            "correction",
            "Net revenue",
            net,
            "revenue is net of VAT",
            &["revenue", "VAT"],
        ),
        fact(
            "unprompted_definition",
            "Refund limit",
            &limit(50),
            "above 50 EUR",
            &of_refunds,
        ),
        fact(
            "correction",
            "Net revenue",
            net,
            "report it net of VAT",
            &["revenue", "VAT"],
        ),
        fact(
            "correction",
            "Refund limit",
            &limit(80),
            "the limit for refunds is 80 EUR",
            &of_refunds,
        ),
        fact(
            "confirmation",
            "Fiscal year",
            "The fiscal year begins in April.",
            "it begins in April",
            &["year"],
        ),
    ]
}

/// Finds that the new limit contradicts the old one.
fn judge(request: &Request) -> Reply {
    let data = request.data();
    let Some((new, known)) = data.split_once("kind=\"known\"") else {
        return no_contradictions();
    };
    let of_50_euros = known.split("<data-").find(|statement| statement.contains("50 EUR"));
    match of_50_euros.and_then(|statement| statement.split('"').find(|word| word.starts_with("kv_"))) {
        Some(id) if new.contains("80 EUR") => {
            let contradiction = json!({
                "known_id": id, "explanation": "The limits differ.", "severity": "high",
                "suggested_resolution": {"action": "keep_new", "reason": "It corrects the other."},
            });
            Reply::form(json!({"contradictions": [contradiction]}).to_string())
        }
        _ => no_contradictions(),
    }
}

#[test]
fn give_the_answers_that_stand_below_them() {
    let facts = facts();
    let scene = Scene::new(ModelServer::answering(move |request| match request.form().as_str() {
        "verifications" => reporting(&quoted_in(&request.data(), &facts)),
        _ => judge(request),
    }));
    let of_alice = "No, revenue is net of VAT. And remember, above 50 EUR the team lead approves refunds.";
    scene
        .world
        .write("alice/3f2c.jsonl", conversation(&["Sum up revenue.", of_alice]));
    assert_eq!(scene.processed(1), 2);
    let of_bruno = "Please report it net of VAT. Also the limit for refunds is 80 EUR, not 50.";
    scene.world.write(
        "bruno/81ab.jsonl",
        conversation(&[of_bruno, "Yes, it begins in April."]),
    );
    assert_eq!(scene.processed(1), 2);
    let queries = DocumentedQuery::of_page("processor-verification.md");
    assert_eq!(queries.len(), 3);
    for DocumentedQuery { sql, answer } in queries {
        let answered = scene.world.host(&["query", &sql]).exits(0).stdout;
        assert_eq!(answered, answer, "{sql}");
    }
}
