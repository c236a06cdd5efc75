//! From client-side to server-side apply: what `kubectl apply` has written down in an annotation is its own, whatever
//! manager it went by, and the annotation goes with the times.

use serde_json::{Map, Value};

use super::collect::set_of;
use super::compare::compare;
use super::entries::text;
use super::set::Set;
use crate::schema::Schema;

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The manager that both ways of apply belong to.
pub(super) const KUBECTL: &str = "kubectl";

fn annotation(object: &Value) -> Option<&str> {
    let value = object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    (!value.is_empty()).then_some(value)
}

/// What client-side apply has set and nobody has changed since: a conflict over that is none.
pub(super) fn own_fields(schema: &Schema, live: &Value) -> Option<Set> {
    let applied: Value = serde_json::from_str(annotation(live)?).ok()?;
    if text(&applied, "apiVersion") != text(live, "apiVersion") {
        return None;
    }
    let changes = compare(schema, &applied, live);
    let mut own = set_of(schema, &applied);
    for changed in [&changes.modified, &changes.added, &changes.removed] {
        own.subtract(changed);
    }
    Some(own)
}

/// Writes down what is applied now, where something is written down already.
pub(super) fn bring_along(object: &mut Value, applied: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut applied = applied.clone();
    if let Some(annotations) = annotations(&mut applied) {
        annotations.remove(ANNOTATION);
    }
    if let Some(annotations) = annotations(object) {
        // The real server ends the text with a line break.
        annotations.insert(ANNOTATION.to_string(), Value::from(format!("{applied}\n")));
    }
}

fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}
