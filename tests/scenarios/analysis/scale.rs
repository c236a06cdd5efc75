//! Many runs at once: each keeps its interval, whatever becomes of the others.

use jiff::Timestamp;
use serde_json::json;
use sluice_core::api::AnalysisRun;

use super::scripted::metric;
use crate::sandboxed::Sandboxed;
use crate::scenario::Scenario;

/// Analysis runs at the same time.
const RUNS: usize = 500;

/// Seconds between the beginnings of a run's measurements.
fn intervals(run: &AnalysisRun) -> Vec<i64> {
    let results = &run.status.as_ref().expect("a status").metric_results;
    let starts: Vec<Timestamp> =
        results[0].measurements.iter().filter_map(|measurement| Some(measurement.started_at.as_ref()?.0)).collect();
    starts.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect()
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
    let mut worst = 0;
    for run in &sound {
        assert_eq!(crate::analyses::phase_of(run), "Successful", "{}", crate::analyses::told(run));
        worst = worst.max(intervals(run).into_iter().map(|seconds| (seconds - 10).abs()).max().unwrap_or(0));
    }
    println!("{RUNS} runs, the worst interval is off by {worst} s of 10 s");
    assert!(worst <= 1, "an interval is off by {worst} s of 10 s");
    assert!(hanging.iter().all(|run| crate::analyses::phase_of(run) == "Running"));
}
