//! One request: a body in, a review, an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use sluice_core::admission::{MOST_BYTES, Malformed, Request};
use tokio::sync::Semaphore;

use super::Around;
use crate::metrics::Metrics;

/// How long a request may take, from its head to its answer. API servers wait for at most half a minute, and by our manifest for
/// five seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// Bodies held at the same time, at most.
const MOST_BODIES: usize = 8;

/// What reviews share.
struct Reviewer {
    around: Around,
    metrics: Metrics,
    bodies: Semaphore,
    /// Who has it reviews. A large object takes many times its size while it is reviewed, so one at a time is.
    turn: Arc<Semaphore>,
}

/// Answers `POST /validate`.
pub(super) fn router(around: Around, metrics: Metrics) -> Router {
    let (bodies, turn) = (Semaphore::new(MOST_BODIES), Arc::new(Semaphore::new(1)));
    let reviewer = Arc::new(Reviewer { around, metrics, bodies, turn });
    Router::new().route("/validate", post(validate)).with_state(reviewer)
}

async fn validate(State(reviewer): State<Arc<Reviewer>>, body: Body) -> Response {
    match tokio::time::timeout(LIMIT, answer(&reviewer, body)).await {
        Ok(Ok(answer)) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Ok(Err((status, why))) => (status, why).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "it took too long").into_response(),
    }
}

async fn answer(reviewer: &Arc<Reviewer>, body: Body) -> Result<Vec<u8>, (StatusCode, String)> {
    let stopping = |_| (StatusCode::SERVICE_UNAVAILABLE, "the webhook stops".to_owned());
    let _place = reviewer.bodies.acquire().await.map_err(stopping)?;
    let body = read(body).await?;
    let turn = Arc::clone(&reviewer.turn).acquire_owned().await.map_err(stopping)?;
    let own = Arc::clone(reviewer);
    let review = tokio::task::spawn_blocking(move || {
        let answer = review(&own, &body);
        // Not before: a client that goes away does not end the review.
        drop(turn);
        answer
    });
    let outcome = review.await.map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the review failed".to_owned()))?;
    outcome.map_err(|why| {
        let status = if why == Malformed::TooLong { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        (status, why.to_string())
    })
}

async fn read(body: Body) -> Result<Bytes, (StatusCode, String)> {
    let read = Limited::new(body, MOST_BYTES).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            (StatusCode::PAYLOAD_TOO_LARGE, Malformed::TooLong.to_string())
        } else {
            (StatusCode::BAD_REQUEST, "the body did not arrive".to_owned())
        }
    })
}

fn review(reviewer: &Reviewer, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let request = Request::read(body)?;
    let verdict = request.decide(&reviewer.around);
    reviewer.metrics.reviewed(request.known_kind(), verdict.is_allowed());
    Ok(verdict.answer(&request).to_string().into_bytes())
}
