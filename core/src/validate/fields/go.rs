//! Values whose type is one of Go's: pod templates and metadata.

use serde_json::Value;

use super::{Walk, is_integer, join, suggest};
use crate::identity::Quantity;
use crate::identity::go_types::{GoStruct, Kind};

/// Where a Go type occurs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The metadata of an object, of which the API server knows every field.
    ObjectMeta,
    /// A pod template, to which other releases of Kubernetes add fields.
    PodTemplate,
}

impl Walk<'_> {
    pub(super) fn go_struct(&mut self, field: &str, value: &Value, type_: &'static GoStruct, part: Part) {
        let map = match value {
            Value::Null => return,
            Value::Object(map) => map,
            other => return self.wrong_type(field, other, "a map"),
        };
        for (key, value) in map {
            match type_.field(key) {
                Some(known) => self.go(&join(field, key), value, known.kind, part),
                None if part == Part::ObjectMeta => self.unknown(field, key, names(type_)),
                None => self.unknown_of_pods(field, key, type_),
            }
        }
        if part == Part::PodTemplate && type_.name == "ObjectMeta" {
            for (key, _) in map.iter().filter(|(key, value)| !value.is_null() && type_.field(key).is_some()) {
                if !["labels", "annotations"].contains(&key.as_str()) {
                    let message = "has no effect: of the metadata of pods, only labels and annotations count";
                    self.found.warn(join(field, key), message);
                }
            }
        }
    }

    /// Another release of Kubernetes may know the field.
    fn unknown_of_pods(&mut self, parent: &str, key: &str, type_: &'static GoStruct) {
        if self.found.is_full() {
            return;
        }
        let field = join(parent, key);
        if let Some(name) = suggest::near(key, names(type_)) {
            self.found.error(field, format!("unknown field; did you mean `{name}`?"));
            return;
        }
        let hint = suggest::hint(parent, key, names(type_), self.places);
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        self.found.warn(field, format!("is no field of pods in Kubernetes 1.34{hint}"));
    }

    fn go(&mut self, field: &str, value: &Value, kind: Kind, part: Part) {
        if value.is_null() {
            return;
        }
        match (kind, value) {
            (Kind::Struct(type_), _) => self.go_struct(field, value, type_, part),
            (Kind::List(inner), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.go(&format!("{field}[{index}]"), item, *inner, part);
                }
            }
            (Kind::Map(inner), Value::Object(map)) => {
                for (key, value) in map {
                    self.go(&join(field, key), value, *inner, part);
                }
            }
            (Kind::List(_), _) => self.wrong_type(field, value, "a list"),
            (Kind::Map(_), _) => self.wrong_type(field, value, "a map"),
            (Kind::Bool, _) if !value.is_boolean() => self.wrong_type(field, value, "true or false"),
            (Kind::Int32 | Kind::Int64, _) if !is_integer(value) => self.wrong_type(field, value, "an integer"),
            (Kind::Str | Kind::Time, _) if !value.is_string() => self.wrong_type(field, value, "a string"),
            (Kind::IntOrString, _) if !is_integer(value) && !value.is_string() => {
                self.wrong_type(field, value, "an integer or a string");
            }
            (Kind::Quantity, _) if !is_quantity(value) => {
                self.wrong_type(field, value, "a quantity such as 500m or 64Mi");
            }
            _ => {}
        }
    }
}

fn names(type_: &'static GoStruct) -> impl Iterator<Item = &'static str> {
    type_.fields.iter().map(|field| field.name)
}

fn is_quantity(value: &Value) -> bool {
    match value {
        Value::String(text) => Quantity::parse(text).is_ok(),
        other => other.is_number(),
    }
}
