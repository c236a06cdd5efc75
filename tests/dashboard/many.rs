//! A thousand rollouts.

use futures::StreamExt as _;
use futures::stream;
use kube::api::{Api, Patch, PatchParams};
use reqwest::Method;
use serde_json::json;
use sluice_core::api::Rollout;

use crate::stage::{OWN, Stage};

/// The first page in bytes, before it is compressed.
const SIZE: usize = 300_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rollouts_that_all_wait_for_something_long_are_a_small_page() {
    let stage = Stage::new(OWN).await;
    let message = "the new revision has 1 of 2 available pods: the quota of the namespace is used up, ".repeat(5);
    let waiting = json!({"status": {"waitingOn": {"reason": "QuotaExceeded", "message": message}}});
    let names = (0..1000).map(|number| format!("rollout-with-a-name-{number:04}"));
    stream::iter(names)
        .for_each_concurrent(8, async |name| {
            stage.rollout("shop", &name).await;
            let rollouts: Api<Rollout> = Api::namespaced(stage.client.clone(), "shop");
            rollouts
                .patch_status(&name, &PatchParams::default(), &Patch::Merge(&waiting))
                .await
                .expect("it is patched");
        })
        .await;
    stage.until_page_says("/rollouts", "All <b>1000</b>").await;
    let said = "the new revision has 1 of 2 available po";
    let page = loop {
        let page = stage.until_page_says("/rollouts", said).await;
        // The last of the changes may be on their way.
        if page.matches(said).count() == 1000 {
            break page;
        }
    };
    assert!(page.contains("rollout-with-a-name-0999"));
    // As browsers ask for it. How long that takes is in the bench.
    let request = stage.asked(Method::GET, "/rollouts").header("accept-encoding", "gzip, deflate, br");
    let served = request.send().await.expect("an answer").bytes().await.expect("a page");
    println!("a page of 1000 rollouts: {} bytes, {} without compression", served.len(), page.len());
    assert!(page.len() < SIZE && served.len() < SIZE / 10, "{} and {} bytes", page.len(), served.len());
    let found = stage.page("/rollouts?search=0042").await;
    assert!(found.contains("name-0042") && !found.contains("name-0043"), "{found}");
    assert!(found.contains("the quota of the namespace is used up"), "where there are few there is room: {found}");
}
