//! What is stored once and shown in several versions: events, which are stored as those of the core group and shown as those of
//! `events.k8s.io`, too; and custom resources, of which the versions differ in nothing but their name.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::kinds;
use crate::resource::Resource;

/// The second group of events.
pub const EVENTS: &str = "events.k8s.io";

/// The fields that the two groups call differently: in the core group, in the other.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// A stored object as this resource shows it.
pub fn shown<'a>(resource: &Resource, stored: &'a Value) -> Cow<'a, Value> {
    if resource.is_custom() && stored["apiVersion"] != resource.api_version() {
        let mut shown = stored.clone();
        shown["apiVersion"] = json!(resource.api_version());
        return Cow::Owned(shown);
    }
    if resource.group != EVENTS {
        return Cow::Borrowed(stored);
    }
    let mut event = renamed(stored, |name| NAMES.iter().find(|(core, _)| *core == name).map(|(_, new)| *new));
    event.retain(|name, value| {
        let is_nothing = value.is_null() || value == "" || value.as_object().is_some_and(Map::is_empty) || *value == 0;
        name == "eventTime" || !is_nothing
    });
    event.insert("apiVersion".to_owned(), json!("events.k8s.io/v1"));
    Cow::Owned(Value::Object(event))
}

/// What this resource shows, as it is stored.
pub fn stored(resource: &Resource, shown: Value) -> Value {
    if resource.group != EVENTS {
        return shown;
    }
    let mut event = renamed(&shown, |name| NAMES.iter().find(|(_, new)| *new == name).map(|(core, _)| *core));
    event.insert("apiVersion".to_owned(), json!("v1"));
    let mut event = Value::Object(event);
    kinds::default("", "Event", &mut event);
    event
}

fn renamed(object: &Value, name: impl Fn(&str) -> Option<&'static str>) -> Map<String, Value> {
    let fields = object.as_object().into_iter().flatten();
    fields.map(|(old, value)| (name(old).unwrap_or(old).to_owned(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Registry;

    #[test]
    fn an_event_has_the_same_content_under_both_names() {
        let registry = Registry::builtin();
        let new = registry.find(EVENTS, "v1", "events").expect("it is served");
        let told = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "a" }, "note": "It was told",
            "regarding": { "kind": "ConfigMap", "name": "b" }, "eventTime": null,
        });
        let event = stored(new, told.clone());
        assert_eq!((&event["message"], &event["involvedObject"]["name"]), (&json!("It was told"), &json!("b")));
        assert_eq!(*shown(new, &event), told);
    }
}
