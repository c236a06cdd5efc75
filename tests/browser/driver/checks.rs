//! What holds for every page: nothing sticks out at its side, and everybody can use it.

use serde_json::{Value, json};

use super::browser::Browser;
use super::process::Driver;

/// Gives what axe-core finds wrong to the last argument. What comes to an end by itself, as a fade does, is brought there first: half
/// faded, nothing has contrast.
const AXE: &str = "
    for (const it of document.getAnimations()) if (it.effect.getComputedTiming().endTime !== Infinity) it.finish();
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).then((it) => done(it.violations), (why) => done([{ id: String(why) }]));
";

impl Browser {
    /// The page is no wider than the screen; else it says what sticks out.
    pub async fn has_no_sideways_scroll(&self) {
        let out = self.what_sticks_out().await;
        assert!(out.is_empty(), "the page is wider than the screen: {out:?}");
    }

    /// The outermost elements that make the page wider than the screen, as `table.wide reaches to 900 of 360`.
    pub async fn what_sticks_out(&self) -> Vec<String> {
        texts(&self.script(include_str!("sideways.js"), json!([])).await)
    }

    /// axe-core finds nothing: names of controls, contrast, order of headings, landmarks, the page's language, what is too small for a
    /// finger, and what else it checks.
    pub async fn is_accessible(&self) {
        let barriers = self.barriers().await;
        assert!(barriers.is_empty(), "not everybody can use {}:\n{}", self.path().await, barriers.join("\n"));
    }

    /// What keeps people out, one line for each element: `button-name (critical): Buttons must have discernible text: #promote`.
    pub async fn barriers(&self) -> Vec<String> {
        if self.script("return typeof axe", json!([])).await == "undefined" {
            // A script of WebDriver is no part of the page, so that no policy of the page forbids it.
            let axe = Driver::shared().await.axe();
            self.script(&format!("{axe}; window.axe = axe"), json!([])).await;
        }
        let found = self.session.slow_script(AXE, json!([])).await.expect("axe-core runs");
        found.as_array().into_iter().flatten().flat_map(lines).collect()
    }
}

fn lines(violation: &Value) -> Vec<String> {
    let text = |key: &str| violation[key].as_str().unwrap_or_default();
    let rule = format!("{} ({}): {}", text("id"), text("impact"), text("help"));
    let of = |node: &Value| {
        let target = texts(&node["target"]).join(" ");
        let why = node["any"][0]["message"].as_str().unwrap_or_default();
        format!("{rule}: {target}: {why}")
    };
    violation["nodes"].as_array().into_iter().flatten().map(of).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
