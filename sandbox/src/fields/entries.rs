//! The entries of `managedFields`: one for each manager, operation, version and subresource.

use serde_json::{Map, Value, json};

use super::Manager;
use super::set::{Set, unite};

/// More updaters than these are put together as `ancient-changes`, the oldest first.
const MOST_UPDATERS: usize = 10;

/// The entries of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entries(pub(super) Vec<Value>);

impl Entries {
    /// Those that a write starts with. A client may send others, except to a subresource, and may reset them; if it sends
    /// none, or what makes no sense, those that are there stay.
    pub(super) fn of_write(before: Option<&Value>, after: &mut Value, writer: &Manager) -> Entries {
        let live = || before.and_then(managed_fields).cloned().unwrap_or_default();
        let sent = after
            .get_mut("metadata")
            .and_then(Value::as_object_mut)
            .and_then(|metadata| metadata.remove("managedFields"))
            .filter(|_| writer.subresource.is_empty());
        let Some(Value::Array(sent)) = sent else { return Entries(live()) };
        let is_reset = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
        if sent.is_empty() || sent.len() == 1 && is_reset(&sent[0]) {
            return Entries::default();
        }
        if Some(&sent) == before.and_then(managed_fields) {
            return Entries(sent);
        }
        if !sent.iter().all(makes_sense) {
            return Entries(live());
        }
        Entries(sent.into_iter().map(canonical).collect())
    }

    /// Those that are there.
    pub(super) fn of(object: &Value) -> Entries {
        Entries(managed_fields(object).cloned().unwrap_or_default())
    }

    /// Takes fields away from all; the entries that have none left go.
    pub(super) fn take(&mut self, changed: &Set, removed: &Set) {
        if changed.is_empty() && removed.is_empty() {
            return;
        }
        self.0.retain_mut(|entry| {
            let Some(Value::Object(owned)) = entry.get_mut("fieldsV1") else { return false };
            let mut set = Set(std::mem::take(owned));
            set.subtract(changed);
            set.subtract(removed);
            *owned = set.0;
            !owned.is_empty()
        });
    }

    /// The place of the entry of a writer.
    pub(super) fn find(&self, writer: &Manager, operation: &str) -> Option<usize> {
        self.0.iter().position(|entry| {
            text(entry, "manager") == name(writer)
                && text(entry, "operation") == operation
                && text(entry, "subresource") == writer.subresource
                && (operation == "Apply" || text(entry, "apiVersion") == writer.api_version)
        })
    }

    /// Adds fields to the entry of an updater, which has written just now.
    pub(super) fn give(&mut self, fields: Set, writer: &Manager) {
        if fields.is_empty() {
            return;
        }
        let Some(place) = self.find(writer, "Update") else {
            self.0.push(entry(writer, "Update", fields));
            return;
        };
        let entry = &mut self.0[place];
        if !writer.time.is_empty() {
            entry["time"] = Value::from(writer.time.as_str());
        }
        if let Some(Value::Object(owned)) = entry.get_mut("fieldsV1") {
            unite(owned, &fields.0);
        }
    }

    /// Puts the oldest updaters of a version together while there are too many.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<usize> =
            (0..self.0.len()).filter(|place| text(&self.0[*place], "operation") == "Update").collect();
        if updaters.len() <= MOST_UPDATERS {
            return;
        }
        let age = |entry: &Value| (text(entry, "time").to_string(), identity(entry));
        updaters.sort_by_key(|place| age(&self.0[*place]));
        let mut too_many = updaters.len() - MOST_UPDATERS;
        let mut firsts: Vec<usize> = Vec::new();
        let mut gone = Vec::new();
        for place in updaters {
            if too_many == 0 {
                break;
            }
            let version = text(&self.0[place], "apiVersion").to_string();
            let Some(first) = firsts.iter().copied().find(|first| text(&self.0[*first], "apiVersion") == version)
            else {
                firsts.push(place);
                continue;
            };
            let merged = std::mem::take(&mut self.0[place]);
            self.0[first] = together(std::mem::take(&mut self.0[first]), &merged, &version);
            gone.push(place);
            too_many -= 1;
        }
        let mut place = 0;
        self.0.retain(|_| {
            place += 1;
            !gone.contains(&(place - 1))
        });
    }

    /// Puts the entries into an object, in their order: appliers first, then by age.
    pub(super) fn put(mut self, object: &mut Value) {
        self.0.sort_by(|one, other| {
            let keys = ["operation", "time", "manager", "apiVersion", "subresource"];
            keys.map(|key| text(one, key)).cmp(&keys.map(|key| text(other, key)))
        });
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if self.0.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_string(), Value::Array(self.0));
        }
    }
}

/// The name under which a writer is known.
pub(super) fn name(writer: &Manager) -> &str {
    if writer.name.is_empty() { "unknown" } else { &writer.name }
}

pub(super) fn entry(writer: &Manager, operation: &str, fields: Set) -> Value {
    let mut entry = json!({
        "manager": name(writer),
        "operation": operation,
        "apiVersion": writer.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.encode(),
    });
    if !writer.time.is_empty() {
        entry["time"] = Value::from(writer.time.as_str());
    }
    if !writer.subresource.is_empty() {
        entry["subresource"] = Value::from(writer.subresource.as_str());
    }
    entry
}

pub(super) fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What the real server tells entries apart by, and sorts them by where nothing else decides.
pub(super) fn identity(entry: &Value) -> String {
    let keys = ["manager", "operation", "apiVersion", "subresource"];
    keys.map(|key| text(entry, key)).join("\n")
}

fn managed_fields(object: &Value) -> Option<&Vec<Value>> {
    object.get("metadata")?.get("managedFields")?.as_array()
}

fn makes_sense(entry: &Value) -> bool {
    matches!(text(entry, "operation"), "Apply" | "Update")
        && !text(entry, "apiVersion").is_empty()
        && text(entry, "fieldsType") == "FieldsV1"
}

fn canonical(mut entry: Value) -> Value {
    let fields = Set::decode(entry.get("fieldsV1").unwrap_or(&Value::Null));
    entry["fieldsV1"] = fields.encode();
    entry
}

fn together(mut first: Value, other: &Value, version: &str) -> Value {
    let mut fields = Set::decode(&first["fieldsV1"].take());
    fields.unite(&Set::decode(&other["fieldsV1"]));
    let time = other.get("time").cloned().unwrap_or_default();
    json!({
        "manager": "ancient-changes",
        "operation": "Update",
        "apiVersion": version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.encode(),
    })
}
