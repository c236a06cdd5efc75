//! The few files that pages load, compiled in.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::refused::Refused;

/// Each with its name and type.
const FILES: [(&str, &str, &str); 3] = [
    ("sluice.css", "text/css; charset=utf-8", include_str!("assets/sluice.css")),
    ("sluice.js", "text/javascript; charset=utf-8", include_str!("assets/sluice.js")),
    ("sluice.svg", "image/svg+xml", include_str!("assets/sluice.svg")),
];

/// A file.
pub async fn get(Path(file): Path<String>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(name, ..)| *name == file) else {
        return Refused::new(StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    // A newer dashboard may have other files under the same names.
    ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], *content).into_response()
}
