//! A thousand rollouts.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use kube::api::{Api, Patch, PatchParams};
use reqwest::Method;
use serde_json::json;
use sluice_core::api::Rollout;
use tokio::time::Instant;

use crate::stage::{OWN, Stage};

/// The first page in bytes, as it is served.
const SIZE: usize = 300_000;
/// What a machine that does other things as well may take for it; what it takes alone is in the bench.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rollouts_are_a_small_page() {
    let stage = Stage::new(OWN).await;
    let waiting = json!({"status": {"waitingOn": {"reason": "ReplicasNotAvailable", "object": "ReplicaSet/rollout-6cf78c66c5", "message": "the new revision has 1 of 2 available pods, 1 is not ready yet"}}});
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
    let mut times: Vec<Duration> = Vec::new();
    let mut page = String::new();
    for _ in 0..5 {
        let start = Instant::now();
        page = stage.page("/rollouts").await;
        times.push(start.elapsed());
        assert!(page.contains("rollout-with-a-name-0999"));
    }
    let best = times.iter().min().expect("five");
    // As browsers ask for it.
    let request = stage.asked(Method::GET, "/rollouts").header("accept-encoding", "gzip, deflate, br");
    let served = request.send().await.expect("an answer").bytes().await.expect("a page");
    println!("a page of 1000 rollouts: {} bytes, {} without compression, {best:?}", served.len(), page.len());
    assert!(served.len() < SIZE / 4 && page.len() < SIZE * 3 / 2, "{} and {} bytes", served.len(), page.len());
    assert!(*best < SOON, "{times:?}");
    let found = stage.page("/rollouts?search=0042").await;
    assert!(found.contains("name-0042") && !found.contains("name-0043"), "{found}");
}
