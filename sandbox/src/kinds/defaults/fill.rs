//! Tables of defaults, and how they are applied.

use serde_json::{Map, Value};

/// A value that a field gets when it has none.
pub(super) struct Fill {
    /// The object that holds the field, as `spec.ports[]`: a name with `[]` means each item of a list, one with `!` is made
    /// where it is missing. Otherwise nothing is made to hold a default.
    at: &'static str,
    field: &'static str,
    value: Literal,
    /// Whether an explicit zero counts as a value, as it does where Go has a pointer.
    zero_counts: bool,
}

/// A value that can stand in a table.
#[derive(Clone, Copy)]
pub(super) enum Literal {
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// `{}`: what Go writes of a structure without a pointer.
    Empty,
    /// `null`: what Go writes of a time or a list that has no `omitempty`.
    Null,
}

/// A default for a field that Go has a pointer for.
pub(super) const fn unset(at: &'static str, field: &'static str, value: Literal) -> Fill {
    Fill { at, field, value, zero_counts: true }
}

/// A default for a field whose zero value means that it is not set.
pub(super) const fn zero(at: &'static str, field: &'static str, value: Literal) -> Fill {
    Fill { at, field, value, zero_counts: false }
}

/// Applies a table, in its order.
pub(super) fn apply(object: &mut Value, table: &[Fill]) {
    for fill in table {
        each(object, fill.at, &mut |holder| {
            let Some(holder) = holder.as_object_mut() else { return };
            let keep = holder.get(fill.field).is_some_and(|value| match value {
                Value::Null => false,
                Value::String(text) => fill.zero_counts || !text.is_empty(),
                Value::Number(number) => fill.zero_counts || number.as_f64() != Some(0.0),
                _ => true,
            });
            if !keep {
                holder.insert(fill.field.to_owned(), fill.value.into());
            }
        });
    }
}

/// Visits every value at a path such as `spec!.ports[]`.
pub(super) fn each(value: &mut Value, path: &str, visit: &mut dyn FnMut(&mut Value)) {
    if path.is_empty() {
        return visit(value);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    if let Some(name) = first.strip_suffix('!') {
        let Some(object) = value.as_object_mut() else { return };
        let next = object.entry(name).or_insert(Value::Null);
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        return each(next, rest, visit);
    }
    if let Some(name) = first.strip_suffix("[]") {
        let items = value.get_mut(name).and_then(Value::as_array_mut);
        return items.into_iter().flatten().for_each(|item| each(item, rest, visit));
    }
    if let Some(next) = value.get_mut(first) {
        each(next, rest, visit);
    }
}

/// Takes a field away wherever it is.
pub(super) fn drop_field(object: &mut Value, at: &str, field: &str) {
    each(object, at, &mut |holder| {
        if let Some(holder) = holder.as_object_mut() {
            holder.remove(field);
        }
    });
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Text(text) => text.into(),
            Literal::Number(number) => number.into(),
            Literal::Bool(value) => value.into(),
            Literal::Empty => Self::Object(Map::new()),
            Literal::Null => Self::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_marked_holders_are_made() {
        let mut object = json!({ "spec": { "ports": [{}, { "protocol": "UDP" }, { "protocol": "" }] } });
        apply(
            &mut object,
            &[
                zero("spec.ports[]", "protocol", Literal::Text("TCP")),
                zero("spec.absent", "x", Literal::Number(1)),
                unset("status!.made!", "", Literal::Empty),
            ],
        );
        assert_eq!(
            object,
            json!({
                "spec": { "ports": [{ "protocol": "TCP" }, { "protocol": "UDP" }, { "protocol": "TCP" }] },
                "status": { "made": { "": {} } },
            })
        );
    }

    #[test]
    fn an_explicit_zero_counts_only_behind_a_pointer() {
        let mut object = json!({ "a": 0, "b": 0 });
        apply(&mut object, &[zero("", "a", Literal::Number(1)), unset("", "b", Literal::Number(1))]);
        assert_eq!(object, json!({ "a": 1, "b": 0 }));
    }
}
