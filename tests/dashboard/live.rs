//! Pages keep themselves up to date.

use std::time::Duration;

use reqwest::Method;

use crate::stage::{OWN, Stage};

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
    assert_eq!(said.matches("event: gone").count(), 1, "{said}");
}
