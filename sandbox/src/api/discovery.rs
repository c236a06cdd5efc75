//! What there is: versions, groups, resources.

use http::HeaderMap;
use serde_json::json;

use super::Answer;
use crate::refusal::Refusal;
use crate::state::Sandbox;

/// Answers every path that names no resource.
pub fn answer(_sandbox: &Sandbox, path: &str, _headers: &HeaderMap) -> Result<Answer, Refusal> {
    match path.trim_end_matches('/') {
        "/version" => Ok(Answer::ok(json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.2" }))),
        "/healthz" | "/readyz" | "/livez" => Ok(Answer::Raw("text/plain; charset=utf-8", "ok".into())),
        _ => Err(Refusal::no_such_path()),
    }
}
