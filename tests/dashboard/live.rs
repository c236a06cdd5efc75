//! Pages keep themselves up to date.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::json;

use crate::stage::{OWN, SHARED, Stage};

/// How long a stream may take to end. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_what_has_changed_about_it() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let coming = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stage.rollout("bank", "api").await;
    };
    let live = stage.until_stream_says("/rollouts/live", "text/event-stream", "/rollouts/bank/api");
    let (said, ()) = tokio::join!(live, coming);
    assert!(said.contains("event: change"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_once_that_its_rollout_is_gone() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let going = async {
        let rollouts: kube::Api<sluice_core::api::Rollout> = kube::Api::namespaced(stage.client.clone(), "shop");
        rollouts.delete("web", &kube::api::DeleteParams::default()).await.expect("it is deleted");
    };
    let mut answer = stage.asked(Method::GET, "/rollouts/shop/web/live").send().await.expect("an answer");
    let heard = async {
        let mut said = String::new();
        while let Some(more) = answer.chunk().await.expect("it is not cut") {
            said += &String::from_utf8_lossy(&more);
        }
        said
    };
    let (said, ()) = tokio::join!(tokio::time::timeout(LIMIT, heard), going);
    let said = said.expect("nothing comes after it");
    assert_eq!(said.matches("event: gone\ndata: -").count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_where_the_page_or_the_stream_before_ended() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    let page = stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let path = page.split_once(r#"data-live=""#).and_then(|(_, rest)| rest.split('"').next()).expect("a path");
    let path = path.replace("&amp;", "&");
    // Whoever has nothing is sent everything; whoever has the page, what is new.
    let all = stage.until_stream_says("/rollouts/live", "text/event-stream", "/rollouts/shop/web").await;
    assert!(all.contains(r#""id":"notices""#), "{all}");
    let new = stage.asked(Method::GET, &path).send().await.expect("an answer");
    let (new, ()) = tokio::join!(until(new, "/rollouts/bank/api"), stage.rollout("bank", "api"));
    assert!(!new.contains(r#""id":"notices""#), "{new}");

    // What came last counts, not the page: a browser that connects anew has the change.
    let mark = new.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().expect("a mark");
    let again = |mark: &str| stage.asked(Method::GET, &path).header("last-event-id", mark);
    let mut behind = again("1").send().await.expect("an answer");
    let first = behind.chunk().await.expect("it is not cut").expect("an event");
    assert!(String::from_utf8_lossy(&first).contains("/rollouts/bank/api"), "{first:?}");
    let late = again(mark).send().await.expect("an answer");
    let (said, ()) = tokio::join!(until(late, "/rollouts/shop/late"), stage.rollout("shop", "late"));
    assert!(!said.contains(r#""id":"notices""#), "{said}");
}

/// What a stream says until it says something.
async fn until(mut stream: Response, wanted: &str) -> String {
    let mut said = String::new();
    let heard = async {
        while !said.contains(wanted) {
            said += &String::from_utf8_lossy(&stream.chunk().await.expect("it is not cut").expect("more"));
        }
    };
    tokio::time::timeout(LIMIT, heard).await.expect("it comes");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_about_which_there_is_nothing_to_say_hears_that_it_is_kept_up_to_date() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let live = "/rollouts/shop/web/live";
    let said = stage.until_stream_says(live, "text/event-stream", "event: beat").await;
    // Browsers give scripts no event without data.
    assert!(said.contains("event: beat\ndata: -"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logging_out_ends_what_an_open_page_hears() {
    let stage = Stage::new(SHARED).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}]);
    let token = stage.token("looker", &rules).await;
    stage.until_seen("/rollouts/shop/web", &token).await;
    let cookie = stage.session(&token).await;

    let live = stage.asked(Method::GET, "/rollouts/shop/web/live").header("cookie", &cookie);
    let mut live = live.send().await.expect("an answer");
    assert_eq!(live.status(), 200);
    stage.end_session(&cookie).await;
    let heard = async {
        let mut said = String::new();
        while let Some(more) = live.chunk().await.expect("it is not cut") {
            said += &String::from_utf8_lossy(&more);
        }
        said
    };
    let said = tokio::time::timeout(LIMIT, heard).await.expect("it ends");
    assert!(said.contains("event: login\ndata: -") && !said.contains("event: gone"), "{said}");
    let again = stage.asked(Method::GET, "/rollouts/shop/web/live").header("cookie", &cookie);
    assert_ne!(again.send().await.expect("an answer").status(), 200);
}
