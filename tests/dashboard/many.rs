//! A thousand rollouts.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;

use crate::stage::{OWN, Stage};

/// The first page in bytes.
const SIZE: usize = 300_000;
/// What a machine that does other things as well may take for it; what it takes alone is in the bench.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rollouts_are_a_small_page() {
    let stage = Stage::new(OWN).await;
    let names = (0..1000).map(|number| format!("rollout-with-a-name-{number:04}"));
    stream::iter(names).for_each_concurrent(8, async |name| stage.rollout("shop", &name).await).await;
    let page = stage.until_page_says("/rollouts", "All <b>1000</b>").await;
    assert!(page.len() < SIZE, "{} bytes", page.len());
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let page = stage.page("/rollouts").await;
        times.push(start.elapsed());
        assert!(page.contains("rollout-with-a-name-0999"));
    }
    let best = times.iter().min().expect("five");
    println!("a page of 1000 rollouts: {} bytes, {best:?}", page.len());
    assert!(*best < SOON, "{times:?}");
    let found = stage.page("/rollouts?search=0042").await;
    assert!(found.contains("name-0042") && !found.contains("name-0043"), "{found}");
}
