//! What people have set, and what they hold in their hand.

use serde_json::{Value, json};

use super::browser::Browser;

/// A phone's screen, in pixels of CSS.
const PHONE: (u32, u32) = (360, 740);

/// What a person has asked their system for.
#[derive(Clone, Copy)]
pub enum Preference {
    /// Dark pages.
    Dark,
    /// Light pages.
    Light,
    /// Nothing that moves by itself.
    LessMotion,
}

impl Preference {
    fn feature(self) -> Value {
        let (name, value) = match self {
            Preference::Dark => ("prefers-color-scheme", "dark"),
            Preference::Light => ("prefers-color-scheme", "light"),
            Preference::LessMotion => ("prefers-reduced-motion", "reduce"),
        };
        json!({ "name": name, "value": value })
    }
}

impl Browser {
    /// Asks pages for that from now on, and for nothing else.
    pub async fn prefers(&self, all: &[Preference]) {
        let features: Vec<_> = all.iter().map(|it| it.feature()).collect();
        self.chromium("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Makes the window so large, its frame included.
    pub async fn resize(&self, width: u32, height: u32) {
        self.session.resize(width, height).await.expect("a window can be resized");
    }

    /// Becomes a phone: a page that does not say that it is made for narrow screens (`<meta name="viewport">`) is laid out for a wide
    /// one and made small, as phones do.
    pub async fn on_a_phone(&self) {
        let (width, height) = PHONE;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.chromium("Emulation.setDeviceMetricsOverride", screen).await;
        self.chromium("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
    }

    async fn chromium(&self, command: &str, parameters: Value) {
        let done = self.session.chromium(command, parameters).await;
        done.unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}
