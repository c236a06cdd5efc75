//! An API that does not take what a router writes: it is named, the step waits, and it goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sluice_sandbox::line::Answer;

use super::gateway_api::{self, HTTP_ROUTE};
use crate::sandboxed::Sandboxed;
use crate::scenario::Scenario;

/// Deploys, has the API answer the route's writes like this for a while, and updates.
async fn told(name: &str, answer: Answer, words: &str) {
    let cluster = Arc::new(Sandboxed::start().await);
    let s = Scenario::begin(cluster.clone(), name).await;
    let web = gateway_api::deploy(&s).await;
    cluster.line.answer(HTTP_ROUTE.plural, Some(answer));
    web.set_image("web:2").await;
    let waiting = web.until("waiting for the API", |rollout| {
        let on = rollout.status().waiting_on.as_ref();
        on.is_some_and(|on| on.reason == "Refused" && on.object.as_deref() == Some("HTTPRoute/web"))
    });
    let on = waiting.await.status().waiting_on.clone().expect("something");
    assert!(on.message.contains(words), "{}", on.message);
    s.until_told("TrafficRoutingError: HTTPRoute/web: cannot route HTTPRoute web: ").await;
    s.sleep(120).await;
    assert_eq!(web.status().await.current_step_index, Some(0), "the step waits");
    cluster.line.answer(HTTP_ROUTE.plural, None);
    gateway_api::until_paused_at(&s, &web, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_router_api_that_forbids_it_is_named_and_goes_on_when_it_does_not_any_more() {
    told("forbids", Answer::Status(403), "httproutes").await;
}

#[tokio::test(start_paused = true)]
async fn a_router_api_that_fails_is_named_and_goes_on_when_it_works_again() {
    told("fails", Answer::Status(500), "httproutes").await;
}

#[tokio::test(start_paused = true)]
async fn a_router_api_that_hangs_is_named_and_goes_on_when_it_answers() {
    told("hangs", Answer::Silence(Duration::from_secs(30)), "").await;
}

/// A conflict asks for another plan at once, so there is nothing to refuse; when it is the same over and over, it must be seen.
#[tokio::test(start_paused = true)]
async fn a_router_api_that_answers_with_conflicts_holds_the_step_and_goes_on() {
    let cluster = Arc::new(Sandboxed::start().await);
    let s = Scenario::begin(cluster.clone(), "conflicts").await;
    let web = gateway_api::deploy(&s).await;
    cluster.line.answer(HTTP_ROUTE.plural, Some(Answer::Status(409)));
    web.set_image("web:2").await;
    let on = web.until("waiting", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.object.as_deref() == Some("HTTPRoute/web"))
    });
    let on = on.await.status().waiting_on.clone().expect("something");
    assert_eq!((on.reason.as_str(), on.object.as_deref()), ("Refused", Some("HTTPRoute/web")), "{on:?}");
    cluster.line.answer(HTTP_ROUTE.plural, None);
    gateway_api::until_paused_at(&s, &web, 1).await;
    assert_eq!(json!(web.status().await.current_step_index), json!(1));
}

/// Nobody undoes anything for a controller that is not there when the Rollout goes, so this is no scenario for the sweeps.
#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_deleted_leaves_its_route_at_the_stable_service() {
    let cluster = Arc::new(Sandboxed::start().await);
    let s = Scenario::begin(cluster, "deleted").await;
    let web = gateway_api::deploy(&s).await;
    web.set_image("web:2").await;
    gateway_api::until_paused_at(&s, &web, 1).await;
    s.delete("argoproj.io/v1alpha1", "Rollout", "web").await;
    gateway_api::until_weights(&s, [100, 0], false).await;
    let route = s.see(HTTP_ROUTE, "web").await;
    assert_eq!(route["metadata"]["labels"], json!({ "team": "shop" }));
    assert!(route["metadata"]["annotations"].get("rollout.argoproj.io/routed").is_none(), "{route:#}");
}
