//! What the browser looks at.

use session_host_tests::{Service, World};

use crate::browser::Browser;

/// A service with processors that people know, and one that nobody knows, after a run of each.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) service: Service,
    pub(crate) browser: Browser,
}

impl Scene {
    /// The scene, and a browser that has signed in; `None` where there is no browser.
    #[track_caller]
    pub(crate) fn set() -> Option<Self> {
        let world = World::with(&["probe", "usage", "errors", "search", "secrets", "reporting"]);
        world.install_file(session_host_tests::LibraryFile::Bytes(b"no library"), "broken.so");
        copy_samples(&world);
        world.write("alice/fails.jsonl", r#"{"do":"error","message":"<b>no</b> good"}"#);
        world.write("bruno/fails.jsonl", r#"{"do":"error","message":"<b>no</b> good"}"#);
        let service = world.serve(&[("SESSION_HOST_TIMEZONE", "Europe/Prague")]);
        for processor in ["probe", "usage", "errors", "search", "secrets", "reporting"] {
            drop(service.run(processor).is(200));
        }
        let browser = Browser::start(&service)?;
        browser.sign_in(service.token().unwrap());
        Some(Self {
            world,
            service,
            browser,
        })
    }
}

/// Copies the transcripts of `tests/transcripts`, with the times of the last days.
fn copy_samples(world: &World) {
    let samples = session_host_tests::repository().join("tests/transcripts");
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let recent = today.checked_sub(jiff::ToSpan::days(3)).unwrap();
    for entry in walkdir::WalkDir::new(&samples).into_iter().filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
            let key = entry.path().strip_prefix(&samples).unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            world.write(key, text.replace("2026-03-02", &recent.to_string()));
        }
    }
}
