//! What the items of an associative list are told apart by.

use serde_json::{Map, Value};

use super::{ListType, Schema};

impl Schema {
    /// The value of one key of an item of this list: what the item has, or else what the schema says it is then.
    pub(crate) fn key_of<'a>(&'a self, key: &str, item: &'a Map<String, Value>) -> Option<&'a Value> {
        match item.get(key) {
            Some(value) if !value.is_null() => Some(value),
            _ => self.item().property(key)?.default.as_ref(),
        }
    }

    /// The item of `others` that is the same one as `item`, where items have an identity.
    pub(super) fn counterpart<'a>(&self, item: &Value, others: Option<&'a Value>) -> Option<&'a Value> {
        let ListType::Map(keys) = &self.list else { return None };
        let item = item.as_object()?;
        others?.as_array()?.iter().find(|other| {
            other
                .as_object()
                .is_some_and(|other| keys.iter().all(|key| self.key_of(key, item) == self.key_of(key, other)))
        })
    }
}
