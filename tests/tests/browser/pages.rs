//! Every page: it loads without a complaint, has no barrier, and fits a narrow window.

use crate::{
    browser::Colours,
    hostile::{SESSION, write},
    scene::Scene,
};

/// Every page of the scene, with a name for its picture.
const PAGES: &[(&str, &str)] = &[
    ("overview", "/"),
    ("processors", "/processors"),
    ("processor", "/processors/probe"),
    ("reports", "/reports"),
    ("report-bars", "/reports/usage.daily?last=30d"),
    ("report-stacked", "/reports/errors.daily"),
    ("report-of-a-stranger", "/reports/reporting.daily"),
    ("report-refused", "/reports/usage.daily?last=soon"),
    ("reprocess", "/processors/probe/reprocess?user=alice"),
    ("sessions", "/sessions"),
    (
        "sessions-filtered",
        "/sessions?user=alice&usage.cost_usd=0.1&sort=usage.cost_usd",
    ),
    ("sessions-refused", "/sessions?since=soon"),
    ("forget", "/sessions/forget?key=alice/fails.jsonl"),
    ("attempts", "/failures/session?key=alice/fails.jsonl"),
    ("session", "/sessions/one?key=alice%2Fopening-hours.jsonl"),
    ("session-hostile", SESSION),
    (
        "session-line",
        "/sessions/one/line?key=alice%2Fopening-hours.jsonl&at=5",
    ),
    (
        "session-rows",
        "/sessions/one/rows?key=alice%2Fopening-hours.jsonl&table=usage_events",
    ),
    ("search", "/search"),
    ("search-hits", "/search?words=the"),
    ("failures", "/failures"),
    ("cluster", "/cluster"),
    ("audit", "/audit"),
    ("query", "/query"),
];

#[test]
fn every_page_loads_without_a_complaint_and_has_no_barrier() {
    let Some(scene) = Scene::set() else { return };
    write(&scene.world);
    let browser = &scene.browser;
    for (name, target) in PAGES {
        for (colours, scheme) in [(Colours::Light, "light"), (Colours::Dark, "dark")] {
            for width in [1280, 400] {
                browser.looks(width, colours);
                browser.open(target);
                browser.is_settled();
                let told = format!("{name}, {scheme}, {width}");
                browser.picture(&format!("{name}-{scheme}-{width}"));
                assert!(!browser.overflows(), "{told} is too wide");
                assert_eq!(browser.barriers(), Default::default(), "{told}");
                assert_eq!(browser.complaints(), Vec::<String>::new(), "{told}");
            }
        }
    }
}

#[test]
fn the_keyboard_opens_what_a_list_has() {
    let Some(scene) = Scene::set() else { return };
    let browser = &scene.browser;
    browser.open("/");
    browser.is_settled();
    browser.keys("?");
    browser.sees("goes to the search");
    browser.keys("\u{e00c}");
    browser.keys("j");
    browser.keys("j");
    let chosen = browser.evaluate("return document.activeElement.getAttribute('href')");
    assert_eq!(chosen, "/processors/probe");
    browser.keys("k");
    assert_eq!(
        browser.evaluate("return document.activeElement.getAttribute('href')"),
        "/processors/errors"
    );
}
