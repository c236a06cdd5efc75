//! Conflicts: what is applied with another value than somebody else has set.

use serde_json::{Map, Value};

use super::element::shown;
use super::entries::{identity, text};
use super::set::{Set, below, is_member};
use crate::patch::PatchError;
use crate::refusal::Cause;

/// The fields of one other manager that an apply would change.
pub(super) struct Conflict {
    /// Its entry.
    manager: String,
    identity: String,
    /// What of its fields.
    pub(super) fields: Set,
}

impl Conflict {
    pub(super) fn new(entry: &Value, fields: Set) -> Conflict {
        Conflict { manager: named(entry), identity: identity(entry), fields }
    }
}

/// The refusal that names all of them.
pub(super) fn refusal(mut conflicts: Vec<Conflict>) -> PatchError {
    conflicts.sort_by(|one, other| one.identity.cmp(&other.identity));
    let mut causes = Vec::new();
    let mut lines = Vec::new();
    for conflict in &conflicts {
        lines.push(format!("conflicts with {}:", conflict.manager));
        for path in paths(&conflict.fields) {
            lines.push(format!("- {path}"));
            let message = format!("conflict with {}", conflict.manager);
            causes.push(Cause { reason: "FieldManagerConflict", message, field: path });
        }
    }
    let message = match causes.as_slice() {
        [only] => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        several => format!("Apply failed with {} conflicts: {}", several.len(), lines.join("\n")),
    };
    PatchError { code: 409, reason: "Conflict", message, causes }
}

/// A manager as the real server names it to people.
fn named(entry: &Value) -> String {
    let mut name = format!("{:?}", text(entry, "manager"));
    let subresource = text(entry, "subresource");
    if !subresource.is_empty() {
        name = format!("{name} with subresource {subresource:?}");
    }
    match text(entry, "operation") {
        "Update" => format!("{name} using {}", text(entry, "apiVersion")),
        _ => name,
    }
}

/// The members of a set, those of each level before what is further down.
fn paths(set: &Set) -> Vec<String> {
    let mut found = Vec::new();
    collect(&set.0, &mut String::new(), &mut found);
    found
}

fn collect(set: &Map<String, Value>, path: &mut String, found: &mut Vec<String>) {
    let mark = path.len();
    let steps = || set.iter().filter(|(step, _)| *step != super::set::SELF);
    for (step, _) in steps().filter(|(_, node)| is_member(node)) {
        shown(step, path);
        found.push(path.clone());
        path.truncate(mark);
    }
    for (step, below) in steps().filter_map(|(step, node)| Some((step, below(node)?))) {
        shown(step, path);
        collect(below, path, found);
        path.truncate(mark);
    }
}
