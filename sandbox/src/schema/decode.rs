//! The errors of decoding: a value of the wrong JSON type for the Go type that the real server reads it into.
//!
//! The message names the innermost struct, the names of all fields on the way (list indexes and map keys are not on it)
//! and the Go type. Most Go types follow from the schema; the names that Kubernetes has given to its strings do not, and
//! are listed in `named-types.txt`.

use serde_json::Value;
use sluice_cel::formats::{self, base64_mistake};

use super::path::Path;
use super::{Schema, Type};

static NAMED_TYPES: &str = include_str!("named-types.txt");
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const BAD_QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// What the real server says when it decodes this object, if it cannot. Of a custom resource it decodes the metadata.
pub fn decode_error(schema: &Schema, value: &Value) -> Option<String> {
    let mut path = Path::default();
    if schema.custom {
        let place = Place { owner: schema, field: "" };
        return struct_error(schema.property("metadata")?, value.get("metadata")?, &place, &mut path);
    }
    fields_error(schema, value, &mut path)
}

/// Where a value is: the innermost struct, and its field there.
struct Place<'a> {
    owner: &'a Schema,
    field: &'a str,
}

fn fields_error(schema: &Schema, value: &Value, path: &mut Path) -> Option<String> {
    for (name, value) in value.as_object()? {
        if let Some(field) = schema.properties.get(name) {
            let mark = path.enter(name);
            let error = node_error(&field.schema, value, &Place { owner: schema, field: name }, path);
            path.leave(mark);
            if error.is_some() {
                return error;
            }
        }
    }
    None
}

fn struct_error(schema: &Schema, value: &Value, place: &Place, path: &mut Path) -> Option<String> {
    match value {
        Value::Object(_) => fields_error(schema, value, path),
        _ => mismatch(value, place, path, &go_type(schema, place)),
    }
}

fn node_error(schema: &Schema, value: &Value, place: &Place, path: &mut Path) -> Option<String> {
    if value.is_null() {
        return None;
    }
    if schema.name.as_deref() == Some(QUANTITY) {
        return (!is_quantity(value)).then(|| BAD_QUANTITY.to_string());
    }
    match (schema.kind, value) {
        (Type::Object, _) if !schema.properties.is_empty() => struct_error(schema, value, place, path),
        (Type::Object, Value::Object(map)) => {
            let additional = schema.additional.as_deref()?;
            map.values().find_map(|value| node_error(additional, value, place, path))
        }
        (Type::Array, Value::Array(items)) => {
            items.iter().find_map(|item| node_error(schema.item(), item, place, path))
        }
        (Type::String, Value::String(text)) => text_error(schema, text),
        (Type::Integer, Value::Number(number)) => {
            let fits = number.as_i64().is_some_and(|whole| schema.format != "int32" || i32::try_from(whole).is_ok());
            (!fits).then(|| describe(&format!("number {number}"), place, path, &go_type(schema, place)))
        }
        (Type::IntOrString, Value::Number(number)) => {
            let fits = number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok());
            (!fits).then(|| describe(&format!("number {number}"), place, path, "int32"))
        }
        (Type::Number, Value::Number(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::IntOrString, Value::String(_))
        | (Type::Any, _) => None,
        _ => mismatch(value, place, path, &go_type(schema, place)),
    }
}

fn mismatch(value: &Value, place: &Place, path: &Path, wanted: &str) -> Option<String> {
    let found = match value {
        Value::Null => return None,
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Some(describe(found, place, path, wanted))
}

fn describe(found: &str, place: &Place, path: &Path, wanted: &str) -> String {
    let owner = place.owner.name.as_deref().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    let field = format!("{owner}.{}", path.text());
    format!("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}")
}

fn text_error(schema: &Schema, text: &str) -> Option<String> {
    match schema.format.as_str() {
        "date-time" if formats::holds("date-time", text) => None,
        "date-time" => Some(time_error(text, schema.name.as_deref())),
        "byte" => base64_mistake(text).map(|place| format!("illegal base64 data at input byte {place}")),
        _ => None,
    }
}

/// As Go's `time.Parse` has it for a text that does not even begin as a time.
fn time_error(text: &str, name: Option<&str>) -> String {
    let micro = name.is_some_and(|name| name.ends_with(".MicroTime"));
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let (rest, wanted) = first_mismatch(text);
    format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}")
}

/// What is left of a text where it stops being a time, and the piece of the layout that it should go on with.
fn first_mismatch(text: &str) -> (&str, &'static str) {
    let pieces = [("2006", 4), ("-", 0), ("01", 2), ("-", 0), ("02", 2), ("T", 0), ("15", 2), (":", 0), ("04", 2)];
    let pieces = pieces.iter().chain(&[(":", 0), ("05", 2)]);
    let mut rest = text;
    for (piece, digits) in pieces {
        let length = if *digits == 0 { piece.len() } else { *digits };
        let fits = rest.get(..length).is_some_and(|head| {
            if *digits == 0 { head == *piece } else { head.bytes().all(|byte| byte.is_ascii_digit()) }
        });
        if !fits {
            return (rest, piece);
        }
        rest = &rest[length..];
    }
    (rest, "Z07:00")
}

/// The Go type that a field has.
fn go_type(schema: &Schema, place: &Place) -> String {
    if let Some(named) = named_type(place) {
        return named.to_string();
    }
    plain_type(schema)
}

fn named_type(place: &Place) -> Option<&'static str> {
    let owner = place.owner.name.as_deref()?;
    let places = ["io.k8s.apimachinery.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.api."];
    let owner = places.iter().find_map(|prefix| owner.strip_prefix(prefix))?;
    let key = format!("{owner}.{}", place.field);
    NAMED_TYPES.lines().filter_map(|line| line.split_once(' ')).find(|(name, _)| *name == key).map(|(_, name)| name)
}

fn plain_type(schema: &Schema) -> String {
    match schema.kind {
        Type::Object => match (&schema.name, schema.additional.as_deref()) {
            (Some(name), _) => {
                let mut words = name.rsplit('.');
                let (word, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                format!("{version}.{word}")
            }
            (None, Some(additional)) if additional.name.as_deref() == Some(QUANTITY) => "v1.ResourceList".to_string(),
            (None, Some(additional)) => format!("map[string]{}", plain_type(additional)),
            (None, None) => "map[string]interface {}".to_string(),
        },
        Type::Array => format!("[]{}", plain_type(schema.item())),
        Type::String if schema.format == "byte" => "[]uint8".to_string(),
        Type::Integer if schema.format.is_empty() => "int64".to_string(),
        Type::Integer => schema.format.clone(),
        Type::IntOrString => "int32".to_string(),
        Type::Number => "float64".to_string(),
        Type::Boolean => "bool".to_string(),
        Type::String | Type::Any => "string".to_string(),
    }
}

fn is_quantity(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            let text = text.strip_prefix(['+', '-']).unwrap_or(text);
            let digits = text.find(|each: char| !each.is_ascii_digit() && each != '.').unwrap_or(text.len());
            let (number, suffix) = text.split_at(digits);
            number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() <= 1 && is_suffix(suffix)
        }
        _ => false,
    }
}

fn is_suffix(suffix: &str) -> bool {
    let known = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let exponent = suffix.strip_prefix(['e', 'E']);
    known.contains(&suffix) || exponent.is_some_and(|exponent| exponent.parse::<i32>().is_ok())
}
