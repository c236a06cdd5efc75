//! Refusals: what is wrong with a request, in the API server's words.

use serde_json::{Value, json};

use crate::resource::Resource;

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The API's name for the kind of mistake, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// What is wrong, without the field's name: `Invalid value: -1: must be greater than or equal to 0`.
    pub message: String,
    /// Where, as `spec.template.spec.containers[0].name`.
    pub field: String,
}

impl Cause {
    /// A required value is missing.
    pub fn required(field: impl Into<String>, detail: &str) -> Cause {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        Cause { reason: "FieldValueRequired", message: format!("Required value{detail}"), field: field.into() }
    }

    /// A value that cannot be.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Cause {
        let message = format!("Invalid value: {value}: {detail}");
        Cause { reason: "FieldValueInvalid", message, field: field.into() }
    }

    /// A value that cannot be, as the API server prints it.
    pub fn invalid_as(field: impl Into<String>, shown: &str, detail: &str) -> Cause {
        let message = format!("Invalid value: {shown}: {detail}");
        Cause { reason: "FieldValueInvalid", message, field: field.into() }
    }

    /// A value of the wrong type.
    pub fn type_invalid(field: impl Into<String>, value: &Value, detail: &str) -> Cause {
        let message = format!("Invalid value: {value}: {detail}");
        Cause { reason: "FieldValueTypeInvalid", message, field: field.into() }
    }

    /// A value that is not one of those allowed.
    pub fn not_supported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Cause {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("{value:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", allowed.join(", "));
        Cause { reason: "FieldValueNotSupported", message, field: field.into() }
    }

    /// A value that is there twice.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Cause {
        Cause { reason: "FieldValueDuplicate", message: format!("Duplicate value: {value}"), field: field.into() }
    }

    /// A text that is too long.
    pub fn too_long(field: impl Into<String>, limit: u64) -> Cause {
        let message = format!("Too long: may not be more than {limit} bytes");
        Cause { reason: "FieldValueTooLong", message, field: field.into() }
    }

    /// A list or a map that has too much.
    pub fn too_many(field: impl Into<String>, actual: usize, limit: u64) -> Cause {
        let message = format!("Too many: {actual}: must have at most {limit} items");
        Cause { reason: "FieldValueTooMany", message, field: field.into() }
    }

    /// A value that may not be here.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Cause {
        Cause { reason: "FieldValueForbidden", message: format!("Forbidden: {detail}"), field: field.into() }
    }

    /// As it stands in `details.causes` of a `Status`.
    pub fn to_json(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }
}

/// All that is wrong; what is wrong twice is said once.
pub fn in_words(causes: &[Cause]) -> String {
    let mut each: Vec<String> = Vec::new();
    for cause in causes {
        let words = format!("{}: {}", cause.field, cause.message);
        if !each.contains(&words) {
            each.push(words);
        }
    }
    if let [one] = &each[..] { one.clone() } else { format!("[{}]", each.join(", ")) }
}

/// Why a request was not granted: the error that the API server answers with.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The HTTP code.
    pub code: u16,
    /// The API's name for it, such as `NotFound`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details` of the `Status`, or null.
    pub details: Value,
    /// What else the writer is warned of.
    pub warnings: Vec<String>,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>, details: Value) -> Refusal {
        Refusal { code, reason, message: message.into(), details, warnings: Vec::new() }
    }

    fn about(code: u16, reason: &'static str, message: String, resource: &Resource, name: &str) -> Refusal {
        let mut details = json!({ "kind": resource.plural });
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        Refusal::new(code, reason, message, details)
    }

    /// No such object.
    pub fn not_found(resource: &Resource, name: &str) -> Refusal {
        let message = format!("{} {name:?} not found", resource.key);
        Refusal::about(404, "NotFound", message, resource, name)
    }

    /// No such path.
    pub fn no_such_path() -> Refusal {
        let details = json!({});
        Refusal::new(404, "NotFound", "the server could not find the requested resource", details)
    }

    /// An object of that name exists.
    pub fn already_exists(resource: &Resource, name: &str) -> Refusal {
        let message = format!("{} {name:?} already exists", resource.key);
        Refusal::about(409, "AlreadyExists", message, resource, name)
    }

    /// The request was made for another version of the object.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Refusal {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.key);
        Refusal::about(409, "Conflict", message, resource, name)
    }

    /// The object has changed since it was read.
    pub fn modified(resource: &Resource, name: &str) -> Refusal {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Refusal::conflict(resource, name, why)
    }

    /// The object says what cannot be.
    pub fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Refusal {
        let list = in_words(causes);
        let kind = match resource.group.as_str() {
            "" => resource.kind.clone(),
            group => format!("{}.{group}", resource.kind),
        };
        let mut refusal = Refusal::about(422, "Invalid", format!("{kind} {name:?} is invalid: {list}"), resource, name);
        refusal.details["kind"] = json!(resource.kind);
        refusal.details["causes"] = causes.iter().map(Cause::to_json).collect();
        refusal
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "BadRequest", message, Value::Null)
    }

    /// The body has more bytes than this.
    pub fn too_large(limit: usize) -> Refusal {
        let message = format!("Request entity too large: limit is {limit}");
        Refusal::new(413, "RequestEntityTooLarge", message, Value::Null)
    }

    /// The request is not allowed.
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Refusal {
        let message = format!("{} {name:?} is forbidden: {why}", resource.key);
        Refusal::about(403, "Forbidden", message, resource, name)
    }

    /// Nobody may do this here.
    pub fn method_not_allowed() -> Refusal {
        let message = "the server does not allow this method on the requested resource";
        Refusal::new(405, "MethodNotAllowed", message, json!({}))
    }

    /// A kind of object that this cannot be done to.
    pub fn not_supported(resource: &Resource, verb: &str) -> Refusal {
        let message = format!("{verb} is not supported on resources of kind \"{}\"", resource.key);
        Refusal::about(405, "MethodNotAllowed", message, resource, "")
    }

    /// A body of a type that this request does not take.
    pub fn unsupported_media_type(accepted: &str) -> Refusal {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Refusal::new(415, "UnsupportedMediaType", message, Value::Null)
    }

    /// The watch asked for changes that are no longer kept.
    pub fn expired(message: impl Into<String>) -> Refusal {
        Refusal::new(410, "Expired", message, Value::Null)
    }

    /// Not now: come back later.
    pub fn too_many_requests(message: impl Into<String>, details: Value) -> Refusal {
        Refusal::new(429, "TooManyRequests", message, details)
    }

    /// Who is asking?
    pub fn unauthorized() -> Refusal {
        Refusal::new(401, "Unauthorized", "Unauthorized", Value::Null)
    }

    /// Any other code, with a reason.
    pub fn with(code: u16, reason: &'static str, message: impl Into<String>, details: Value) -> Refusal {
        Refusal::new(code, reason, message, details)
    }

    /// With these warnings.
    #[must_use]
    pub fn warning(self, warnings: Vec<String>) -> Refusal {
        Refusal { warnings, ..self }
    }

    /// As the body of an answer.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status["code"] = json!(self.code);
        status
    }
}
