//! The line on which a watch hears the API server. It waits for no answer for ever, takes a watch that is cut as soon as it begins for a
//! failure, and remembers when anything came last: `watcher` tells of none of these.

use std::time::Duration;

use axum::body::{Body as Frames, Bytes};
use futures::StreamExt as _;
use futures::stream::{self, Stream};
use http::Request;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;
use kube::{Client, Error};
use tokio::sync::watch;
use tokio::time::Instant;

use super::access::passage::in_time;
use crate::clock::Clock;

/// How long until a list begins to come, or goes on: the API server itself gives a request up after a minute.
const LIST: Duration = Duration::from_mins(1);
/// How long until a watch is accepted, which is little work.
pub const WATCH: Duration = Duration::from_secs(20);
/// A watch that ends within this time was none, or the next would follow at once, without end.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A client that sends by `inner`, and notes in `heard` when something came.
pub fn client(inner: Client, clock: Clock, heard: watch::Sender<Timestamp>) -> Client {
    let namespace = inner.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, heard) = (inner.clone(), heard.clone());
        async move {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let answer = in_time(if is_watch { WATCH } else { LIST }, inner.send(request)).await?;
            let is_well = answer.status().is_success();
            let note = move || {
                if is_well {
                    heard.send_replace(clock.now());
                }
            };
            Ok::<_, Error>(answer.map(|body| Frames::from_stream(frames(body, is_watch && is_well, note))))
        }
    });
    Client::new(service, namespace)
}

/// What comes of an answer. How long an accepted watch may say nothing is for `watcher` to know.
fn frames(body: Body, is_watch: bool, note: impl Fn() + Send) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let begun = Instant::now();
    stream::unfold(Some((body.into_data_stream(), note)), move |going| async move {
        let (mut body, note) = going?;
        let next = async { Ok(body.next().await) };
        let next = if is_watch { next.await } else { in_time(LIST, next).await };
        let next = next.unwrap_or_else(|late| Some(Err(late)));
        match next {
            Some(Ok(data)) => {
                note();
                Some((Ok(data), Some((body, note))))
            }
            Some(Err(_)) | None if is_watch && begun.elapsed() < AT_ONCE => {
                Some((Err(Error::Service("the watch was cut as soon as it began".into())), None))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    })
}
