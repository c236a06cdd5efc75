//! The whole page of `get rollout`: the header, then the tree.

use super::header;
use super::paint::Paint;
use super::tree::{self, Node};
use sluice_core::info::badge::Tone;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::strategy::Strategy;

/// The page as text, with the images of every ReplicaSet where it is a wide one.
pub fn render(info: &RolloutInfo, is_wide: bool, paint: Paint) -> String {
    let mut page = top(info, paint);
    page.push('\n');
    let tree = Node::from(info);
    page + &if is_wide { tree::wide(&tree, paint) } else { tree::render(&tree, paint) }
}

fn top(info: &RolloutInfo, paint: Paint) -> String {
    let mut lines: Vec<(&str, String)> = vec![
        ("Name:", info.name.clone()),
        ("Namespace:", info.namespace.clone()),
        ("Status:", paint.apply(Some(info.status.tone), &info.status.text())),
    ];
    if !info.message.is_empty() {
        lines.push(("Message:", info.message.clone()));
    }
    if let Some(waiting) = &info.waiting {
        lines.push(("Waiting:", waiting.clone()));
    }
    lines.push(("Strategy:", info.strategy.name().to_owned()));
    if let Strategy::Canary { step, set_weight, actual_weight } = info.strategy {
        if let Some((index, count)) = step {
            lines.push(("  Step:", format!("{index}/{count}")));
        }
        lines.push(("  SetWeight:", set_weight.to_string()));
        lines.push(("  ActualWeight:", actual_weight.to_string()));
    }
    for (position, (image, roles)) in info.images.iter().enumerate() {
        let label = if position == 0 { "Images:" } else { "" };
        let roles = if roles.is_empty() { String::new() } else { format!(" ({})", roles.join(", ")) };
        lines.push((label, format!("{image}{}", paint.apply(Some(Tone::Marked), &roles))));
    }
    let counts = info.replicas;
    lines.push(("Replicas:", String::new()));
    for (label, count) in [
        ("  Desired:", counts.desired),
        ("  Current:", counts.current),
        ("  Updated:", counts.updated),
        ("  Ready:", counts.ready),
        ("  Available:", counts.available),
    ] {
        lines.push((label, count.to_string()));
    }
    header::render(&lines)
}
