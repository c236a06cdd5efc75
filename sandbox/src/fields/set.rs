//! Sets of fields, kept as they stand in `fieldsV1`: what is read of an object is a set already, and is changed in place.
//!
//! A key is a step down: `f:name` to a property, `k:{"name":"c"}` to the item with these keys, `v:"x"` to a value of a set,
//! `i:0` to an index. What it leads to is a member of the set if it is empty or has the key `.`.

use serde_json::{Map, Value};

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set(pub(super) Map<String, Value>);

/// That a step is a member itself, beside what is below it.
pub(super) const SELF: &str = ".";

impl Set {
    /// Reads `fieldsV1`. What cannot be one is no part of the set.
    pub fn decode(fields: &Value) -> Set {
        let mut set = Set(fields.as_object().cloned().unwrap_or_default());
        super::element::canonicalize(&mut set.0);
        set
    }

    /// As it stands in `fieldsV1`.
    pub fn encode(self) -> Value {
        Value::Object(self.0)
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Set) {
        unite(&mut self.0, &other.0);
    }

    /// Removes the members of `other`, and not what is below them.
    pub fn subtract(&mut self, other: &Set) {
        subtract(&mut self.0, &other.0);
    }

    /// Removes the members of `other` with all that is below them.
    pub fn subtract_whole(&mut self, other: &Set) {
        subtract_whole(&mut self.0, &other.0);
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Set) -> Set {
        Set(intersect(&self.0, &other.0))
    }
}

/// Whether the place that a step leads to is in the set.
pub(super) fn is_member(node: &Value) -> bool {
    node.as_object().is_none_or(|below| below.is_empty() || below.contains_key(SELF))
}

/// What is below a step.
pub(super) fn below(node: &Value) -> Option<&Map<String, Value>> {
    node.as_object().filter(|below| !below.is_empty())
}

/// A place with what is below it; nothing where neither is.
pub(super) fn place(is_member: bool, mut below: Map<String, Value>) -> Option<Value> {
    match (is_member, below.is_empty()) {
        (false, true) => return None,
        (true, false) => {
            below.insert(SELF.to_string(), Value::Object(Map::new()));
        }
        _ => {}
    }
    Some(Value::Object(below))
}

pub(super) fn unite(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (step, theirs) in other.iter().filter(|(step, _)| *step != SELF) {
        let Some(ours) = into.get_mut(step) else {
            into.insert(step.clone(), theirs.clone());
            continue;
        };
        let member = is_member(ours) || is_member(theirs);
        let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else { continue };
        unite(ours, theirs);
        if member && !ours.is_empty() && !ours.contains_key(SELF) {
            ours.insert(SELF.to_string(), Value::Object(Map::new()));
        }
    }
}

/// Goes over the steps that both have, lets `change` work on ours, and drops it if it says so.
fn over_common(ours: &mut Map<String, Value>, theirs: &Map<String, Value>, change: fn(&mut Value, &Value) -> bool) {
    for (step, other) in theirs.iter().filter(|(step, _)| *step != SELF) {
        if let Some(own) = ours.get_mut(step)
            && !change(own, other)
        {
            ours.remove(step);
        }
    }
}

fn subtract(ours: &mut Map<String, Value>, theirs: &Map<String, Value>) {
    over_common(ours, theirs, |own, other| {
        let member = is_member(own) && !is_member(other);
        let Some(own) = own.as_object_mut() else { return member };
        own.remove(SELF);
        if let Some(other) = below(other) {
            subtract(own, other);
        }
        if member && !own.is_empty() {
            own.insert(SELF.to_string(), Value::Object(Map::new()));
        }
        member || !own.is_empty()
    });
}

fn subtract_whole(ours: &mut Map<String, Value>, theirs: &Map<String, Value>) {
    over_common(ours, theirs, |own, other| {
        if is_member(other) {
            return false;
        }
        let member = is_member(own);
        let (Some(own), Some(other)) = (own.as_object_mut(), below(other)) else { return member };
        own.remove(SELF);
        subtract_whole(own, other);
        if member && !own.is_empty() {
            own.insert(SELF.to_string(), Value::Object(Map::new()));
        }
        member || !own.is_empty()
    });
}

fn intersect(one: &Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    let common = one.iter().filter(|(step, _)| *step != SELF).filter_map(|(step, one)| {
        let other = other.get(step)?;
        let deeper = match (below(one), below(other)) {
            (Some(one), Some(other)) => intersect(one, other),
            _ => Map::new(),
        };
        Some((step.clone(), place(is_member(one) && is_member(other), deeper)?))
    });
    common.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn set(fields: &Value) -> Set {
        Set::decode(fields)
    }

    #[test]
    fn a_difference_takes_members_and_leaves_what_is_below_them() {
        let mut fields = set(&json!({ "f:spec": { ".": {}, "f:a": {}, "f:b": {} } }));
        fields.subtract(&set(&json!({ "f:spec": { ".": {}, "f:a": {} } })));
        assert_eq!(fields.encode(), json!({ "f:spec": { "f:b": {} } }));
    }

    #[test]
    fn a_difference_of_wholes_takes_what_is_below_as_well() {
        let mut fields = set(&json!({ "f:spec": { "f:a": {} }, "f:status": { "f:b": {} } }));
        fields.subtract_whole(&set(&json!({ "f:status": {} })));
        assert_eq!(fields.encode(), json!({ "f:spec": { "f:a": {} } }));
    }

    #[test]
    fn a_leaf_that_gets_something_below_stays_a_member() {
        let mut fields = set(&json!({ "f:data": {} }));
        fields.unite(&set(&json!({ "f:data": { "f:a": {} } })));
        assert_eq!(fields.encode(), json!({ "f:data": { ".": {}, "f:a": {} } }));
    }

    #[test]
    fn keys_are_written_in_one_way_only() {
        let fields = set(&json!({ "k:{\"protocol\": \"TCP\", \"containerPort\":80}": {}, "f:x": {} }));
        assert_eq!(fields.encode(), json!({ "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {}, "f:x": {} }));
    }
}
