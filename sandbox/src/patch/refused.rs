//! Why a patch is refused, with the code, the reason and the message of the real server.

use serde_json::Value;

use super::go_text::go_text;
use crate::refusal::Cause;

/// A patch that does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatchError {
    /// The HTTP code.
    pub code: u16,
    /// The `reason` of the status; empty if it has none.
    pub reason: &'static str,
    /// The `message` of the status.
    pub message: String,
    /// The `causes` of the status's details.
    pub causes: Vec<Cause>,
}

impl PatchError {
    pub(crate) fn bad_request(message: impl Into<String>) -> PatchError {
        PatchError { code: 400, reason: "BadRequest", message: message.into(), causes: Vec::new() }
    }

    /// The real server gives no reason for these.
    pub(crate) fn internal(message: impl Into<String>) -> PatchError {
        PatchError { code: 500, reason: "", message: message.into(), causes: Vec::new() }
    }

    /// Nothing of what is wrong is in the answer, its `details` are empty.
    pub(super) fn rejected() -> PatchError {
        let message = "the server rejected our request due to an error in our request".to_string();
        PatchError { code: 422, reason: "Invalid", message, causes: Vec::new() }
    }

    /// What a patch leads to cannot be decoded. Shown is the patch of a strategic merge, and for the others the JSON that
    /// they lead to.
    pub fn undecodable(shown: &str, detail: &str) -> PatchError {
        let cause = Cause::invalid("patch", &shown.into(), detail);
        let message = format!(" \"\" is invalid: patch: {}", cause.message);
        PatchError { code: 422, reason: "Invalid", message, causes: vec![cause] }
    }

    /// As `undecodable`, for a strategic merge patch, which is shown as Go prints a map.
    pub fn undecodable_strategic(patch: &Value, detail: &str) -> PatchError {
        PatchError::undecodable(&go_text(patch), detail)
    }
}
