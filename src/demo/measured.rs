//! What an analysis has measured so far, as the demo shows it.

use std::fmt::Write as _;

use sluice_core::analysis::Phase;
use sluice_core::api::{AnalysisRun, Measurement, MetricResult, labels};

/// The most measurements in a line; of more, the last ones.
const MOST: usize = 6;

/// One line for each metric.
pub fn lines(runs: &[&AnalysisRun]) -> String {
    let mut text = String::new();
    for run in runs {
        let of = label(run, labels::STEP_INDEX).map_or("background".to_owned(), |step| format!("of step {step}"));
        for result in results(run) {
            let left_out = if result.measurements.len() > MOST { "… " } else { "" };
            let last = result.measurements.len().saturating_sub(MOST);
            let signs: Vec<String> = result.measurements.iter().skip(last).map(sign).collect();
            let condition = run.spec.metrics.iter().find(|metric| metric.name == result.name);
            let condition = condition.and_then(|metric| metric.success_condition.as_deref()).unwrap_or("any");
            let _ = writeln!(
                text,
                "    analysis {of:<10} {:<10}  {left_out}{}   {}: {condition}",
                result.phase,
                signs.join(" "),
                result.name
            );
        }
    }
    text
}

/// The metrics of a run that have been measured.
pub fn results(run: &AnalysisRun) -> &[MetricResult] {
    run.status.as_ref().map_or(&[], |status| status.metric_results.as_slice())
}

/// All finished measurements of a run that are kept, in their order.
pub fn measurements(run: &AnalysisRun) -> impl Iterator<Item = &Measurement> {
    let all = results(run).iter().flat_map(|result| &result.measurements);
    all.filter(|measurement| measurement.finished_at.is_some())
}

/// The first number that was measured.
pub fn number(measurement: &Measurement) -> Option<f64> {
    measurement.value.trim_matches(['[', ']']).split(',').next()?.parse().ok()
}

/// The value of a label of a run.
pub fn label<'a>(run: &'a AnalysisRun, name: &str) -> Option<&'a str> {
    run.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

/// A measurement as a sign and its value: good, bad, or something else.
fn sign(measurement: &Measurement) -> String {
    let sign = match Phase::read(&measurement.phase) {
        Phase::Successful => "✔",
        Phase::Failed => "✖",
        Phase::Running | Phase::Pending => return "…".to_owned(),
        Phase::Error | Phase::Inconclusive => "?",
    };
    let value = number(measurement).map_or(measurement.value.clone(), |value| format!("{value:.2}"));
    format!("{sign} {value}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_analysis_reads_at_a_glance() {
        let measured = |phase: &str, value: &str| json!({ "phase": phase, "value": value });
        let run: AnalysisRun = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
            "metadata": { "name": "a", "labels": { "step-index": "1" } },
            "spec": { "metrics": [{ "name": "rate", "successCondition": "result[0] >= 0.95", "provider": {} }] },
            "status": { "phase": "Running", "metricResults": [{
                "name": "rate", "phase": "Running",
                "measurements": [
                    measured("Error", "[1]"), measured("Successful", "[1]"), measured("Failed", "[0.7142857142857143]"),
                    measured("Error", ""), measured("Successful", "[0.96,2]"), measured("Failed", "[]"), measured("Running", ""),
                ],
            }] },
        }))
        .expect("a run");
        let expected =
            "    analysis of step 1  Running     … ✔ 1.00 ✖ 0.71 ? ✔ 0.96 ✖ [] …   rate: result[0] >= 0.95\n";
        let shown = lines(&[&run]);
        assert!(shown == expected, "{shown}");
    }
}
