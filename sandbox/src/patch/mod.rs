//! The three ways to patch an object, each as the real API server does it: strategic merge, merge (RFC 7396) and JSON
//! (RFC 6902). Where the real server differs from an RFC, so does this.

pub(crate) mod go_text;
mod json;
mod lists;
mod merge;
mod order;
mod refused;
mod strategic;

use serde_json::Value;

pub use json::json;
pub use merge::merge;
pub use refused::PatchError;
pub use strategic::strategic;

/// What is new has no nulls: they mean that something shall go. Only those that are items of a list stay, as without them the
/// others would move.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let stays = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(stays.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        _ => value.clone(),
    }
}
