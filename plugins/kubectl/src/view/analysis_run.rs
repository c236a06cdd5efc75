//! The page of an analysis run: what was measured, and what came of it.

use sluice_core::info::analysis_run::RunInfo;

use super::paint::Paint;
use super::{header, measurements};

/// The page of a run.
pub fn render(info: &RunInfo, paint: Paint) -> String {
    let mut lines = vec![
        ("Name:", info.name.clone()),
        ("Namespace:", info.namespace.clone()),
        ("Status:", paint.apply(Some(info.status.tone), &info.status.text())),
    ];
    if !info.message.is_empty() {
        lines.push(("Message:", info.message.clone()));
    }
    lines.extend([("Metrics:", info.summary.clone()), ("Age:", info.age.to_string())]);
    header::render(&lines) + &measurements::render(&info.metrics, paint)
}
