//! Streams of the HTTP API: lines of JSON, or server-sent events where those are asked for. One that cannot go on says why in its last
//! line: what somebody may not see any more is not told as deleted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use serde::Serialize;
use serde_json::Value;

use super::info::RolloutInfo;
use super::{enveloped, listed};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::refused::Refused;
use crate::dashboard::rollouts::seen;
use crate::dashboard::turns::{CALM, Turns};

/// What happened to a rollout of a namespace.
#[derive(Serialize)]
struct Happened<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "rolloutInfo")]
    info: &'a RolloutInfo,
}

/// What somebody sees.
struct Sight {
    rollouts: BTreeMap<String, RolloutInfo>,
    /// What belongs to them and may not be seen.
    hidden: Vec<Kind>,
}

/// Every change of a namespace's rollouts; at first, all there are.
pub async fn all(
    State(dashboard): State<Arc<Dashboard>>,
    Path(namespace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let namespace = namespace.clone();
        async move {
            let rollouts = listed(&dashboard, &caller, &namespace).await?;
            // Asked afterwards: whatever is missing above for want of this right is not told.
            if !caller.may_see(Kind::Rollouts, &namespace).await.map_err(|error| seen::refused(&error))? {
                let why = format!("you may not list rollouts in namespace '{namespace}'");
                return Err(Refused::new(StatusCode::FORBIDDEN, why));
            }
            let rollouts = rollouts.into_iter().map(|info| (info.name().to_owned(), info)).collect();
            Ok(Sight { rollouts, hidden: seen::hidden(&caller, &namespace).await? })
        }
    };
    streamed(dashboard, headers, make, |kind, info| enveloped(&Happened { kind, info })).await
}

/// Every change of a rollout and what belongs to it; at first, as it is.
pub async fn one(
    State(dashboard): State<Arc<Dashboard>>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let (namespace, name) = (namespace.clone(), name.clone());
        async move {
            let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
            let rollouts = BTreeMap::from([(name, RolloutInfo::of(&family, dashboard.clock.now()))]);
            Ok(Sight { rollouts, hidden: seen::hidden(&caller, &namespace).await? })
        }
    };
    streamed(dashboard, headers, make, |_, info| enveloped(info)).await
}

/// How a change is said.
type Say = fn(&'static str, &RolloutInfo) -> Value;

/// What a stream goes on with.
struct Going<M> {
    turns: Turns<M>,
    told: Sight,
    say: Say,
    as_events: bool,
    /// What is to be sent before anything else.
    first: Option<String>,
}

/// What `make` finds at first, and every change of it, in the form that the reader asks for.
async fn streamed<F, M>(dashboard: Arc<Dashboard>, headers: HeaderMap, make: M, say: Say) -> Result<Response, Refused>
where
    M: Fn(Arc<Dashboard>, Caller) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Sight, Refused>> + Send,
{
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_events = accepts.contains("text/event-stream");
    let (turns, now) = Turns::begin(dashboard, headers, CALM, make).await.map_err(Refused::in_json)?;
    let told = Sight { rollouts: BTreeMap::new(), hidden: now.hidden.clone() };
    let mut going = Going { turns, told, say, as_events, first: None };
    going.first = going.news(now)?;
    let lines = stream::unfold(Some(going), |going| async move { next(going?).await });
    let kind = if as_events { "text/event-stream" } else { "application/json" };
    // A proxy that gathers what it passes on would make it late.
    let headers = [(header::CONTENT_TYPE.as_str(), kind), ("x-accel-buffering", "no")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// The next lines, and what the stream goes on with; without the latter it ends.
async fn next<F, M>(mut going: Going<M>) -> Option<(Result<String, Infallible>, Option<Going<M>>)>
where
    M: Fn(Arc<Dashboard>, Caller) -> F + Send + Sync,
    F: Future<Output = Result<Sight, Refused>> + Send,
{
    if let Some(first) = going.first.take() {
        return Some((Ok(first), Some(going)));
    }
    loop {
        let news = match going.turns.next().await?.and_then(|now| going.news(now)) {
            Ok(news) => news,
            Err(refused) => return Some((Ok(going.line(&refused.last_word())), None)),
        };
        // It means nothing in either form.
        let nothing = if going.as_events { ":\n\n" } else { "\n" };
        if let Some(said) = going.turns.said(news, || nothing.to_owned()) {
            return Some((Ok(said), Some(going)));
        }
    }
}

impl<M> Going<M> {
    /// What is to be said of what is seen now, if anything.
    fn news(&mut self, now: Sight) -> Result<Option<String>, Refused> {
        if now.hidden.iter().any(|kind| !self.told.hidden.contains(kind)) {
            let why = "you may not see any more all that belongs to rollouts here: ask again for the rest";
            return Err(Refused::new(StatusCode::FORBIDDEN, why));
        }
        let before = std::mem::replace(&mut self.told, now);
        let now = &self.told.rollouts;
        let gone = before.rollouts.iter().filter(|(name, _)| !now.contains_key(*name)).map(|it| ("Deleted", it.1));
        let new =
            now.iter().filter(|(name, info)| before.rollouts.get(*name) != Some(info)).map(|it| ("Updated", it.1));
        let lines: String = gone.chain(new).map(|(kind, info)| self.line(&(self.say)(kind, info))).collect();
        Ok(Some(lines).filter(|lines| !lines.is_empty()))
    }

    fn line(&self, value: &Value) -> String {
        if self.as_events { format!("data: {value}\n\n") } else { format!("{value}\n") }
    }
}
