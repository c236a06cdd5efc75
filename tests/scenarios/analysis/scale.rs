//! Many runs at once: each keeps its interval, whatever becomes of the others.

use std::time::Duration;

use serde_json::json;
use sluice_core::api::AnalysisRun;

use super::scripted::{BEGUN, metric};
use crate::sandboxed::Sandboxed;
use crate::scenario::Scenario;

/// Analysis runs at the same time.
const RUNS: usize = 500;
/// What they ask for.
const INTERVAL: Duration = Duration::from_secs(10);

/// By how much the time between the beginnings of a run's measurements is longer or shorter than the interval.
fn deviations(run: &str) -> Vec<Duration> {
    let begun = BEGUN.with_borrow(|begun| begun.get(run).cloned()).unwrap_or_default();
    assert_eq!(begun.len(), 6, "{run} is measured six times");
    begun.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(INTERVAL)).collect()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_runs_keep_their_intervals_although_one_server_hangs() {
    let cluster = std::sync::Arc::new(Sandboxed::start().await);
    let s = Scenario::begin(cluster, "five_hundred_runs").await;
    let fields = json!({ "interval": "10s", "count": 6, "consecutiveErrorLimit": 100 });
    for number in 0..RUNS {
        let script = json!({ "answers": [1], "takes": 200, "lane": "prometheus" });
        s.analyse(&format!("run-{number}"), json!({ "metrics": [metric("rate", &fields, &script)] })).await;
        if number % 5 == 0 {
            let script = json!({ "hangs": true, "lane": "on fire" });
            s.analyse(&format!("hangs-{number}"), json!({ "metrics": [metric("rate", &fields, &script)] })).await;
        }
    }
    s.sleep(120).await;
    let runs = s.runs().await;
    let name = |run: &AnalysisRun| run.metadata.name.clone().unwrap_or_default();
    let (hanging, sound): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| name(run).starts_with("hangs"));
    assert_eq!(sound.len(), RUNS);
    let mut worst = Duration::ZERO;
    for run in &sound {
        assert_eq!(crate::analyses::phase_of(run), "Successful", "{}", crate::analyses::told(run));
        worst = worst.max(deviations(&name(run)).into_iter().max().unwrap_or_default());
    }
    println!("{RUNS} runs, the worst interval is off by {worst:?} of {INTERVAL:?}");
    assert!(worst <= INTERVAL / 10, "an interval is off by {worst:?} of {INTERVAL:?}");
    assert!(hanging.iter().all(|run| crate::analyses::phase_of(run) == "Running"));
}
