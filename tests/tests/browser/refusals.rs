//! What the page refuses, whatever a browser sends.

use serde_json::Value;
use session_host_tests::{Service, World, named_token};

use crate::browser::Browser;

const VIEWER: &str = "correct-horse-battery-staple";

/// The status of the answer to a form that the page itself sends.
fn status(browser: &Browser, target: &str, form: &str) -> Value {
    browser.evaluate(&format!(
        "const request = new XMLHttpRequest();
         request.open('POST', '{target}', false);
         request.setRequestHeader('content-type', 'application/x-www-form-urlencoded');
         request.send({form});
         return request.status"
    ))
}

/// The secret that the forms of the page carry.
const SECRET: &str = "'secret=' + document.querySelector('input[name=secret]').value";

/// How many runs there were.
fn runs(service: &Service) -> usize {
    let runs = service.get("/api/admin/runs").is(200).json();
    runs["runs"].as_array().expect("a list of runs").len()
}

#[test]
fn a_viewer_looks_and_cannot_act() {
    let world = World::with(&["probe"]);
    world.config(&named_token("ann", VIEWER, "viewer"));
    let service = world.serve(&[]);
    let Some(browser) = Browser::start(&service) else {
        return;
    };
    browser.sign_in(VIEWER);
    browser.open("/processors/probe");
    browser.is_settled();
    assert!(!browser.text().contains("Run now"), "{}", browser.text());
    assert_eq!(status(&browser, "/processors/probe/run", SECRET), 403);
    assert_eq!(runs(&service), 0);
    browser.open("/query");
    browser.sees("role `viewer`");
}

#[test]
fn a_form_without_the_secret_of_the_page_does_nothing() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let Some(browser) = Browser::start(&service) else {
        return;
    };
    browser.sign_in(service.token().expect("the server has a token"));
    for form in ["''", "'secret='", "'secret=0123456789abcdef'"] {
        assert_eq!(status(&browser, "/processors/probe/run", form), 403, "{form}");
    }
    assert_eq!(runs(&service), 0);
    assert_ne!(status(&browser, "/processors/probe/run", SECRET), 403);
}
