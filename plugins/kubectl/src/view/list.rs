//! The table of `list rollouts`.

use sluice_core::api::Rollout;

use super::badge::{Badge, Paint};
use super::info::Counts;
use super::phase;
use super::strategy::Strategy;
use super::table::{Cell, Layout};

/// The first cells of every row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// Begin with the namespace.
    pub namespace: bool,
    /// Put the time first.
    pub time: bool,
}

/// The titles of the columns.
pub fn titles(columns: Columns) -> Vec<Cell> {
    let first = [("TIMESTAMP", columns.time), ("NAMESPACE", columns.namespace)];
    let optional = first.into_iter().filter(|(_, shown)| *shown).map(|(title, _)| title);
    let fixed = ["NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"];
    optional.chain(fixed).map(Cell::from).collect()
}

/// One rollout.
pub fn row(rollout: &Rollout, columns: Columns, time: &str) -> Vec<Cell> {
    let (phase, _) = phase::shown(rollout);
    let badge = Badge::phase(&phase);
    let counts = Counts::of(rollout);
    let strategy = Strategy::of(rollout, &[]);
    let (step, weight) = match &strategy {
        Strategy::Canary { step, set_weight, .. } => {
            (step.map(|(index, count)| format!("{index}/{count}")), Some(set_weight.to_string()))
        }
        Strategy::BlueGreen | Strategy::Unknown => (None, None),
    };
    let dash = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".to_owned()));
    let mut row = Vec::new();
    if columns.time {
        row.push(time.into());
    }
    if columns.namespace {
        row.push(rollout.metadata.namespace.clone().unwrap_or_default().into());
    }
    row.extend([
        rollout.metadata.name.clone().unwrap_or_default().into(),
        strategy.name().into(),
        Cell::toned(badge.tone, badge.word),
        dash(step),
        dash(weight),
        format!("{}/{}", counts.ready, counts.current).into(),
        counts.desired.to_string().into(),
        counts.updated.to_string().into(),
        counts.available.to_string().into(),
    ]);
    row
}

/// The table, in the order of namespaces and names.
pub fn render(rollouts: &[Rollout], columns: Columns, time: &str, layout: &mut Layout, paint: Paint) -> String {
    let mut sorted: Vec<&Rollout> = rollouts.iter().collect();
    sorted.sort_by_key(|rollout| (&rollout.metadata.namespace, &rollout.metadata.name));
    let rows = sorted.into_iter().map(|rollout| row(rollout, columns, time));
    layout.render(&std::iter::once(titles(columns)).chain(rows).collect::<Vec<_>>(), paint)
}
