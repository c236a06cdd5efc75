//! What a request is told that is not answered: in JSON where a program asked, as a page where a person did.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kube::Error;
use maud::html;
use serde_json::{Value, json};

use super::html as page;
use crate::steer::Refusal;

/// How much of what the router says is repeated, in bytes.
const LONGEST: usize = 10_000;

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
            Refusal::Unfit { .. } | Refusal::GoneOn { .. } => StatusCode::CONFLICT,
            Refusal::Call { error, .. } | Refusal::Half { error, .. } => match error.as_ref() {
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

    /// The same as the end of a stream that had begun, in the envelope of the gateway.
    pub fn last_word(&self) -> Value {
        let Refused { status, why, .. } = self;
        let name = status.canonical_reason().unwrap_or_default();
        json!({"error": {
            "grpc_code": code(*status), "http_code": status.as_u16(), "http_status": name, "message": why,
        }})
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

/// Gives every refusal the form that who asked can read, by the path: that of a handler, and what the router or a form says by itself.
pub async fn in_form(request: Request, next: Next) -> Response {
    let to_program = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        return if to_program == refused.to_program { response } else { told(&response, refused, to_program) };
    }
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b"text/plain"[..], HeaderValue::as_bytes);
    if !(status.is_client_error() || status.is_server_error()) || !kind.starts_with(b"text/plain") {
        return response;
    }
    let (head, body) = response.into_parts();
    let said = to_bytes(body, LONGEST).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let why = match (status, said.trim()) {
        (StatusCode::METHOD_NOT_ALLOWED, _) => "there is nothing here for this method",
        (_, "") => status.canonical_reason().unwrap_or("it is refused"),
        (_, said) => said,
    };
    let refused = Refused::new(status, why);
    told(&Response::from_parts(head, Body::empty()), refused, to_program)
}

/// A refusal in the place of a response, whose headers stay but for those about its body.
fn told(response: &Response, refused: Refused, to_program: bool) -> Response {
    let mut told = Refused { to_program, ..refused }.into_response();
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            told.headers_mut().append(name, value.clone());
        }
    }
    told
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused { status, why, to_program } = &self;
        let mut response = if *to_program {
            let body = json!({"error": why, "code": code(*status), "message": why}).to_string();
            (*status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        } else {
            let title = status.canonical_reason().unwrap_or("Refused");
            let content = html! {
                h1 { (title) }
                p role="alert" { (why) }
                @if *status == StatusCode::UNAUTHORIZED { p { a href="/login" { "Log in" } } }
                p { a href="/" { "To the rollouts" } }
            };
            (*status, page::bare(title, &content)).into_response()
        };
        response.extensions_mut().insert(self);
        response
    }
}
