//! What holds data: maps, secrets, accounts and claims.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{name, written};
use super::duration::age;
use crate::read::{at, entries, items, text};

/// The cells of a ConfigMap.
pub(super) fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let keys = entries(object, "data").count() + entries(object, "binaryData").count();
    vec![name(object), json!(keys), age(object, now)]
}

/// The cells of a Secret.
pub(super) fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "type")), json!(entries(object, "data").count()), age(object, now)]
}

/// The cells of a `ServiceAccount`.
pub(super) fn service_account(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(items(object, "secrets").len()), age(object, now)]
}

/// The cells of a `PersistentVolumeClaim`. Until it has a volume, its size is only a wish.
pub(super) fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_leaving = !text(object, "metadata.deletionTimestamp").is_empty();
    let status = if is_leaving { "Terminating" } else { text(object, "status.phase") };
    let volume = text(object, "spec.volumeName");
    let (capacity, modes) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        (written(at(object, "status.capacity.storage"), "0"), access_modes(object))
    };
    vec![
        name(object),
        json!(status),
        json!(volume),
        json!(capacity),
        json!(modes),
        json!(text(object, "spec.storageClassName")),
        json!(written(at(object, "spec.volumeAttributesClassName"), "<unset>")),
        age(object, now),
        json!(written(at(object, "spec.volumeMode"), "<unset>")),
    ]
}

fn access_modes(claim: &Value) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let modes = items(claim, "status.accessModes");
    let shown = SHORT.iter().filter(|(mode, _)| modes.iter().any(|given| given == mode)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",")
}
