//! The events of a rollout. They are not watched, as they would be most of what is and few are ever looked at; and they are read beside
//! the page, which waits for nothing that may be slow.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use kube::Client;
use kube::api::{Api, ListParams};
use sluice_core::info::event;
use sluice_core::info::family::Family;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// How many are asked for at once, and how often at most: they are given in the order of their names.
const PAGE: u32 = 500;
const MOST_PAGES: usize = 4;
/// How often a page that is open asks for new ones.
const EVERY: Duration = Duration::from_secs(3);
/// How long a page waits for the first ones.
const PATIENCE: Duration = Duration::from_secs(1);

/// The events as they were read last, and the reading that is under way.
#[derive(Default)]
pub struct News {
    asked: Option<Instant>,
    reading: JoinSet<Option<Vec<Event>>>,
    last: Option<Vec<Event>>,
}

impl News {
    /// The events, the oldest first, as far as whose `client` it is may see them. `None` as long as they are not known; what was read before stays
    /// where there is no answer.
    pub async fn of(&mut self, client: &Client, family: &Family) -> Option<&[Event]> {
        let is_first = self.asked.is_none();
        if self.reading.is_empty() && self.asked.is_none_or(|at| at.elapsed() >= EVERY) {
            self.asked = Some(Instant::now());
            self.reading.spawn(read(client.clone(), family.clone()));
        }
        let read = if is_first {
            timeout(PATIENCE, self.reading.join_next()).await.ok().flatten()
        } else {
            self.reading.try_join_next()
        };
        if let Some(Ok(Some(events))) = read {
            self.last = Some(events);
        }
        self.last.as_deref()
    }
}

async fn read(client: Client, family: Family) -> Option<Vec<Event>> {
    let metadata = &family.rollout.metadata;
    let (uid, namespace) = (metadata.uid.as_deref()?, metadata.namespace.as_deref()?);
    let api: Api<Event> = Api::namespaced(client, namespace);
    // One of the same name that was deleted is another one.
    let fields = format!("involvedObject.kind=Rollout,involvedObject.uid={uid}");
    let mut params = ListParams::default().fields(&fields).limit(PAGE);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = api.list(&params).await.ok()?;
        found.extend(page.items);
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            break;
        }
    }
    Some(event::of_family(&family, &found).into_iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use axum::http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;
    use tokio::sync::Notify;
    use tokio::time::sleep;
    use tower::service_fn;

    use super::*;

    fn family() -> Family {
        let metadata = json!({"namespace": "shop", "name": "web", "uid": "1"});
        let rollout = serde_json::from_value(json!({"metadata": metadata, "spec": {}})).expect("a rollout");
        Family { rollout, replica_sets: vec![], pods: vec![], runs: None, experiments: None }
    }

    /// An API server that tells one event once it may, and nothing after that.
    fn server(may: Arc<Notify>) -> Client {
        let service = service_fn(move |_: Request<Body>| {
            let may = Arc::clone(&may);
            async move {
                may.notified().await;
                let about = json!({"kind": "Rollout", "name": "web", "namespace": "shop", "uid": "1"});
                let event = json!({"metadata": {"name": "web.1"}, "reason": "RolloutPaused", "involvedObject": about});
                let said = json!({"metadata": {}, "items": [event]});
                Ok::<_, Infallible>(Response::new(Body::from(said.to_string().into_bytes())))
            }
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_does_not_wait_for_events_that_are_slow_and_keeps_those_it_has() {
        let may = Arc::new(Notify::new());
        let client = server(Arc::clone(&may));
        let (mut news, family) = (News::default(), family());
        let start = Instant::now();
        assert!(news.of(&client, &family).await.is_none());
        assert_eq!(start.elapsed(), PATIENCE);
        // They are looked for while nobody waits.
        assert!(news.of(&client, &family).await.is_none());
        assert_eq!(start.elapsed(), PATIENCE);
        may.notify_one();
        sleep(EVERY).await;
        let reasons = |events: Option<&[Event]>| {
            events.map(|events| events.iter().map(|event| event.reason.clone().unwrap_or_default()).collect::<Vec<_>>())
        };
        assert_eq!(reasons(news.of(&client, &family).await), Some(vec!["RolloutPaused".to_owned()]));
        // The next reading gets no answer.
        sleep(EVERY).await;
        assert_eq!(reasons(news.of(&client, &family).await), Some(vec!["RolloutPaused".to_owned()]));
        assert_eq!(reasons(news.of(&client, &family).await), Some(vec!["RolloutPaused".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_nobody_may_list_are_not_waited_for() {
        let service = service_fn(|_: Request<Body>| async {
            let said = json!({"kind": "Status", "status": "Failure", "code": 403, "reason": "", "message": ""});
            let answer = Response::builder().status(403).body(Body::from(said.to_string().into_bytes()));
            Ok::<_, Infallible>(answer.expect("an answer"))
        });
        let start = Instant::now();
        assert!(News::default().of(&Client::new(service, "default"), &family()).await.is_none());
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
