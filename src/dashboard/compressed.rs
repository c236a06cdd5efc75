//! Pages of thousands of rows, made small on their way. What streams is left as it is, and so is what is small already.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this it is not worth it.
const SMALL: u64 = 2_000;

/// Compresses a page for a browser that takes it.
pub async fn pages(request: Request, next: Next) -> Response {
    let is_taken = takes_gzip(request.headers());
    let response = next.run(request).await;
    let size = response.body().size_hint().exact();
    // Without a size it is a stream.
    let Some(size) = size.filter(|size| is_taken && *size >= SMALL) else { return response };
    let (mut parts, body) = response.into_parts();
    let Ok(content) = to_bytes(body, usize::try_from(size).unwrap_or(usize::MAX)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let Ok(small) = encoder.write_all(&content).and_then(|()| encoder.finish()) else {
        return Response::from_parts(parts, Body::from(content));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, Body::from(small))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut each = accepted.split(',').map(str::trim);
    each.any(|coding| coding == "gzip" || coding.strip_prefix("gzip;").is_some_and(|rest| rest.trim() != "q=0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_it_gets_it() {
        let with = |value: &str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().expect(value))]);
        for (value, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1, gzip;q=0.8", true),
            ("gzip;q=1", true),
            ("br", false),
            ("gzip;q=0", false),
        ] {
            assert_eq!(takes_gzip(&with(value)), takes, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
