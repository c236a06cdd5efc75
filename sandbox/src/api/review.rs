//! Reviews: questions to the API server that store nothing.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Answer;
use super::path::Path;
use crate::refusal::Refusal;
use crate::state::Sandbox;

/// Answers a review, if the path names one.
pub fn answer(_sandbox: &Sandbox, path: &Path, body: &Bytes) -> Option<Result<Answer, Refusal>> {
    let known = path.group == "authorization.k8s.io" && path.version == "v1";
    match path.plural.as_str() {
        "selfsubjectaccessreviews" if known => Some(review(body)),
        _ => None,
    }
}

fn review(body: &Bytes) -> Result<Answer, Refusal> {
    let mut review: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("error decoding the body as JSON: {error}")))?;
    review["metadata"] = json!({});
    review["status"] = json!({ "allowed": true });
    Ok(Answer::Json(201, review, Vec::new()))
}
