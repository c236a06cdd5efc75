//! What a request is told that is not answered: in JSON where a program asked, as a page where a person did.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kube::Error;
use maud::html;
use serde_json::json;

use super::html as page;
use crate::steer::Refusal;

/// Why a request is not answered.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// What was attempted, and why it is refused.
    pub why: String,
    /// Whether a program asked.
    pub to_program: bool,
}

impl Refused {
    /// Refused with a status and a reason.
    pub fn new(status: StatusCode, why: impl Into<String>) -> Refused {
        Refused { status, why: why.into(), to_program: false }
    }

    /// There is no such rollout, or it is not for the eyes of who asks: the two are not told apart.
    pub fn no_rollout(namespace: &str, name: &str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, format!("there is no rollout '{name}' in namespace '{namespace}'"))
    }

    /// What the API server said to it.
    pub fn by_server(refusal: &Refusal) -> Refused {
        let status = match refusal {
            Refusal::Unfit { .. } => StatusCode::CONFLICT,
            Refusal::Call { error, .. } => match error.as_ref() {
                Error::Api(status) => StatusCode::from_u16(status.code).unwrap_or(StatusCode::BAD_GATEWAY),
                _ => StatusCode::BAD_GATEWAY,
            },
        };
        Refused::new(status, refusal.to_string())
    }

    /// The same, told to a program.
    pub fn in_json(self) -> Refused {
        Refused { to_program: true, ..self }
    }
}

/// The codes that clients of the existing dashboard's API know, which are those of gRPC.
fn code(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 | 422 => 3,
        404 => 5,
        409 => 9,
        403 => 7,
        401 => 16,
        502..=504 => 14,
        _ => 13,
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused { status, why, to_program } = self;
        if to_program {
            let body = json!({"error": why, "code": code(status), "message": why}).to_string();
            return (status, [("content-type", "application/json")], body).into_response();
        }
        let title = status.canonical_reason().unwrap_or("Refused");
        let content = html! { h1 { (title) } p role="alert" { (why) } p { a href="/" { "To the rollouts" } } };
        (status, page::bare(title, &content)).into_response()
    }
}
