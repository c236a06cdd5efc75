//! The tables of `list rollouts` and `list experiments`.

use jiff::Timestamp;
use kube::Resource;
use sluice_core::api::{Experiment, Rollout};

use super::paint::Paint;
use super::table::{Cell, Layout};
use sluice_core::info::age;
use sluice_core::info::badge::Badge;
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::phase;
use sluice_core::info::replica_set::images;
use sluice_core::info::rollout::Counts;
use sluice_core::info::strategy::Strategy;
use sluice_core::info::text::line;

/// The longest text in a column, in characters.
const LONGEST: usize = 120;

/// What every row has beside the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// Begin with the namespace.
    pub namespace: bool,
    /// Put the time first.
    pub time: bool,
    /// End with more columns.
    pub wide: bool,
}

/// What can be listed.
pub trait Listed: Resource {
    /// The titles of its columns, after the name.
    const TITLES: &'static [&'static str];

    /// The cells under them.
    fn cells(&self, now: Timestamp) -> Vec<Cell>;

    /// The titles of the columns that a wide table has at its end.
    const WIDE: &'static [&'static str];

    /// The cells under those.
    fn wide_cells(&self, now: Timestamp) -> Vec<Cell>;
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

    const WIDE: &'static [&'static str] = &["AGE", "IMAGES", "MESSAGE"];

    fn wide_cells(&self, now: Timestamp) -> Vec<Cell> {
        let images = self.spec.template.as_ref().map(images).unwrap_or_default().join(",");
        let (_, message) = phase::shown(self);
        let waiting = self.status().waiting_on.as_ref().map(|on| on.message.clone()).unwrap_or_default();
        let said = if waiting.is_empty() || message.contains(&waiting) { message } else { waiting };
        let created = self.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let text = |text: &str| Some(line(text, LONGEST)).filter(|text| !text.is_empty());
        vec![age::age(created, now).into(), dash(text(&images)), dash(text(&said))]
    }
}

impl Listed for Experiment {
    const TITLES: &'static [&'static str] = &["STATUS", "DURATION", "REMAINING", "AGE"];

    fn cells(&self, now: Timestamp) -> Vec<Cell> {
        let ExperimentInfo { status, duration, remaining, age, .. } = ExperimentInfo::of(self, &[], &[], &[], now);
        vec![Cell::toned(status.tone, status.word), dash(duration), dash(remaining), age.to_string().into()]
    }

    const WIDE: &'static [&'static str] = &["IMAGES", "MESSAGE"];

    fn wide_cells(&self, now: Timestamp) -> Vec<Cell> {
        let ExperimentInfo { images, message, .. } = ExperimentInfo::of(self, &[], &[], &[], now);
        let text = |text: &str| Some(line(text, LONGEST)).filter(|text| !text.is_empty());
        vec![dash(text(&images.join(","))), dash(text(&message))]
    }
}

fn dash(text: Option<String>) -> Cell {
    Cell::from(text.unwrap_or_else(|| "-".to_owned()))
}

/// The titles of the columns.
pub fn titles<K: Listed>(columns: Columns) -> Vec<Cell> {
    let first = [("TIMESTAMP", columns.time), ("NAMESPACE", columns.namespace), ("NAME", true)];
    let shown = first.into_iter().filter(|(_, shown)| *shown).map(|(title, _)| title);
    let wide = K::WIDE.iter().copied().filter(|_| columns.wide);
    shown.chain(K::TITLES.iter().copied()).chain(wide).map(Cell::from).collect()
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
    if columns.wide {
        row.extend(object.wide_cells(now));
    }
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
