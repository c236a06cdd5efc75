//! Pages keep themselves up to date.

use std::time::Duration;

use crate::stage::{OWN, Stage};

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
async fn a_page_is_told_that_its_rollout_is_gone() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let going = async {
        let rollouts: kube::Api<sluice_core::api::Rollout> = kube::Api::namespaced(stage.client.clone(), "shop");
        rollouts.delete("web", &kube::api::DeleteParams::default()).await.expect("it is deleted");
    };
    let live = stage.until_stream_says("/rollouts/shop/web/live", "text/event-stream", "event: gone");
    tokio::join!(live, going);
}
