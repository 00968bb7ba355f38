//! A browser that looks at one service.

use std::{collections::BTreeSet, fs, path::PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    error::CmdError,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use session_host_tests::{Service, wait_until};
use tokio::runtime::{Builder, Runtime};

use crate::{commands::ToSession, driver::Driver};

/// Chromium without a window.
pub(crate) struct Browser {
    runtime: Runtime,
    client: Client,
    base: String,
    _driver: Driver,
}

/// The colours that the user prefers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colours {
    Light,
    Dark,
}

impl Browser {
    /// Starts a browser; `None` where there is none.
    #[track_caller]
    pub(crate) fn start(service: &Service) -> Option<Self> {
        let driver = Driver::start()?;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--hide-scrollbars",
        ];
        let capabilities = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!()
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = runtime.block_on(builder.capabilities(capabilities).connect(&driver.address));
        let client = client.expect("the browser starts");
        Some(Self {
            runtime,
            client,
            base: format!("http://{}", service.address()),
            _driver: driver,
        })
    }

    fn wait<T>(&self, doing: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(doing).expect("the browser obeys")
    }

    /// Opens a page.
    pub(crate) fn open(&self, target: &str) {
        self.wait(self.client.goto(&format!("{}{target}", self.base)));
    }

    /// Signs in with the form.
    pub(crate) fn sign_in(&self, token: &str) {
        self.open("/sign-in");
        self.write("input[name=token]", token);
        self.press("Sign in");
        self.is_at("/");
    }

    /// Waits until the page has this path and query.
    #[track_caller]
    pub(crate) fn is_at(&self, address: &str) {
        wait_until(&format!("the page is {address}"), || self.address() == address);
    }

    /// The path and the query of the page.
    pub(crate) fn address(&self) -> String {
        let url = self.wait(self.client.current_url());
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    pub(crate) fn back(&self) {
        self.wait(self.client.back());
    }

    pub(crate) fn reload(&self) {
        self.wait(self.client.refresh());
    }

    /// Writes into a field.
    pub(crate) fn write(&self, field: &str, text: &str) {
        let field = self.element(field);
        self.wait(async {
            field.clear().await?;
            field.send_keys(text).await
        });
    }

    /// Presses keys, whatever has the focus. A live part may replace an element at any time.
    pub(crate) fn keys(&self, keys: &str) {
        let none = KeyActions::new("keys".to_owned());
        let pressed = keys.chars().fold(none, |pressed, key| {
            let down = pressed.then(KeyAction::Down { value: key });
            down.then(KeyAction::Up { value: key })
        });
        self.wait(self.client.perform_actions(pressed));
    }

    /// Presses the button with this label.
    #[track_caller]
    pub(crate) fn press(&self, label: &str) {
        let button = format!("//button[normalize-space()='{label}']");
        self.wait(async { self.client.find(Locator::XPath(&button)).await?.click().await });
    }

    /// The one element that a selector means.
    #[track_caller]
    pub(crate) fn element(&self, selector: &str) -> Element {
        self.wait(self.client.find(Locator::Css(selector)))
    }

    /// The text that people see.
    pub(crate) fn text(&self) -> String {
        self.evaluate("return document.body.innerText")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until people see a text.
    #[track_caller]
    pub(crate) fn sees(&self, text: &str) {
        wait_until(&format!("the page shows {text:?}"), || self.text().contains(text));
    }

    /// What a script returns.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        self.wait(self.client.execute(script, Vec::new()))
    }

    /// Waits until every chart is drawn and no part is on its way.
    #[track_caller]
    pub(crate) fn is_settled(&self) {
        let settled = "return document.readyState === 'complete' \
             && [...document.querySelectorAll('[data-plot]')].every((one) => one.querySelector('canvas')) \
             && [...document.querySelectorAll('[hx-trigger=load]')].every((one) => one.children.length > 0)";
        wait_until("the page is settled", || self.evaluate(settled) == true);
    }

    /// Sets the width of the window, and the colours.
    pub(crate) fn looks(&self, width: u32, colours: Colours) {
        let scheme = match colours {
            Colours::Light => "light",
            Colours::Dark => "dark",
        };
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]});
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.wait(async {
            let media = ToSession::devtools("Emulation.setEmulatedMedia", &features);
            self.client.issue_cmd(media).await?;
            let metrics = ToSession::devtools("Emulation.setDeviceMetricsOverride", &size);
            self.client.issue_cmd(metrics).await
        });
    }

    /// Whether something stands beside the window, so that people would have to scroll sideways.
    pub(crate) fn overflows(&self) -> bool {
        self.evaluate("return document.documentElement.scrollWidth > document.documentElement.clientWidth") == true
    }

    /// Saves a picture of the whole page, if somebody wants pictures.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SESSION_HOST_PICTURES").map(PathBuf::from) else {
            return;
        };
        let whole = ToSession::devtools(
            "Page.captureScreenshot",
            &json!({"format": "png", "captureBeyondViewport": true}),
        );
        let answer = self.wait(self.client.issue_cmd(whole));
        fs::create_dir_all(&folder).unwrap();
        let picture = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// The errors that the console has told of, among them what the policy of the page forbade.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let told = self.wait(self.client.issue_cmd(ToSession::console()));
        let severe = told
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].to_string()).collect()
    }

    /// What the checks of accessibility find serious or critical.
    pub(crate) fn barriers(&self) -> BTreeSet<String> {
        let folder = std::env::var_os("SESSION_HOST_PAGE_SCRIPTS").expect("scripts/setup names the folder");
        let axe =
            fs::read_to_string(PathBuf::from(folder).join("axe.min.js")).expect("scripts/setup --browser fetches it");
        let script = format!(
            "{axe}; const [done] = [...arguments].slice(-1);
             axe.run(document, {{resultTypes: ['violations']}}).then((found) => done(found.violations
                 .filter((one) => one.impact === 'serious' || one.impact === 'critical')
                 .map((one) => `${{one.id}}: ${{one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')}}`)),
                 (error) => done([String(error)]));"
        );
        let found = self.wait(self.client.execute_async(&script, Vec::new()));
        found.as_array().into_iter().flatten().map(Value::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver, which ends next, would leave the browser alone.
        let _ = self.runtime.block_on(self.client.clone().close());
    }
}
