//! Bodies of requests: JSON, YAML and protobuf, read as objects of the kind that the path names.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Request;
use super::syntax;
use crate::protobuf::{self, Kind, Mistake};
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::schema;

/// What becomes of fields that nobody knows, or that are given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    /// They are dropped.
    Ignore,
    /// They are dropped, with a warning.
    Warn,
    /// The request is refused.
    Strict,
}

fn strictness(request: &Request) -> Strictness {
    match request.query.get("fieldValidation") {
        "Strict" => Strictness::Strict,
        "Ignore" => Strictness::Ignore,
        _ => Strictness::Warn,
    }
}

/// An object, and what its writer is to be warned of.
#[derive(Debug)]
pub struct Decoded {
    /// The object, without the fields that nobody knows.
    pub object: Value,
    /// The warnings.
    pub warnings: Vec<String>,
}

/// The body as an object of the resource.
pub fn object(request: &Request) -> Result<Decoded, Refusal> {
    let resource = &*request.resource;
    let Read { mut object, text, duplicates } = read(request)?;
    is_of_kind(resource, &text, &object)?;
    let cannot = |why: &str| {
        let (kind, version) = (&resource.kind, &resource.version);
        Refusal::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    };
    let warnings = shape(request, &mut object, duplicates, cannot)?;
    Ok(Decoded { object, warnings })
}

/// The body as whatever it is.
pub fn value(request: &Request) -> Result<Value, Refusal> {
    Ok(read(request)?.object)
}

/// A body, before it is looked at as an object of a kind.
struct Read {
    object: Value,
    /// The JSON that it was read from.
    text: Bytes,
    /// The fields that are given twice.
    duplicates: Vec<String>,
}

fn read(request: &Request) -> Result<Read, Refusal> {
    if request.content_type == PROTOBUF {
        let object = of_protobuf(request)?;
        return Ok(Read { object, text: Bytes::new(), duplicates: Vec::new() });
    }
    let text = json_text(request)?;
    let read =
        syntax::check(&text).map_err(|error| unrecognized(&request.resource.kind, &text, &json_error(&error)))?;
    let object = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Read { object, text, duplicates: read.duplicates })
}

/// What a patch has led to, as an object of the resource; `cannot` words the refusal.
pub fn shape(
    request: &Request,
    object: &mut Value,
    duplicates: Vec<String>,
    cannot: impl Fn(&str) -> Refusal,
) -> Result<Vec<String>, Refusal> {
    let Some(schema) = request.resource.schema() else { return Ok(Vec::new()) };
    if let Some(error) = schema::decode_error(&schema, object) {
        return Err(cannot(&error));
    }
    let unknown = schema::prune(&schema, object);
    schema::tidy(&schema, object);
    let duplicates = duplicates.into_iter().map(|path| format!("duplicate field {path:?}"));
    let mistakes: Vec<String> =
        duplicates.chain(unknown.into_iter().map(|path| format!("unknown field {path:?}"))).collect();
    match strictness(request) {
        Strictness::Strict if !mistakes.is_empty() => {
            Err(cannot(&format!("strict decoding error: {}", mistakes.join(", "))))
        }
        Strictness::Warn => Ok(mistakes),
        Strictness::Strict | Strictness::Ignore => Ok(Vec::new()),
    }
}

/// The body as JSON, whatever text it came as.
fn json_text(request: &Request) -> Result<Bytes, Refusal> {
    const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    match request.content_type.as_str() {
        "" | "application/json" => Ok(request.body.clone()),
        "application/yaml" => yaml(&request.body)
            .map(|value| value.to_string().into())
            .map_err(|error| unrecognized(&request.resource.kind, &request.body, &json_error(&error))),
        _ => Err(Refusal::unsupported_media_type(ACCEPTED)),
    }
}

/// The content type of protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn of_protobuf(request: &Request) -> Result<Value, Refusal> {
    let expected = expected(request);
    protobuf::read(&request.body, &expected).map_err(|mistake| match mistake {
        Mistake::Envelope(error) => unrecognized(&expected.kind, &request.body, &error.to_string()),
        Mistake::Object(found, error) => {
            let version = found.api_version.rsplit('/').next().unwrap_or_default();
            let (found, expected) = (found.kind, expected.kind);
            Refusal::bad_request(format!("{found} in version {version:?} cannot be handled as a {expected}: {error}"))
        }
    })
}

/// The kind of which a body should be.
fn expected(request: &Request) -> Kind {
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

/// Reads YAML, and says what is wrong with it as the API server does, as far as the reader knows.
pub fn yaml(text: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(text);
    serde_saphyr::from_str(&text).map_err(|error| {
        let error = error.to_string();
        if error.contains("mapping values") {
            "mapping values are not allowed in this context".to_owned()
        } else {
            error
        }
    })
}

fn json_error(error: &str) -> String {
    format!("couldn't get version/kind; json parse error: {error}")
}

fn unrecognized(kind: &str, text: &[u8], why: &str) -> Refusal {
    let summary = summary(text);
    Refusal::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({summary})"))
}

/// The beginning of a body, in hexadecimal where it is no JSON object.
fn summary(text: &[u8]) -> String {
    const SHOWN: usize = 30;
    let shown = &text[..text.len().min(SHOWN)];
    let begins = match text.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(shown).into_owned(),
        Some(_) => shown.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(hexadecimal).collect(),
    };
    if text.len() > SHOWN { format!("{begins} ...") } else { begins }
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or_default()
}

/// An object says which kind it is of, and if it is built in, it may leave that to the path.
fn is_of_kind(resource: &Resource, text: &[u8], object: &Value) -> Result<(), Refusal> {
    const STRUCT: &str =
        r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    let wrong = |found: &str, wanted: &str| {
        let error = format!("json: cannot unmarshal {found} into Go {wanted}");
        unrecognized(&resource.kind, text, &json_error(&error))
    };
    if !object.is_object() && !object.is_null() {
        return Err(wrong(type_of(object), &format!("value of type {STRUCT}")));
    }
    for field in ["apiVersion", "kind"] {
        if !object[field].is_string() && !object[field].is_null() {
            return Err(wrong(type_of(&object[field]), &format!("struct field .{field} of type string")));
        }
    }
    let text_of = |field: &str| object[field].as_str().unwrap_or_default();
    let (kind, api_version) = (text_of("kind"), text_of("apiVersion"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if resource.is_custom() && kind.is_empty() {
        let why = format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(text));
        return Err(unrecognized(&resource.kind, text, &why));
    }
    if !kind.is_empty() && kind != resource.kind {
        return Err(another_kind(resource, (group, version, kind), object));
    }
    let expected = resource.api_version();
    if api_version == expected || api_version.is_empty() && !resource.is_custom() {
        return Ok(());
    }
    let why =
        format!("the API version in the data ({api_version}) does not match the expected API version ({expected})");
    let mut refusal = Refusal::bad_request(why);
    if resource.is_custom() {
        // No schema of that version is at hand, so that it knows no field.
        let fields = object.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let unknown = fields.filter(|name| !["apiVersion", "kind", "metadata"].contains(name));
        refusal.warnings = unknown.map(|name| format!("unknown field {name:?}")).collect();
    }
    Err(refusal)
}

fn another_kind(resource: &Resource, (group, version, kind): (&str, &str, &str), object: &Value) -> Refusal {
    let expected = &resource.kind;
    if resource.is_custom() {
        let cause = Cause::invalid("kind", &json!(kind), &format!("must be {expected}"));
        let message = format!("{kind}.{group} {:?} is invalid: kind: {}", crate::object::name(object), cause.message);
        let details = json!({
            "name": object["metadata"]["name"], "group": group, "kind": kind, "causes": [cause.to_json()],
        });
        return Refusal::with(422, "Invalid", message, details);
    }
    let package = match resource.group.split('.').next() {
        None | Some("") => "core",
        Some(package) => package,
    };
    let version = if version.is_empty() { &resource.version } else { version };
    Refusal::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {expected}: converting ({version}.{kind}) to ({package}.{expected}): unknown conversion"
    ))
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
