//! What people do in the page.

use session_host_tests::{Answer, Held, wait_until};

use crate::scene::Scene;

#[test]
fn the_form_takes_the_token_and_refuses_another_one() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.press("Sign out");
    browser.is_at("/sign-in");
    browser.open("/failures");
    browser.is_at("/sign-in?next=%2Ffailures");
    browser.open("/?a=1");
    browser.write("input[name=token]", "incorrect-horse-battery-staple");
    browser.press("Sign in");
    browser.sees("The token is wrong");
    browser.write("input[name=token]", scene.service.token().unwrap());
    browser.press("Sign in");
    browser.is_at("/?a=1");
    browser.sees("Health");
    // The cookie is the browser's own: no script sees it.
    assert_eq!(browser.evaluate("return document.cookie"), "");
}

#[test]
fn what_runs_is_seen_live() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/");
    browser.is_settled();
    let runs = || browser.evaluate("return document.querySelectorAll('.timeline rect').length");
    let before = runs();
    let held = Held::write(&scene.world, "alice/held.jsonl");
    let running = scene
        .service
        .begin("POST", "/api/admin/run-session-processor?processor=probe", "");
    held.starts();
    browser.sees("running");
    held.let_go();
    drop(Answer::read(running).unwrap().is(200));
    wait_until("the page shows the end of the run", || {
        !browser.text().contains("running")
    });
    wait_until("the page lists the run", || runs().as_u64() > before.as_u64());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_run_started_in_the_page_is_seen_to_its_end() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    let held = Held::write(&scene.world, "alice/held.jsonl");
    browser.open("/processors/probe");
    browser.is_settled();
    browser.press("Run now");
    browser.sees("A run of probe has begun.");
    held.starts();
    browser.sees("running");
    browser.sees("sessions/s");
    held.let_go();
    wait_until("the page shows the end of the run", || {
        !browser.text().contains("running")
    });
    let runs = "return document.querySelectorAll('table')[0].querySelectorAll('tbody tr').length";
    wait_until("the page lists the run", || browser.evaluate(runs) == 2);
    // A reload repeats nothing.
    browser.reload();
    browser.is_settled();
    assert_eq!(browser.evaluate(runs), 2);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_processor_is_paused_and_resumed() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/processors/usage");
    browser.write("input[name=reason]", "<i>no prices</i>");
    browser.press("Pause");
    browser.sees("usage is paused");
    browser.sees("<i>no prices</i>");
    browser.press("Run now");
    wait_until("the refusal is told", || {
        browser.evaluate("return !!document.querySelector('[role=alert]')") == true
    });
    browser.press("Resume");
    browser.sees("usage is resumed.");
    assert_eq!(
        scene.service.get("/api/health").json()["processors"]["usage"]["paused"],
        serde_json::Value::Null
    );
}

#[test]
fn a_link_to_a_report_shows_the_same_again() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/reports");
    browser.is_settled();
    browser.open("/reports/usage.daily");
    browser.is_settled();
    browser.write("input[name=username]", "alice");
    browser.write("input[name=last]", "30d");
    browser.press("Show");
    browser.is_settled();
    let (address, shown) = (browser.address(), browser.text());
    assert!(
        address.contains("username=alice") && address.contains("last=30d"),
        "{address}"
    );
    browser.open("/");
    browser.open(&address);
    browser.is_settled();
    assert_eq!(browser.text(), shown);
    browser.back();
    browser.back();
    browser.is_at(&address);
    browser.is_settled();
    assert_eq!(browser.text(), shown);
    assert_eq!(
        browser.evaluate("return document.querySelectorAll('canvas').length > 0"),
        true
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_console_shows_rows() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/query");
    browser.write(
        "textarea",
        "SELECT processor_name, count(*) AS sessions FROM session_processor_state GROUP BY ALL ORDER BY 1",
    );
    browser.press("Run");
    browser.sees("secrets");
    browser.sees("rows");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn sessions_are_found_and_one_is_forgotten_after_a_look() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/sessions");
    browser.is_settled();
    browser.write("input[name=text]", "FAILS");
    browser.press("Show");
    browser.is_settled();
    browser.sees("alice/fails.jsonl");
    let links = "return document.querySelectorAll('td a').length";
    assert_eq!(browser.evaluate(links), 2, "{}", browser.text());
    let address = browser.address();
    assert!(address.contains("text=FAILS"), "{address}");
    browser.open("/failures/session?key=alice/fails.jsonl");
    browser.sees("<b>no</b> good");
    browser.open("/sessions/forget?key=alice/fails.jsonl");
    browser.sees("session_processor_failure");
    browser.press("Forget it");
    browser.sees("alice/fails.jsonl is forgotten.");
    browser.open(&address);
    browser.is_settled();
    assert_eq!(browser.evaluate(links), 1, "{}", browser.text());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn all_sessions_of_a_cause_are_retried() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/failures?processor=probe");
    browser.is_settled();
    browser.press("Retry all");
    browser.sees("A run of probe over 2 sessions of one cause has begun.");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
