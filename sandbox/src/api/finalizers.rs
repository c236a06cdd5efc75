//! What writers of custom resources are warned of: finalizers that others may have, too.

use serde_json::Value;

use crate::read::{at, items};
use crate::resource::Resource;

/// A warning for each finalizer without a path that the object did not have before.
pub fn warnings(resource: &Resource, object: &Value, before: Option<&Value>) -> Vec<String> {
    if !resource.is_custom() {
        return Vec::new();
    }
    let had = before.map_or(&[][..], |before| items(at(before, "metadata"), "finalizers"));
    let new = items(at(object, "metadata"), "finalizers").iter().filter(|name| !had.contains(name));
    let bare = new.filter_map(Value::as_str).filter(|name| !name.contains('/'));
    let warning = |name: &str| {
        format!(
            "metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental \
             conflicts with other finalizer writers"
        )
    };
    bare.filter(|name| !["orphan", "foregroundDeletion"].contains(name)).map(warning).collect()
}
