//! Refusals: what is wrong with a request, in the API server's words.

use serde_json::{Value, json};

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
