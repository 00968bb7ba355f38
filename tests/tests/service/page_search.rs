//! The search of the service: its page, and its route.

use serde_json::{Value, json};
use session_host_tests::{Answer, Service, Visit, World};

/// The time of a line.
fn time(second: usize) -> String {
    format!("2026-03-01T10:00:{second:02}Z")
}

fn prompt(second: usize, text: &str) -> String {
    let line =
        json!({"type": "user", "cwd": "/home/alice/bakery", "timestamp": time(second), "message": {"content": text}});
    format!("{line}\n")
}

/// A server that keeps these prompts, one a second.
#[track_caller]
fn serve(prompts: &[&str]) -> (World, Service) {
    let world = World::with(&["search"]);
    let lines = prompts.iter().enumerate().map(|(second, text)| prompt(second, text));
    world.write("alice/a b.jsonl", lines.collect::<String>());
    let service = world.serve(&[]);
    drop(service.run("search").is(200));
    (world, service)
}

/// The texts that are found, with the address that continues.
#[track_caller]
fn found(answer: &Answer) -> (Vec<String>, Option<String>) {
    let answer = answer.json();
    let text = |hit: &Value| {
        let pieces = hit["excerpt"].as_array().unwrap().iter();
        pieces.map(|piece| piece["text"].as_str().unwrap()).collect()
    };
    let hits = answer["hits"].as_array().unwrap().iter().map(text).collect();
    (hits, answer["older"].as_str().map(str::to_owned))
}

fn in_address(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn the_page_marks_what_was_found_and_leads_to_its_place() {
    let (_world, service) = serve(&["how hot is the OVEN?", "nothing"]);
    let visit = Visit::of(&service);
    let page = visit
        .get(&service, "/search?words=oven+hot&username=alice")
        .is(200)
        .body;
    for part in [
        "how <mark>hot</mark> is the <mark>OVEN</mark>?",
        "/sessions/one?key=alice%2Fa+b.jsonl&amp;at=1\"",
        "data-search",
        "value=\"oven hot\"",
        "value=\"alice\"",
        "2026-03-01 10:00:00",
        "bakery",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("nothing"), "{page}");
    let none = visit.get(&service, "/search?words=oven&project=shop").is(200).body;
    assert!(none.contains("Nothing was found."), "{none}");
    let empty = visit.get(&service, "/search").is(200).body;
    assert!(
        !empty.contains("Nothing was found.") && empty.contains("data-search"),
        "{empty}"
    );
    let refused = visit.get(&service, "/search?words=%28&regex=true").is(200).body;
    assert!(
        refused.contains("no regular expression") && refused.contains("value=\"(\""),
        "{refused}"
    );
}

#[test]
fn older_hits_are_on_the_next_page_and_new_texts_move_none() {
    let texts: Vec<String> = (0..45).map(|number| format!("oven {number}")).collect();
    let (world, service) = serve(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let visit = Visit::of(&service);
    let first = visit.get(&service, "/search?words=oven&regex=").is(200).body;
    assert_eq!(first.matches("<mark>").count(), 20);
    world.write("bruno/b.jsonl", prompt(59, "the newest oven"));
    drop(service.run("search").is(200));
    let mut shown = 0;
    let mut page = first;
    while let Some((_, rest)) = page.split_once("href=\"/search?words=oven&amp;before=") {
        let place = rest.split('"').next().unwrap().replace("&amp;", "&");
        page = visit
            .get(&service, &format!("/search?words=oven&before={place}"))
            .is(200)
            .body;
        shown += page.matches("<mark>").count();
        assert!(!page.contains("newest"), "{page}");
    }
    assert_eq!(shown, 25);
}

#[test]
fn text_of_transcripts_stays_text() {
    let hostile = "oven <script>alert(1)</script> \u{1b}[31m \u{202e} <img src=x onerror=alert(1)>";
    let (_world, service) = serve(&[hostile]);
    let page = Visit::of(&service).get(&service, "/search?words=oven").is(200).body;
    assert!(page.contains("&lt;script&gt;") && page.contains("\\u{202e}"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\x1b'), "{page}");
}

#[test]
fn the_route_finds_the_same_and_leaves_the_same_row_in_the_audit_log() {
    let (world, service) = serve(&["one oven", "100% oven", "it's_an oven", "Ofen größer"]);
    let search = |query: &str| found(&service.get(&format!("/api/search?{query}")).is(200)).0;
    assert_eq!(search("words=oven"), ["it's_an oven", "100% oven", "one oven"]);
    assert_eq!(search(&format!("words={}", in_address("100%"))), ["100% oven"]);
    assert_eq!(search(&format!("words={}", in_address("it's_"))), ["it's_an oven"]);
    assert_eq!(search(&format!("words={}", in_address("GRÖSSER größer"))), [""; 0]);
    assert_eq!(search(&format!("words={}", in_address("GRÖßER"))), ["Ofen größer"]);
    assert_eq!(search("words=o.en&regex=true").len(), 4);
    let (page, older) = found(&service.get("/api/search?words=oven&limit=2").is(200));
    assert_eq!(page, ["it's_an oven", "100% oven"]);
    assert_eq!(
        search(&format!("words=oven&before={}", in_address(&older.unwrap()))),
        ["one oven"]
    );
    for refused in [
        "",
        "words=",
        "words=x&limit=0",
        "words=x&limit=1001",
        "words=x&before=y",
        "words=x&since=soon",
        "words=x&more=1",
    ] {
        drop(service.get(&format!("/api/search?{refused}")).is(400));
    }
    drop(
        Visit::of(&service)
            .get(&service, "/search?words=oven+glove&project=shop")
            .is(200),
    );
    let sql =
        "SELECT params->>'words' AS words, resource FROM audit_log WHERE action = 'search' ORDER BY id DESC LIMIT 1";
    let recorded = service.query(sql, &json!([])).is(200).json()["rows"][0].clone();
    assert_eq!(recorded, json!(["oven glove", "state"]));
    let mut asking = world.command(&["search", "one", "--json"]);
    asking.env("SESSION_HOST_LISTEN", service.address().to_string());
    let asked = session_host_tests::Ran::of(asking.output().unwrap()).exits(0).json();
    assert_eq!(
        (asked["hits"].as_array().unwrap().len(), &asked["hits"][0]["line"]),
        (1, &json!(1))
    );
}

#[test]
fn before_the_first_run_the_answer_says_what_to_do() {
    let world = World::with(&["search"]);
    let service = world.serve(&[]);
    let answer = service.get("/api/search?words=x").is(200).json();
    let told = answer["warnings"][0].as_str().unwrap();
    assert!(told.contains("`session-host run search`"), "{told}");
    let page = Visit::of(&service).get(&service, "/search?words=x").is(200).body;
    assert!(page.contains("session-host run search"), "{page}");
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let refused = service.get("/api/search?words=x").is(400).detail();
    assert!(refused.contains("no loaded processor keeps texts"), "{refused}");
}
