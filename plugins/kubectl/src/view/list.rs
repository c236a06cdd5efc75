//! The tables of `list rollouts` and `list experiments`.

use jiff::Timestamp;
use kube::Resource;
use sluice_core::api::{Experiment, Rollout};

use super::paint::Paint;
use super::table::{Cell, Layout};
use sluice_core::info::badge::Badge;
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::phase;
use sluice_core::info::rollout::Counts;
use sluice_core::info::strategy::Strategy;

/// The first cells of every row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// Begin with the namespace.
    pub namespace: bool,
    /// Put the time first.
    pub time: bool,
}

/// What can be listed.
pub trait Listed: Resource {
    /// The titles of its columns, after the name.
    const TITLES: &'static [&'static str];

    /// The cells under them.
    fn cells(&self, now: Timestamp) -> Vec<Cell>;
}

impl Listed for Rollout {
    const TITLES: &'static [&'static str] =
        &["STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"];

    fn cells(&self, _: Timestamp) -> Vec<Cell> {
        let (phase, _) = phase::shown(self);
        let badge = Badge::phase(&phase);
        let counts = Counts::of(self);
        let strategy = Strategy::of(self, &[]);
        let (step, weight) = match &strategy {
            Strategy::Canary { step, set_weight, .. } => {
                (step.map(|(index, count)| format!("{index}/{count}")), Some(set_weight.to_string()))
            }
            Strategy::BlueGreen | Strategy::Unknown => (None, None),
        };
        vec![
            strategy.name().into(),
            Cell::toned(badge.tone, badge.word),
            dash(step),
            dash(weight),
            format!("{}/{}", counts.ready, counts.current).into(),
            counts.desired.to_string().into(),
            counts.updated.to_string().into(),
            counts.available.to_string().into(),
        ]
    }
}

impl Listed for Experiment {
    const TITLES: &'static [&'static str] = &["STATUS", "DURATION", "REMAINING", "AGE"];

    fn cells(&self, now: Timestamp) -> Vec<Cell> {
        let ExperimentInfo { status, duration, remaining, age, .. } = ExperimentInfo::of(self, &[], &[], &[], now);
        vec![Cell::toned(status.tone, status.word), dash(duration), dash(remaining), age.into()]
    }
}

fn dash(text: Option<String>) -> Cell {
    Cell::from(text.unwrap_or_else(|| "-".to_owned()))
}

/// The titles of the columns.
pub fn titles<K: Listed>(columns: Columns) -> Vec<Cell> {
    let first = [("TIMESTAMP", columns.time), ("NAMESPACE", columns.namespace), ("NAME", true)];
    let shown = first.into_iter().filter(|(_, shown)| *shown).map(|(title, _)| title);
    shown.chain(K::TITLES.iter().copied()).map(Cell::from).collect()
}

/// One object.
pub fn row<K: Listed>(object: &K, columns: Columns, time: &str, now: Timestamp) -> Vec<Cell> {
    let metadata = object.meta();
    let mut row = Vec::new();
    if columns.time {
        row.push(time.into());
    }
    if columns.namespace {
        row.push(metadata.namespace.clone().unwrap_or_default().into());
    }
    row.push(metadata.name.clone().unwrap_or_default().into());
    row.extend(object.cells(now));
    row
}

/// The table, in the order of namespaces and names.
pub fn render<K: Listed>(
    objects: &[K],
    columns: Columns,
    time: &str,
    now: Timestamp,
    layout: &mut Layout,
    paint: Paint,
) -> String {
    let mut sorted: Vec<&K> = objects.iter().collect();
    sorted.sort_by_key(|object| (&object.meta().namespace, &object.meta().name));
    let rows = sorted.into_iter().map(|object| row(object, columns, time, now));
    layout.render(&std::iter::once(titles::<K>(columns)).chain(rows).collect::<Vec<_>>(), paint)
}
