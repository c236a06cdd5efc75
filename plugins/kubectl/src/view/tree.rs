//! The tree of a rollout: its revisions, their ReplicaSets and pods, and what is measured of them.

use super::paint::Paint;
use super::table::{Cell, Layout};
use sluice_core::info::analysis_run::RunInfo;
use sluice_core::info::badge::{Badge, Tone};
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::replica_set::ReplicaSetInfo;
use sluice_core::info::rollout::{Revision, RolloutInfo};

/// One line of the tree, with what hangs below it.
pub struct Node {
    name: String,
    kind: &'static str,
    status: Option<Badge>,
    age: String,
    facts: Cell,
    images: String,
    children: Vec<Node>,
}

/// The titles of its columns.
pub const TITLES: [&str; 5] = ["NAME", "KIND", "STATUS", "AGE", "INFO"];

/// The tree as text.
pub fn render(root: &Node, paint: Paint) -> String {
    lines(root, &TITLES, paint)
}

/// The same with images.
pub fn wide(root: &Node, paint: Paint) -> String {
    lines(root, &["NAME", "KIND", "STATUS", "AGE", "INFO", "IMAGES"], paint)
}

fn lines(root: &Node, titles: &[&str], paint: Paint) -> String {
    Layout::default().render(&rows(root, titles), paint)
}

/// The tree as rows with so many of the columns, their titles first.
pub fn rows(root: &Node, titles: &[&str]) -> Vec<Vec<Cell>> {
    let mut rows = vec![titles.iter().copied().map(Cell::from).collect()];
    push(root, "", "", &mut rows);
    for row in &mut rows {
        row.truncate(titles.len());
    }
    rows
}

impl From<&RolloutInfo> for Node {
    fn from(info: &RolloutInfo) -> Node {
        Node {
            name: format!("⟳ {}", info.name),
            kind: "Rollout",
            status: Some(info.status.clone()),
            age: info.age.to_string(),
            facts: Cell::default(),
            images: String::new(),
            children: info.revisions.iter().map(Node::from).collect(),
        }
    }
}

impl From<&Revision> for Node {
    fn from(revision: &Revision) -> Node {
        let replica_sets = revision.replica_sets.iter().map(Node::from);
        let experiments = revision.experiments.iter().map(Node::from);
        Node {
            name: format!("# revision:{}", revision.number),
            kind: "",
            status: None,
            age: String::new(),
            facts: Cell::default(),
            images: String::new(),
            children: replica_sets.chain(experiments).chain(revision.runs.iter().map(Node::from)).collect(),
        }
    }
}

impl From<&ReplicaSetInfo> for Node {
    fn from(rs: &ReplicaSetInfo) -> Node {
        let pods = rs.pods.iter().map(|pod| Node {
            name: format!("□ {}", pod.name),
            kind: "Pod",
            status: Some(pod.status.clone()),
            age: pod.age.to_string(),
            facts: pod.facts().into(),
            images: String::new(),
            children: Vec::new(),
        });
        Node {
            name: format!("⧉ {}", rs.name),
            kind: "ReplicaSet",
            status: Some(rs.status.clone()),
            age: rs.age.to_string(),
            facts: Cell::toned(Tone::Marked, rs.facts()),
            images: rs.images.join(","),
            children: pods.collect(),
        }
    }
}

impl From<&ExperimentInfo> for Node {
    fn from(info: &ExperimentInfo) -> Node {
        let replica_sets = info.replica_sets.iter().map(Node::from);
        Node {
            name: format!("Σ {}", info.name),
            kind: "Experiment",
            status: Some(info.status.clone()),
            age: info.age.to_string(),
            facts: Cell::default(),
            images: String::new(),
            children: replica_sets.chain(info.runs.iter().map(Node::from)).collect(),
        }
    }
}

impl From<&RunInfo> for Node {
    fn from(run: &RunInfo) -> Node {
        let jobs = run.metrics.iter().flat_map(|metric| &metric.taken).filter_map(|taken| taken.job.as_ref());
        let jobs = jobs.map(|(name, status, age)| Node {
            name: format!("⊞ {name}"),
            kind: "Job",
            status: Some(status.clone()),
            age: age.clone(),
            facts: Cell::default(),
            images: String::new(),
            children: Vec::new(),
        });
        Node {
            name: format!("α {}", run.name),
            kind: "AnalysisRun",
            status: Some(run.status.clone()),
            age: run.age.to_string(),
            facts: run.facts().into(),
            images: String::new(),
            children: jobs.collect(),
        }
    }
}

/// Adds the line of `node` and those below it; `lead` stands before its name, `below` before its children's leads.
fn push(node: &Node, lead: &str, below: &str, rows: &mut Vec<Vec<Cell>>) {
    rows.push(vec![
        format!("{lead}{}", node.name).into(),
        node.kind.into(),
        node.status.as_ref().map(Cell::from).unwrap_or_default(),
        node.age.clone().into(),
        node.facts.clone(),
        node.images.as_str().into(),
    ]);
    let last = node.children.len().saturating_sub(1);
    for (position, child) in node.children.iter().enumerate() {
        let (branch, rail) = if position == last { ("└──", "   ") } else { ("├──", "│  ") };
        push(child, &format!("{below}{branch}"), &format!("{below}{rail}"), rows);
    }
}
