//! Streams of the HTTP API: lines of JSON, or server-sent events where those are asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::info::RolloutInfo;
use super::{enveloped, listed};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::refused::Refused;
use crate::dashboard::rollouts::seen;

/// Changes come in bursts; this long after the first of them the stream goes on.
const SETTLE: Duration = Duration::from_millis(150);
/// What a slow reader may be behind.
const AHEAD: usize = 64;

/// What happened to a rollout of a namespace.
#[derive(Serialize)]
struct Happened {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "rolloutInfo")]
    info: RolloutInfo,
}

/// Every change of a namespace's rollouts; at first, all there are.
pub async fn all(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path(namespace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    listed(&dashboard, &caller, &namespace).await?;
    let (send, receive) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut bell = dashboard.book.bell();
        let mut known: HashMap<String, RolloutInfo> = HashMap::new();
        while let Ok(now) = listed(&dashboard, &caller, &namespace).await {
            let mut now: HashMap<String, RolloutInfo> =
                now.into_iter().map(|info| (info.name().to_owned(), info)).collect();
            let gone = known.extract_if(|name, _| !now.contains_key(name)).map(|(_, info)| ("Deleted", info));
            let mut news: Vec<_> = gone.collect();
            now.retain(|name, info| known.get(name) != Some(info));
            news.extend(now.values().map(|info| ("Updated", info.clone())));
            known.extend(now);
            for (kind, info) in news {
                if send.send(enveloped(&Happened { kind, info })).await.is_err() {
                    return;
                }
            }
            if !has_news(&mut bell, &send).await {
                return;
            }
        }
    });
    Ok(streamed(&headers, received(receive)))
}

/// Every change of a rollout and what belongs to it; at first, as it is.
pub async fn one(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    seen::family(&dashboard, &caller, &namespace, &name).await.map_err(Refused::in_json)?;
    let (send, receive) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut bell = dashboard.book.bell();
        let mut known: Option<RolloutInfo> = None;
        while let Ok(family) = seen::family(&dashboard, &caller, &namespace, &name).await {
            let now = Some(RolloutInfo::of(&family, dashboard.clock.now()));
            if now != known {
                if send.send(enveloped(&now)).await.is_err() {
                    return;
                }
                known = now;
            }
            if !has_news(&mut bell, &send).await {
                return;
            }
        }
    });
    Ok(streamed(&headers, received(receive)))
}

/// Waits for the next changes; none come any more once nobody listens or nothing is watched.
async fn has_news(bell: &mut watch::Receiver<u64>, send: &mpsc::Sender<Value>) -> bool {
    let changed = tokio::select! { changed = bell.changed() => changed.is_ok(), () = send.closed() => false };
    if changed {
        sleep(SETTLE).await;
        bell.mark_unchanged();
    }
    changed
}

fn received(receive: mpsc::Receiver<Value>) -> impl Stream<Item = Value> + Send {
    stream::unfold(receive, |mut receive| async move { receive.recv().await.map(|value| (value, receive)) })
}

/// In the form that the reader asks for.
fn streamed(headers: &HeaderMap, values: impl Stream<Item = Value> + Send + 'static) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_events = accepts.contains("text/event-stream");
    let lines = values.map(move |value| {
        Ok::<_, std::convert::Infallible>(if as_events { format!("data: {value}\n\n") } else { format!("{value}\n") })
    });
    let kind = if as_events { "text/event-stream" } else { "application/json" };
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response()
}
