//! `list rollouts`: a line each.

use std::fmt::Write as _;

use sluice_core::api::Rollout;

use super::facts;

/// A table of rollouts, with their namespaces where they come from several.
pub fn render(rollouts: &[Rollout], namespaces: bool) -> String {
    let head = [
        "NAMESPACE",
        "NAME",
        "STRATEGY",
        "STATUS",
        "STEP",
        "SET-WEIGHT",
        "READY",
        "DESIRED",
        "UP-TO-DATE",
        "AVAILABLE",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(rollouts.iter().map(row));
    let first = usize::from(!namespaces);
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    rows.iter().fold(String::new(), |mut text, row| {
        let cells: Vec<String> =
            (first..row.len()).map(|column| format!("{:w$}", row[column], w = widths[column])).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        text
    })
}

fn row(rollout: &Rollout) -> [String; 10] {
    let status = rollout.status();
    let step = facts::step(rollout).map_or("-".to_owned(), |(step, steps)| format!("{step}/{steps}"));
    let weight = match facts::strategy(rollout) {
        "Canary" => facts::set_weight(rollout).to_string(),
        _ => "-".to_owned(),
    };
    let desired = rollout.spec.replicas.unwrap_or(1);
    [
        rollout.metadata.namespace.clone().unwrap_or_default(),
        rollout.metadata.name.clone().unwrap_or_default(),
        facts::strategy(rollout).to_owned(),
        facts::status(rollout).0,
        step,
        weight,
        format!("{}/{}", status.ready_replicas, status.replicas),
        desired.to_string(),
        status.updated_replicas.to_string(),
        status.available_replicas.to_string(),
    ]
}
