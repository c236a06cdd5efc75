//! The page of an experiment: its pods, and what is measured of them.

use sluice_core::info::experiment::ExperimentInfo;

use super::paint::Paint;
use super::tree::{self, Node};
use super::{header, measurements};

/// The page of an experiment.
pub fn render(info: &ExperimentInfo, paint: Paint) -> String {
    let mut lines = vec![
        ("Name:", info.name.clone()),
        ("Namespace:", info.namespace.clone()),
        ("Status:", paint.apply(Some(info.status.tone), &info.status.text())),
    ];
    if !info.message.is_empty() {
        lines.push(("Message:", info.message.clone()));
    }
    lines.extend(info.duration.clone().map(|duration| ("Duration:", duration)));
    lines.extend(info.remaining.clone().map(|remaining| ("Remaining:", remaining)));
    for (position, image) in info.images.iter().enumerate() {
        lines.push((if position == 0 { "Images:" } else { "" }, image.clone()));
    }
    let mut page = header::render(&lines) + "\n" + &tree::render(&Node::from(info), paint);
    for run in &info.runs {
        page = format!("{page}\n{}:\n{}", run.name, measurements::render(&run.metrics, paint));
    }
    page
}
