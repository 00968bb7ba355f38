//! A transcript that attacks those who look at it.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::{browser::Colours, scene::Scene};

/// How many lines it has.
const LINES: usize = 10_000;

/// The session.
pub(crate) const SESSION: &str = "/sessions/one?key=mallory%2Fattack.jsonl";

/// What an attacker would write.
const ATTACKS: &[&str] = &[
    "<script>window.hacked = 1</script>",
    "<img src=x onerror=\"window.hacked = 1\">",
    "<svg onload=\"window.hacked = 1\"><a xlink:href=\"javascript:window.hacked=1\">svg</a></svg>",
    "[press](javascript:window.hacked=1) [data](data:text/html,<script>1</script>) ![seen](https://tracker.example/x.png)",
    "[web](https://example.org/\"onmouseover=\"window.hacked=1) <a href=\"javascript:window.hacked=1\">html</a>",
    "<iframe srcdoc=\"<script>parent.hacked = 1</script>\"></iframe><style>body{display:none}</style>",
    "</pre></article></main><form action=https://evil.example><button>Sign in</button></form>",
    "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{202e}gnp.exe\u{202c} \u{2066}x\u{2069} nul\u{0}",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example\"><base href=https://evil.example/>",
    "```html onload=alert(1)\n</code></pre><script>window.hacked = 1</script>\n```",
];

/// Writes the transcript.
pub(crate) fn write(world: &World) {
    let attack = |number: usize| ATTACKS[number % ATTACKS.len()];
    let lines = (0..LINES).map(|number| {
        let text = attack(number / 5);
        let id = format!("t{}", number / 5);
        let line: Value = match number % 5 {
            0 => json!({"type": "user", "sessionId": text, "gitBranch": text, "message": {"content": text}}),
            1 => json!({"type": "assistant", "message": {"id": text, "model": text, "content": [
                {"type": "thinking", "thinking": text}, {"type": "text", "text": text}, {"type": text, "x": text}]}}),
            2 => json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "id": id, "name": text, "input": {
                text: text, "old_string": text, "new_string": format!("{text}\nmore")}}]}}),
            3 => json!({"type": "user", "toolUseResult": {"agentId": text, "structuredPatch": [{"oldStart": text, "lines": [text]}]},
                "message": {"content": [{"type": "tool_result", "tool_use_id": id, "is_error": true, "content": text}]}}),
            _ => json!({"type": text, "agentId": text, "isSidechain": true, "data": {"type": text, "x": [text]}}),
        };
        format!("{line}\n")
    });
    let torn = format!("{{\"type\":\"user\"{}\n", ATTACKS.concat().replace('\n', " "));
    world.write("mallory/attack.jsonl", lines.chain([torn]).collect::<String>());
}

#[test]
fn a_hostile_transcript_shows_text_and_runs_nothing() {
    let Some(scene) = Scene::set() else { return };
    write(&scene.world);
    let browser = &scene.browser;
    browser.looks(1280, Colours::Light);
    for target in ["", "&at=5000", "&at=10001"] {
        browser.open(&format!("{SESSION}{target}"));
        browser.is_settled();
        browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
        browser.sees("window.hacked = 1");
        browser.sees("\\u{202e}gnp.exe");
        browser.sees("\\x1b[31mred");
        // Hovering and pressing run nothing either.
        let touch = "for (const one of document.querySelectorAll('.conversation *')) {
            for (const kind of ['mouseover', 'focus', 'load', 'error', 'toggle']) one.dispatchEvent(new Event(kind));
        }
        return typeof window.hacked";
        assert_eq!(browser.evaluate(touch), "undefined");
        let elements = "return [...document.querySelectorAll(
            '.conversation :is(script, img, svg, iframe, style, form, meta, base, object, [src], [onclick], [onerror])')].length";
        assert_eq!(browser.evaluate(elements), 0);
        let links = "return [...document.querySelectorAll('.conversation a')].map((link) => link.protocol)
            .filter((protocol) => !['http:', 'https:', 'mailto:'].includes(protocol)).length";
        assert_eq!(browser.evaluate(links), 0);
        assert!(!browser.overflows(), "{target}");
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{target}");
    }
}

#[test]
fn the_keyboard_moves_in_a_conversation() {
    let Some(scene) = Scene::set() else { return };
    write(&scene.world);
    let browser = &scene.browser;
    let focused = || browser.evaluate("return document.activeElement.id");
    browser.open(&format!("{SESSION}&at=5001"));
    browser.is_settled();
    session_host_tests::wait_until("the browser is at the line", || focused() == "line-5001");
    browser.keys("j");
    assert_eq!(focused(), "line-5002");
    browser.keys("k");
    browser.keys("k");
    assert_ne!(focused(), "line-5002");
    browser.open(&format!("{SESSION}#line-3"));
    browser.is_settled();
    let seen = "const box = document.getElementById('line-3').getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight";
    session_host_tests::wait_until("the line is in sight", || browser.evaluate(seen) == true);
}
