//! The keyboard, for people who have nothing else: what has the focus, what it is called, and whether one can see that it has it.

use serde_json::{Value, json};

use super::browser::Browser;

/// The most times that Tab is pressed on the way to something.
const REACH: usize = 200;

/// A key that has no letter.
#[derive(Clone, Copy)]
pub enum Key {
    /// To the next thing that takes the focus.
    Tab,
    /// Does what has the focus.
    Enter,
    /// Leaves a dialog.
    Escape,
    /// Held down with others.
    Shift,
    /// A character.
    Character(char),
}

impl Key {
    /// The code point that the standard gives it.
    fn code(self) -> char {
        match self {
            Key::Tab => '\u{e004}',
            Key::Enter => '\u{e007}',
            Key::Escape => '\u{e00c}',
            Key::Shift => '\u{e008}',
            Key::Character(character) => character,
        }
    }
}

impl Browser {
    /// Presses keys together, and lets them go in reverse order.
    pub async fn press(&self, keys: &[Key]) {
        let action = |kind: &str, key: &Key| json!({ "type": kind, "value": key.code() });
        let down = keys.iter().map(|it| action("keyDown", it));
        let up = keys.iter().rev().map(|it| action("keyUp", it));
        let actions: Vec<Value> = down.chain(up).collect();
        self.session.keys(&actions).await.expect("keys can be pressed");
    }

    /// What has the focus, as a screen reader says it: `button Promote`. Nothing, where that is the page itself.
    pub async fn focused(&self) -> String {
        let looked = async || {
            let Some(element) = self.session.active().await? else { return Ok(String::new()) };
            if self.session.script("return arguments[0] === document.body", json!([element.to_value()])).await? == true
            {
                return Ok(String::new());
            }
            let role = self.session.look(&element, "computedrole").await?.unwrap_or_default();
            let label = self.session.look(&element, "computedlabel").await?.unwrap_or_default();
            Ok::<_, super::wire::Refused>(format!("{role} {label}"))
        };
        self.eventually("looking at what has the focus", async || looked().await.map_err(|error| error.to_string()))
            .await
    }

    /// Waits until that has the focus.
    pub async fn focus_comes_to(&self, what: &str) {
        let looked = async || match self.focused().await {
            it if it == what => Ok(()),
            it => Err(format!("{it:?} has it")),
        };
        self.eventually(&format!("the focus comes to {what:?}"), looked).await;
    }

    /// Presses Tab until that has the focus: `button Promote`. All on the way has to show that it has it.
    pub async fn tab_to(&self, what: &str) {
        let mut passed = Vec::new();
        while passed.len() < REACH {
            self.press(&[Key::Tab]).await;
            let focused = self.focused().await;
            self.focus_can_be_seen(&focused).await;
            if focused == what {
                return;
            }
            passed.push(focused);
        }
        panic!("{what:?} cannot be reached with Tab, which comes to {passed:?}");
    }

    /// Where Tab leads from the page's beginning until it comes out of it again.
    pub async fn tab_order(&self) -> Vec<String> {
        self.script("document.activeElement.blur(); scrollTo(0, 0)", json!([])).await;
        let mut order = Vec::new();
        for _ in 0..REACH {
            self.press(&[Key::Tab]).await;
            let focused = self.focused().await;
            if focused.is_empty() || order.first() == Some(&focused) {
                break;
            }
            order.push(focused);
        }
        order
    }

    /// Whether what has the focus looks otherwise than without it.
    pub async fn shows_focus(&self) -> bool {
        self.script(include_str!("focus.js"), json!([])).await == true
    }

    async fn focus_can_be_seen(&self, focused: &str) {
        assert!(focused.is_empty() || self.shows_focus().await, "{focused:?} has the focus, and nobody can see it");
    }
}
