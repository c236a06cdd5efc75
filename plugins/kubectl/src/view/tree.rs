//! `get rollout`: a head of facts, then the tree of revisions, ReplicaSets and pods.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Pod;
use sluice_core::api::ReplicaSet;

use super::colour::Colour;
use super::{Seen, age, facts, short_duration};

/// The whole view.
pub fn render(seen: &Seen, colour: Colour) -> String {
    let mut text = head(seen, colour);
    text.push('\n');
    let rows = rows(seen);
    let width = |of: fn(&Row) -> String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (names, kinds) = (width(Row::label).max(4), width(|row| row.kind.to_owned()).max(4));
    let (statuses, ages) = (width(Row::status_text).max(6), width(|row| row.age.clone()).max(3));
    let _ = writeln!(text, "{:names$}  {:kinds$}  {:statuses$}  {:ages$}  INFO", "NAME", "KIND", "STATUS", "AGE");
    for row in &rows {
        let status = format!("{:statuses$}", row.status_text());
        let status = if row.status.is_empty() { status } else { colour.of_status(&row.status, &status) };
        let line = format!("{:names$}  {:kinds$}  {status}  {:ages$}  {}", row.label(), row.kind, row.age, row.info);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn head(seen: &Seen, colour: Colour) -> String {
    let (rollout, status) = (&seen.rollout, seen.rollout.status());
    let (phase, message) = facts::status(rollout);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{:<17}{value}", format!("{name}:"));
    };
    line("Name", rollout.metadata.name.clone().unwrap_or_default());
    line("Namespace", rollout.metadata.namespace.clone().unwrap_or_default());
    line("Status", colour.of_status(&phase, &format!("{} {phase}", facts::symbol(&phase))));
    if !message.is_empty() {
        line("Message", message);
    }
    if let Some(waiting) = status.waiting_on.as_ref().filter(|_| phase != "Healthy") {
        line("Waiting", waiting.message.clone());
    }
    line("Strategy", facts::strategy(rollout).to_owned());
    if rollout.spec.strategy.canary.is_some() {
        if let Some((step, steps)) = facts::step(rollout) {
            line("  Step", format!("{step}/{steps}"));
        }
        line("  SetWeight", facts::set_weight(rollout).to_string());
        line("  ActualWeight", facts::actual_weight(rollout, &seen.replica_sets).to_string());
    }
    line("Images", images(seen).join(&format!("\n{:17}", "")));
    let counters = [
        ("  Desired", rollout.spec.replicas.unwrap_or(1)),
        ("  Current", status.replicas),
        ("  Updated", status.updated_replicas),
        ("  Ready", status.ready_replicas),
        ("  Available", status.available_replicas),
    ];
    counters.iter().fold(format!("{text}Replicas:\n"), |mut text, (name, count)| {
        let _ = writeln!(text, "{:<17}{count}", format!("{name}:"));
        text
    })
}

/// Every image in use, with the roles of the revisions that use it.
fn images(seen: &Seen) -> Vec<String> {
    let mut images: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for rs in seen.replica_sets.iter().filter(|rs| rs.wanted() > 0 || rs.observed().replicas > 0) {
        for image in facts::images(rs) {
            let roles = images.entry(image).or_default();
            let role = facts::role(&seen.rollout, rs);
            if !role.is_empty() && !roles.contains(&role) {
                roles.push(role);
            }
        }
    }
    images
        .into_iter()
        .map(|(image, roles)| if roles.is_empty() { image } else { format!("{image} ({})", roles.join(", ")) })
        .collect()
}

struct Row {
    /// Branches before the name.
    prefix: &'static str,
    icon: &'static str,
    name: String,
    kind: &'static str,
    status: String,
    age: String,
    info: String,
}

impl Row {
    fn label(&self) -> String {
        format!("{}{}{}", self.prefix, self.icon, self.name)
    }

    fn status_text(&self) -> String {
        if self.status.is_empty() { String::new() } else { format!("{} {}", facts::symbol(&self.status), self.status) }
    }
}

fn rows(seen: &Seen) -> Vec<Row> {
    let metadata = &seen.rollout.metadata;
    let mut rows = vec![Row {
        prefix: "",
        icon: "⟳ ",
        name: metadata.name.clone().unwrap_or_default(),
        kind: "Rollout",
        status: facts::status(&seen.rollout).0,
        age: age(metadata.creation_timestamp.as_ref().map(|time| time.0), seen.now),
        info: String::new(),
    }];
    let mut newest_first: Vec<&ReplicaSet> = seen.replica_sets.iter().collect();
    newest_first.sort_by_key(|rs| std::cmp::Reverse((rs.revision(), rs.created())));
    let last = newest_first.len().saturating_sub(1);
    for (index, rs) in newest_first.into_iter().enumerate() {
        let is_last = index == last;
        rows.push(Row {
            prefix: if is_last { "└──" } else { "├──" },
            icon: "# ",
            name: format!("revision:{}", rs.revision()),
            kind: "",
            status: String::new(),
            age: String::new(),
            info: String::new(),
        });
        rows.push(Row {
            prefix: if is_last { "   └──" } else { "│  └──" },
            icon: "⧉ ",
            name: rs.name().to_owned(),
            kind: "ReplicaSet",
            status: facts::replica_set_status(rs).to_owned(),
            age: age(rs.created(), seen.now),
            info: info(seen, rs),
        });
        rows.extend(pod_rows(seen, rs, is_last));
    }
    rows
}

fn info(seen: &Seen, rs: &ReplicaSet) -> String {
    let role = facts::role(&seen.rollout, rs);
    let delay = facts::scale_down_deadline(rs).filter(|deadline| *deadline > seen.now && rs.wanted() > 0);
    let delay = delay.map(|deadline| format!("delay:{}", short_duration(deadline.duration_since(seen.now).as_secs())));
    [Some(role.to_owned()).filter(|role| !role.is_empty()), delay].into_iter().flatten().collect::<Vec<_>>().join(",")
}

fn pod_rows<'a>(seen: &'a Seen, rs: &'a ReplicaSet, is_last: bool) -> impl Iterator<Item = Row> + 'a {
    let owned = |pod: &&Pod| {
        let owners = pod.metadata.owner_references.iter().flatten();
        owners.into_iter().any(|owner| owner.controller == Some(true) && owner.uid == rs.uid())
    };
    let mut pods: Vec<&Pod> = seen.pods.iter().filter(owned).collect();
    pods.sort_by_key(|pod| (pod.metadata.creation_timestamp.as_ref().map(|time| time.0), pod.metadata.name.clone()));
    let last = pods.len().saturating_sub(1);
    pods.into_iter().enumerate().map(move |(index, pod)| {
        let (ready, all, restarts) = facts::pod_containers(pod);
        let restarts = if restarts > 0 { format!(",restarts:{restarts}") } else { String::new() };
        Row {
            prefix: match (is_last, index == last) {
                (true, true) => "      └──",
                (true, false) => "      ├──",
                (false, true) => "│     └──",
                (false, false) => "│     ├──",
            },
            icon: "□ ",
            name: pod.metadata.name.clone().unwrap_or_default(),
            kind: "Pod",
            status: facts::pod_status(pod),
            age: age(pod.metadata.creation_timestamp.as_ref().map(|time| time.0), seen.now),
            info: format!("ready:{ready}/{all}{restarts}"),
        }
    })
}
