//! Bodies of requests: JSON, YAML and protobuf, read as objects of the kind that the path names.

use bytes::Bytes;
use serde_json::Value;

use super::{Request, kind, syntax};
use crate::protobuf::{self, Kind, Mistake};
use crate::refusal::Refusal;
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
    kind::check(request, &text, &object)?;
    let cannot = |why: &str| {
        let (kind, version) = (&resource.kind, &resource.version);
        Refusal::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    };
    let warnings = shape(request, &mut object, duplicates, cannot)?;
    Ok(Decoded { object, warnings })
}

/// The body as what the subresource wants.
pub fn value(request: &Request) -> Result<Value, Refusal> {
    let Read { object, text, .. } = read(request)?;
    kind::check(request, &text, &object)?;
    Ok(object)
}

/// The body of a DELETE as whatever it is.
pub fn options(request: &Request) -> Result<Value, Refusal> {
    Ok(read(request)?.object)
}

/// A content type without its parameters.
pub fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
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
    let object = serde_json::from_slice(&text)
        .map_err(|error| unrecognized(&request.resource.kind, &text, &json_error(&error.to_string())))?;
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
    let expected = kind::expected(request);
    if kind::is_custom(request) {
        // The real server says this where fieldValidation is Ignore; otherwise it fails, and drops the connection.
        let why = "Object 'Kind' is missing in 'object has no kind field '";
        let opened = protobuf::open(&request.body, &expected);
        return Err(match opened {
            Ok((found, _)) => kind::cannot(&found, &expected, why),
            Err(error) => unreadable(&request.body, &expected, Mistake::Envelope(error)),
        });
    }
    protobuf::read(&request.body, &expected).map_err(|mistake| match request.method.as_str() {
        "DELETE" => Refusal::with(500, "", mistake.to_string(), Value::Null),
        _ => unreadable(&request.body, &expected, mistake),
    })
}

fn unreadable(body: &[u8], expected: &Kind, mistake: Mistake) -> Refusal {
    match mistake {
        Mistake::Envelope(error) => unrecognized(&expected.kind, body, &error.to_string()),
        Mistake::Object(found, error) => kind::cannot(&found, expected, &error.to_string()),
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

pub(super) fn json_error(error: &str) -> String {
    format!("couldn't get version/kind; json parse error: {error}")
}

pub(super) fn unrecognized(kind: &str, text: &[u8], why: &str) -> Refusal {
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
