//! The kind that a body says it is of, and the one that it should be of.

use serde_json::{Value, json};

use super::Request;
use super::decode::{json_error, unrecognized};
use crate::protobuf::{self, Kind};
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;

/// The kind of which a body should be.
pub fn expected(request: &Request) -> Kind {
    let of = |api_version: &str, kind: &str| Kind { api_version: api_version.to_owned(), kind: kind.to_owned() };
    match (request.method.as_str(), request.path.subresource.as_deref()) {
        ("DELETE", _) => of("meta.k8s.io/v1", "DeleteOptions"),
        (_, Some("scale")) => of("autoscaling/v1", "Scale"),
        (_, Some("eviction")) => of("policy/v1", "Eviction"),
        (_, Some("binding")) => of("v1", "Binding"),
        (_, Some("token")) => of("authentication.k8s.io/v1", "TokenRequest"),
        _ => of(&request.resource.api_version(), &request.resource.kind),
    }
}

/// Whether the body should be of a custom kind; what resizes or deletes one is not.
pub fn is_custom(request: &Request) -> bool {
    request.resource.is_custom() && expected(request).kind == request.resource.kind
}

/// Refuses what cannot be taken for what it should be.
pub fn cannot(found: &Kind, expected: &Kind, why: &str) -> Refusal {
    let ((_, version), kind) = (found.group_version(), &found.kind);
    let expected = &expected.kind;
    Refusal::bad_request(format!("{kind} in version {version:?} cannot be handled as a {expected}: {why}"))
}

/// An object says which kind it is of, and if it is built in, it may leave that to the path.
pub fn check(request: &Request, text: &[u8], object: &Value) -> Result<(), Refusal> {
    let expected = expected(request);
    is_object(&expected, text, object)?;
    if is_custom(request) {
        return is_custom_object(&request.resource, text, object);
    }
    let of = |field: &str, expected: &String| match object[field].as_str() {
        None | Some("") => expected.clone(),
        Some(found) => found.to_owned(),
    };
    let found = Kind { api_version: of("apiVersion", &expected.api_version), kind: of("kind", &expected.kind) };
    let (version, kind) = (&found.api_version, &found.kind);
    if !protobuf::is_registered(&found) {
        let why =
            format!("no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:110\"");
        return Err(cannot(&found, &expected, &why));
    }
    if *kind != expected.kind {
        let (_, version) = found.group_version();
        let package = match expected.group_version().0.split('.').next() {
            None | Some("") => "core",
            Some(package) => package,
        };
        let expected_kind = &expected.kind;
        let why = format!("converting ({version}.{kind}) to ({package}.{expected_kind}): unknown conversion");
        return Err(cannot(&found, &expected, &why));
    }
    // What only asks for something is taken in every version that there was.
    if *version == expected.api_version || expected.kind != request.resource.kind {
        return Ok(());
    }
    Err(another_version(version, &expected.api_version))
}

fn another_version(found: &str, expected: &str) -> Refusal {
    Refusal::bad_request(format!(
        "the API version in the data ({found}) does not match the expected API version ({expected})"
    ))
}

/// What says its kind is an object, and says it in text.
fn is_object(expected: &Kind, text: &[u8], object: &Value) -> Result<(), Refusal> {
    const STRUCT: &str =
        r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    let wrong = |found: &str, wanted: &str| {
        let error = format!("json: cannot unmarshal {found} into Go {wanted}");
        unrecognized(&expected.kind, text, &json_error(&error))
    };
    if !object.is_object() && !object.is_null() {
        return Err(wrong(type_of(object), &format!("value of type {STRUCT}")));
    }
    for field in ["apiVersion", "kind"] {
        if !object[field].is_string() && !object[field].is_null() {
            return Err(wrong(type_of(&object[field]), &format!("struct field .{field} of type string")));
        }
    }
    Ok(())
}

fn is_custom_object(resource: &Resource, text: &[u8], object: &Value) -> Result<(), Refusal> {
    let text_of = |field: &str| object[field].as_str().unwrap_or_default();
    let (kind, api_version) = (text_of("kind"), text_of("apiVersion"));
    if kind.is_empty() {
        let why = format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(text));
        return Err(unrecognized(&resource.kind, text, &why));
    }
    if kind != resource.kind {
        let (group, _) = api_version.split_once('/').unwrap_or(("", api_version));
        let cause = Cause::invalid("kind", &json!(kind), &format!("must be {}", resource.kind));
        let message = format!("{kind}.{group} {:?} is invalid: kind: {}", crate::object::name(object), cause.message);
        let details = json!({
            "name": object["metadata"]["name"], "group": group, "kind": kind, "causes": [cause.to_json()],
        });
        return Err(Refusal::with(422, "Invalid", message, details));
    }
    if api_version == resource.api_version() {
        return Ok(());
    }
    // No schema of that version is at hand, so that it knows no field.
    let fields = object.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown = fields.filter(|name| !["apiVersion", "kind", "metadata"].contains(name));
    let warnings = unknown.map(|name| format!("unknown field {name:?}")).collect();
    Err(another_version(api_version, &resource.api_version()).warning(warnings))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
