//! What the real API server was asked and what it answered, as recorded by `sandbox/tests/record/record`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One request with its answer.
#[derive(Deserialize)]
pub struct Recorded {
    pub name: String,
    pub method: String,
    pub path: String,
    #[serde(default, rename = "type")]
    pub content_type: String,
    #[serde(default)]
    pub raw: String,
    #[serde(default)]
    pub body: Value,
    pub code: u16,
    pub answer: Value,
}

impl Recorded {
    /// The real server took it.
    pub fn succeeded(&self) -> bool {
        self.code < 300
    }

    /// The message of the refusal.
    pub fn message(&self) -> &str {
        self.answer["message"].as_str().unwrap_or_default()
    }

    /// The path without its query.
    pub fn object(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

/// The recording of this name.
pub fn recording(name: &str) -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}
