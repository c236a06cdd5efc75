//! A browser's session: `WebDriver`'s commands, one by one. What they mean to a story is in `browser.rs` and `part.rs`.

use serde_json::{Value, json};

use super::process::Driver;
use super::wire::{Refused, Wire};

/// The key of an element's reference, which the standard fixes.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An element of the page, for as long as the page has it.
pub struct Element(String);

impl Element {
    /// The one that a script has given.
    pub fn of(value: &Value) -> Option<Element> {
        value[ELEMENT].as_str().map(|it| Element(it.to_owned()))
    }

    /// As a script takes it.
    pub fn to_value(&self) -> Value {
        json!({ ELEMENT: self.0 })
    }
}

/// A browser with an empty profile.
pub struct Session(Wire);

impl Session {
    /// Starts one.
    pub async fn begin(driver: &Driver) -> Result<Session, Refused> {
        let wire = Wire::to(driver.url());
        let answer = wire.post("/session", &capabilities(driver)).await?;
        Ok(Session(wire.below(&format!("/session/{}", text(&answer["sessionId"])))))
    }

    /// Ends it.
    pub async fn end(&self) -> Result<(), Refused> {
        self.0.delete("").await.map(drop)
    }

    /// Goes to a URL, and waits until all that the page names is there.
    pub async fn go(&self, url: &str) -> Result<(), Refused> {
        self.0.post("/url", &json!({ "url": url })).await.map(drop)
    }

    /// Runs a function's body. A page's Content-Security-Policy does not concern it.
    pub async fn script(&self, body: &str, arguments: Value) -> Result<Value, Refused> {
        self.0.post("/execute/sync", &json!({ "script": body, "args": arguments })).await
    }

    /// The same, for a body that calls its last argument when it is done.
    pub async fn slow_script(&self, body: &str, arguments: Value) -> Result<Value, Refused> {
        self.0.post("/execute/async", &json!({ "script": body, "args": arguments })).await
    }

    /// The element that has the focus.
    pub async fn active(&self) -> Result<Option<Element>, Refused> {
        Ok(Element::of(&self.0.get("/element/active").await?))
    }

    /// What there is to know of an element: `text`, `computedrole`, `computedlabel`, `attribute/NAME`, `css/PROPERTY`. None where it
    /// has no such attribute.
    pub async fn look(&self, element: &Element, what: &str) -> Result<Option<String>, Refused> {
        let value = self.0.get(&format!("/element/{}/{what}", element.0)).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Clicks in its middle, if nothing lies over that.
    pub async fn click(&self, element: &Element) -> Result<(), Refused> {
        self.0.post(&format!("/element/{}/click", element.0), &json!({})).await.map(drop)
    }

    /// Types into it.
    pub async fn type_into(&self, element: &Element, text: &str) -> Result<(), Refused> {
        self.0.post(&format!("/element/{}/value", element.0), &json!({ "text": text })).await.map(drop)
    }

    /// Presses keys and lets them go, as `{"type": "keyDown", "value": KEY}` says.
    pub async fn keys(&self, actions: &[Value]) -> Result<(), Refused> {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.0.post("/actions", &json!({ "actions": [keyboard] })).await.map(drop)
    }

    /// Gives the window a size, its frame included.
    pub async fn resize(&self, width: u32, height: u32) -> Result<(), Refused> {
        self.0.post("/window/rect", &json!({ "width": width, "height": height })).await.map(drop)
    }

    /// The cookies of the page, those included that no script may read.
    pub async fn cookies(&self) -> Result<Vec<Value>, Refused> {
        Ok(list(self.0.get("/cookie").await?))
    }

    /// Gives the browser a cookie for the page's site.
    pub async fn set_cookie(&self, name: &str, value: &str) -> Result<(), Refused> {
        self.0.post("/cookie", &json!({ "cookie": { "name": name, "value": value } })).await.map(drop)
    }

    /// What has been said in the console since the last time.
    pub async fn console(&self) -> Result<Vec<Value>, Refused> {
        Ok(list(self.0.post("/se/log", &json!({ "type": "browser" })).await?))
    }

    /// A command of Chromium's own.
    pub async fn chromium(&self, command: &str, parameters: Value) -> Result<Value, Refused> {
        self.0.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    /// A picture of what is to be seen, as PNG in base 64.
    pub async fn picture(&self) -> Result<String, Refused> {
        Ok(text(&self.0.get("/screenshot").await?))
    }
}

fn capabilities(driver: &Driver) -> Value {
    let mut arguments = vec![
        // Whoever runs tests may be root, or in a container; the pages are our own.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-crash-reporter",
        "--disable-breakpad",
        "--no-proxy-server",
        // No test needs another host, and none gets one.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
        "--remote-debugging-pipe",
        "--window-size=1280,900",
        "--lang=en",
    ];
    if std::env::var_os("HEADED").is_none() {
        arguments.push("--headless=new");
    }
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "timeouts": { "pageLoad": 60_000, "script": 60_000 },
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "binary": driver.chromium(), "args": arguments },
    } } })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all,
        _ => Vec::new(),
    }
}
