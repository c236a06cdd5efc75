//! From what a user wrote to what a Go controller has in memory, and to the bytes that it hashes.
//!
//! Argo Rollouts hashes `encoding/json` of a typed pod template. [`clean`] decodes raw JSON against a field table as Go
//! does: fields at their zero value are left out where Go leaves them out, quantities become canonical, and what does
//! not decode is dropped instead of failing the rollout. [`encode`] writes the result in Go's field order. Fields that
//! the table does not know are kept and written after the known ones: a field of a newer Kubernetes must still make a
//! new revision.
//!
//! Tolerance follows Argo Rollouts ≥1.9 wherever that leaves the rest of the template intact: a value of the wrong type
//! is left at its zero value, a malformed quantity leaves the map that holds it, and a mistake anywhere in
//! `ephemeralContainers` drops the list. There is one deliberate difference: after a malformed quantity Argo Rollouts
//! also loses the fields that follow, volume mounts and names of further containers included. Here they stay.

use serde_json::{Map, Value};

use super::go_fields::{OBJECT_META, POD_SPEC, POD_TEMPLATE_SPEC};
use super::go_text::{number, write_sequence, write_string, write_value};
use super::go_types::{GoField, GoStruct, Kind};
use super::quantity::Quantity;

/// The type of a pod template.
pub const POD_TEMPLATE: Kind = Kind::Struct(&POD_TEMPLATE_SPEC);

/// Which Go library writes the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Kubernetes libraries from 0.34 on (Argo Rollouts ≥1.9).
    Current,
    /// Earlier libraries (Argo Rollouts ≤1.8): an unset `creationTimestamp` is written as `null`.
    NullTimestamp,
}

/// Why a value was not decoded. It decides what Go leaves in its place.
enum Misfit {
    /// The JSON type is wrong: Go leaves the zero value, behind a pointer that is set.
    Type,
    /// The type's own decoder refused the content: there is no value.
    Content,
}

/// The pod template as raw JSON in the form in which a typed client sends it: what a ReplicaSet is created from.
///
/// What does not decode is gone, quantities are canonical, and `metadata` holds only labels and annotations, as after
/// the pruning by Argo Rollouts' CRD.
pub fn clean_template(template: &Value) -> Value {
    clean(POD_TEMPLATE, &prune_metadata(template))
}

/// The bytes of a pod template that are hashed.
pub fn encode_template(template: &Value, dialect: Dialect) -> String {
    encode(POD_TEMPLATE, &clean_template(template), dialect)
}

fn prune_metadata(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| name == "labels" || name == "annotations");
    }
    template
}

/// Decodes a value against its type and writes it back as raw JSON.
pub fn clean(kind: Kind, value: &Value) -> Value {
    decode(kind, value, false).unwrap_or_else(|_| zero(kind))
}

/// Encodes a [cleaned](clean) value in Go's field order.
pub fn encode(kind: Kind, value: &Value, dialect: Dialect) -> String {
    let mut out = String::new();
    encode_into(&mut out, kind, value, dialect);
    out
}

/// The value of a field that is not set, as Go would write it.
pub fn zero(kind: Kind) -> Value {
    match kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int32 | Kind::Int64 | Kind::IntOrString => Value::from(0),
        Kind::Str => Value::from(""),
        Kind::Quantity => Value::from("0"),
        Kind::Time | Kind::Raw | Kind::List(_) | Kind::Map(_) => Value::Null,
        Kind::Struct(of) => decode_struct(of, &Map::new(), false).unwrap_or_default(),
    }
}

/// `strict` gives up at the first mistake at any depth instead of working around it.
fn decode(kind: Kind, value: &Value, strict: bool) -> Result<Value, Misfit> {
    match (kind, value) {
        (_, Value::Null) => Ok(zero(kind)),
        (Kind::Bool, Value::Bool(_)) | (Kind::Str | Kind::IntOrString, Value::String(_)) | (Kind::Raw, _) => {
            Ok(value.clone())
        }
        (Kind::Int32, _) => {
            integer(value).and_then(|n| i32::try_from(n).ok()).map_or(Err(Misfit::Type), |n| Ok(n.into()))
        }
        (Kind::Int64, _) => integer(value).map_or(Err(Misfit::Type), |n| Ok(n.into())),
        (Kind::IntOrString, _) => decode(Kind::Int32, value, strict).map_err(|_| Misfit::Content),
        (Kind::Quantity, _) => quantity(value).ok_or(Misfit::Content),
        (Kind::Time, _) => time(value).ok_or(Misfit::Content),
        (Kind::List(element), Value::Array(items)) => {
            items.iter().map(|item| decode_or_zero(*element, item, strict)).collect::<Result<_, _>>().map(Value::Array)
        }
        (Kind::Map(element), Value::Object(entries)) => decode_map(*element, entries, strict),
        (Kind::Struct(of), Value::Object(entries)) => decode_struct(of, entries, strict),
        (Kind::Bool | Kind::Str | Kind::List(_) | Kind::Map(_) | Kind::Struct(_), _) => Err(Misfit::Type),
    }
}

fn decode_or_zero(kind: Kind, value: &Value, strict: bool) -> Result<Value, Misfit> {
    match decode(kind, value, strict) {
        Err(_) if !strict => Ok(zero(kind)),
        other => other,
    }
}

fn decode_map(element: Kind, entries: &Map<String, Value>, strict: bool) -> Result<Value, Misfit> {
    let mut out = Map::new();
    for (key, entry) in entries {
        match decode(element, entry, strict) {
            Ok(value) => drop(out.insert(key.clone(), value)),
            Err(misfit) if strict => return Err(misfit),
            Err(Misfit::Type) => drop(out.insert(key.clone(), zero(element))),
            // A resource that is not a quantity is no request at all.
            Err(Misfit::Content) => {}
        }
    }
    Ok(Value::Object(out))
}

fn decode_struct(of: &'static GoStruct, entries: &Map<String, Value>, strict: bool) -> Result<Value, Misfit> {
    let mut out: Map<String, Value> = entries
        .iter()
        .filter(|(name, _)| of.field(name).is_none())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for field in of.fields {
        let raw = entries.get(field.name).filter(|raw| !raw.is_null());
        let value = match raw {
            Some(raw) if is_all_or_nothing(of, field) => decode(field.kind, raw, true).ok(),
            Some(raw) => match decode(field.kind, raw, strict) {
                Ok(value) => Some(value),
                Err(misfit) if strict => return Err(misfit),
                Err(Misfit::Type) => Some(zero(field.kind)),
                Err(Misfit::Content) => None,
            },
            None => None,
        };
        let value = value.unwrap_or_else(|| if field.pointer { Value::Null } else { zero(field.kind) });
        if !is_omitted(field, &value) {
            out.insert(field.name.to_owned(), value);
        }
    }
    Ok(Value::Object(out))
}

/// Ephemeral containers are not allowed in a ReplicaSet's template: half of a malformed list would only be refused.
fn is_all_or_nothing(of: &GoStruct, field: &GoField) -> bool {
    std::ptr::eq(of, &raw const POD_SPEC) && field.name == "ephemeralContainers"
}

fn is_omitted(field: &GoField, value: &Value) -> bool {
    if field.pointer {
        return field.omit_empty && value.is_null();
    }
    if field.omit_zero {
        return *value == zero(field.kind);
    }
    field.omit_empty
        && match field.kind {
            Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Str | Kind::Raw => *value == zero(field.kind),
            Kind::List(_) => value.as_array().is_none_or(Vec::is_empty),
            Kind::Map(_) => value.as_object().is_none_or(Map::is_empty),
            // To Go a struct is never empty.
            Kind::Quantity | Kind::IntOrString | Kind::Time | Kind::Struct(_) => false,
        }
}

/// A whole number; `80.0` is one, because Go reads it from an untyped map that printed it as `80`.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => number(n).parse().ok(),
        _ => None,
    }
}

fn quantity(value: &Value) -> Option<Value> {
    let quantity = match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(n) => Quantity::parse(&number(n)),
        _ => return None,
    };
    quantity.ok().map(|q| q.to_string().into())
}

fn time(value: &Value) -> Option<Value> {
    let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

fn encode_into(out: &mut String, kind: Kind, value: &Value, dialect: Dialect) {
    match (kind, value) {
        (Kind::List(element), Value::Array(items)) => {
            write_sequence(out, '[', ']', items, |out, item| encode_into(out, *element, item, dialect));
        }
        (Kind::Map(element), Value::Object(entries)) => {
            write_sequence(out, '{', '}', entries, |out, (key, entry)| {
                encode_entry(out, key, *element, entry, dialect);
            });
        }
        (Kind::Struct(of), Value::Object(entries)) => {
            let known = of.fields.iter().filter_map(|field| {
                let entry = entries.get(field.name).or_else(|| null_timestamp(of, field, dialect))?;
                Some((field.name, field.kind, entry))
            });
            let unknown = entries.iter().filter(|(name, _)| of.field(name).is_none());
            let unknown = unknown.map(|(name, entry)| (name.as_str(), Kind::Raw, entry));
            write_sequence(out, '{', '}', known.chain(unknown), |out, (name, kind, entry)| {
                encode_entry(out, name, kind, entry, dialect);
            });
        }
        _ => write_value(out, value),
    }
}

fn encode_entry(out: &mut String, name: &str, kind: Kind, entry: &Value, dialect: Dialect) {
    write_string(out, name);
    out.push(':');
    encode_into(out, kind, entry, dialect);
}

fn null_timestamp(of: &GoStruct, field: &GoField, dialect: Dialect) -> Option<&'static Value> {
    let written = dialect == Dialect::NullTimestamp
        && std::ptr::eq(of, &raw const OBJECT_META)
        && field.name == "creationTimestamp";
    written.then_some(&Value::Null)
}
