//! JSON-RPC 2.0: requests, and answers by their number.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Codes of errors.
pub mod code {
    /// The line is no JSON.
    pub const PARSE: i64 = -32700;
    /// It is no request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The plugin does not have the method.
    pub const UNKNOWN_METHOD: i64 = -32601;
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The plugin broke.
    pub const INTERNAL: i64 = -32603;
    /// What the user wrote for the plugin is wrong: the same call fails until that changes.
    pub const INVALID_CONFIG: i64 = 1;
    /// It does not work now; the same call may later, after `data.retryAfterMs` where that is there.
    pub const UNAVAILABLE: i64 = 2;
}

/// A request, host to plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// `2.0`.
    pub jsonrpc: String,
    /// Which answer belongs to it. No two requests on a connection have the same.
    pub id: u64,
    /// What is asked for.
    pub method: String,
    /// With what.
    #[serde(default)]
    pub params: Value,
}

impl Request {
    /// A request.
    pub fn new(id: u64, method: &str, params: Value) -> Request {
        Request { jsonrpc: "2.0".to_owned(), id, method: method.to_owned(), params }
    }
}

/// An answer, plugin to host: with a result or with an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// `2.0`.
    pub jsonrpc: String,
    /// The request's; absent where it could not be read.
    pub id: Option<u64>,
    /// The answer, always an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

impl Response {
    /// An answer to request `id`.
    pub fn new(id: Option<u64>, answer: Result<Value, ErrorObject>) -> Response {
        let (result, error) = match answer {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Response { jsonrpc: "2.0".to_owned(), id, result, error }
    }
}

/// An error, as JSON-RPC has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// One of [`code`].
    pub code: i64,
    /// What was attempted on which object, and what to do about it.
    pub message: String,
    /// More of it, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> ErrorObject {
        ErrorObject { code, message: message.into(), data: None }
    }
}

/// What a plugin said on one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An answer to the request of this number.
    Answer(u64, Result<Value, ErrorObject>),
    /// A notification: this version has none, and ignores them.
    Notification,
}

/// A line that is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("said {line:?}, which is no answer in JSON-RPC 2.0: {why}")]
pub struct Fault {
    /// The beginning of the line.
    pub line: String,
    /// What is wrong with it.
    pub why: String,
}

impl Said {
    /// Reads a line of a plugin.
    ///
    /// # Errors
    /// Quotes the beginning of a line that is neither an answer nor a notification.
    pub fn read(line: &[u8]) -> Result<Said, Fault> {
        let fault = |why: &str| Fault { line: beginning(line), why: why.to_owned() };
        let value: Value = serde_json::from_slice(line).map_err(|error| fault(&error.to_string()))?;
        if value.get("method").is_some() && value.get("id").is_none() {
            return Ok(Said::Notification);
        }
        let response: Response = serde_json::from_value(value).map_err(|error| fault(&error.to_string()))?;
        match (response.id, response.result, response.error) {
            (_, Some(_), Some(_)) => Err(fault("it has both a result and an error")),
            (_, None, None) => Err(fault("it has neither a result nor an error")),
            (None, _, Some(error)) => Err(fault(&error.message)),
            (None, _, None) => Err(fault("it has no id")),
            (Some(id), Some(result), None) => Ok(Said::Answer(id, Ok(result))),
            (Some(id), None, Some(error)) => Ok(Said::Answer(id, Err(error))),
        }
    }
}

fn beginning(line: &[u8]) -> String {
    const SHOWN: usize = 120;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned();
    if line.len() > SHOWN { format!("{text}...") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(line: &str) -> String {
        Said::read(line.as_bytes()).expect_err("no answer").why
    }

    #[test]
    fn an_answer_has_a_number_and_either_a_result_or_an_error() {
        let read = Said::read(br#"{"jsonrpc":"2.0","id":7,"result":{"a":1}}"#);
        assert_eq!(read, Ok(Said::Answer(7, Ok(serde_json::json!({"a": 1})))));
        let read = Said::read(br#"{"jsonrpc":"2.0","id":7,"error":{"code":2,"message":"later"}}"#);
        assert_eq!(read, Ok(Said::Answer(7, Err(ErrorObject::new(code::UNAVAILABLE, "later")))));

        assert_eq!(why(r#"{"jsonrpc":"2.0","id":7}"#), "it has neither a result nor an error");
        assert_eq!(
            why(r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}"#),
            "it has both a result and an error"
        );
        assert_eq!(why(r#"{"jsonrpc":"2.0","result":{}}"#), "it has no id");
        assert_eq!(why(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"cut off"}}"#), "cut off");
    }

    #[test]
    fn what_is_no_answer_is_quoted_but_not_all_of_it() {
        let long = "listening on :8080 ".repeat(100);
        let fault = Said::read(long.as_bytes()).expect_err("no answer");
        assert!(fault.line.starts_with("listening on :8080"), "{fault}");
        assert!(fault.line.len() < 130, "{fault}");
        let deep = "[".repeat(100_000);
        assert!(Said::read(deep.as_bytes()).is_err());
        assert!(Said::read(b"\xff\xfe").is_err());
        assert!(Said::read(b"").is_err());
    }

    #[test]
    fn a_notification_is_let_pass() {
        let line = br#"{"jsonrpc":"2.0","method":"changed","params":{}}"#;
        assert_eq!(Said::read(line), Ok(Said::Notification));
    }
}
