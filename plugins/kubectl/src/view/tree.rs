//! The tree of a rollout: its revisions, their ReplicaSets and pods.

use super::badge::{Badge, Paint, Tone};
use super::info::RolloutInfo;
use super::table::{Cell, Layout};

/// One line of the tree, with what hangs below it.
struct Node {
    name: String,
    kind: &'static str,
    status: Option<Badge>,
    age: String,
    facts: Cell,
    children: Vec<Node>,
}

/// The tree as text.
pub fn render(info: &RolloutInfo, paint: Paint) -> String {
    let mut rows = vec![["NAME", "KIND", "STATUS", "AGE", "INFO"].map(Cell::from).to_vec()];
    push(&root(info), "", "", &mut rows);
    Layout::default().render(&rows, paint)
}

fn root(info: &RolloutInfo) -> Node {
    Node {
        name: format!("⟳ {}", info.name),
        kind: "Rollout",
        status: Some(info.status.clone()),
        age: info.age.clone(),
        facts: Cell::default(),
        children: info
            .revisions
            .iter()
            .map(|revision| Node {
                name: format!("# revision:{}", revision.number),
                kind: "",
                status: None,
                age: String::new(),
                facts: Cell::default(),
                children: revision.replica_sets.iter().map(replica_set).collect(),
            })
            .collect(),
    }
}

fn replica_set(rs: &super::replica_set::ReplicaSetInfo) -> Node {
    Node {
        name: format!("⧉ {}", rs.name),
        kind: "ReplicaSet",
        status: Some(rs.status.clone()),
        age: rs.age.clone(),
        facts: Cell::toned(Tone::Marked, rs.facts()),
        children: rs
            .pods
            .iter()
            .map(|pod| Node {
                name: format!("□ {}", pod.name),
                kind: "Pod",
                status: Some(pod.status.clone()),
                age: pod.age.clone(),
                facts: pod.facts().into(),
                children: Vec::new(),
            })
            .collect(),
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
    ]);
    let last = node.children.len().saturating_sub(1);
    for (position, child) in node.children.iter().enumerate() {
        let (branch, rail) = if position == last { ("└──", "   ") } else { ("├──", "│  ") };
        push(child, &format!("{below}{branch}"), &format!("{below}{rail}"), rows);
    }
}
