//! Decoding what is stored: one part that does not decode must not hide the rest.

use std::fmt;

use serde_json::Value;

use super::Rollout;

/// A part of an object that did not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeProblem {
    /// Where.
    pub field: String,
    /// Why.
    pub error: String,
}

impl fmt::Display for DecodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.error)
    }
}

/// Decodes a Rollout. Fields of `spec` and `status` that do not decode are left out and reported.
pub fn rollout(stored: Value) -> (Rollout, Vec<DecodeProblem>) {
    if let Ok(rollout) = serde_json::from_value(stored.clone()) {
        return (rollout, Vec::new());
    }
    let mut kept = stored;
    let mut problems = Vec::new();
    for part in ["spec", "status"] {
        let fields: Vec<String> = kept[part].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        for field in fields {
            let alone = serde_json::json!({ "metadata": {}, "spec": {}, part: { &field: kept[part][&field] } });
            if let Err(error) = serde_json::from_value::<Rollout>(alone) {
                kept[part].as_object_mut().map(|map| map.remove(&field));
                problems.push(DecodeProblem { field: format!("{part}.{field}"), error: error.to_string() });
            }
        }
    }
    match serde_json::from_value(kept.clone()) {
        Ok(rollout) => (rollout, problems),
        Err(error) => {
            problems.push(DecodeProblem { field: "object".into(), error: error.to_string() });
            let metadata = serde_json::from_value(kept["metadata"].clone()).unwrap_or_default();
            (Rollout { metadata, ..Rollout::default() }, problems)
        }
    }
}
