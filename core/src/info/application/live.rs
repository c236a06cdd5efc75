//! Objects of the cluster, fit to be shown: what a Secret holds is not for the screen.

use serde_json::{Value, json};

use crate::gitops::key::Key;

/// Stands for something secret, whatever it is and how long.
const MASK: &str = "++++++++";
/// What `kubectl apply` keeps beside an object: its manifest, and with it what a Secret holds.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object as it is shown.
pub fn shown(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    if object["kind"] == "Secret" && object["apiVersion"] == "v1" {
        for field in ["data", "stringData"] {
            for value in object[field].as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
                *value = json!(MASK);
            }
        }
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut()
            && annotations.contains_key(LAST_APPLIED)
        {
            annotations.insert(LAST_APPLIED.to_owned(), json!(MASK));
        }
    }
    object
}

/// Whether an object is a Secret.
pub fn is_secret(key: &Key) -> bool {
    key.group.is_empty() && key.kind == "Secret"
}

/// Puts `+` in the place of every value of a Secret: as many where two are the same, and more where the second is another one.
pub fn mask(mut now: Option<&mut Value>, mut then: Option<&mut Value>) {
    for field in ["/data", "/stringData", "/metadata/annotations"] {
        let mut names: Vec<String> = Vec::new();
        for side in [&now, &then] {
            let fields = side.as_ref().and_then(|it| it.pointer(field)).and_then(Value::as_object);
            names.extend(fields.into_iter().flat_map(|fields| fields.keys().cloned()));
        }
        names.sort();
        names.dedup();
        // Of the annotations, only what `kubectl apply` keeps has all of the Secret in it.
        names.retain(|name| field != "/metadata/annotations" || name == LAST_APPLIED);
        for name in names {
            let value = |side: Option<&Value>| side.and_then(|it| it.pointer(field)?.get(&name).cloned());
            let (one, other) = (value(now.as_deref()), value(then.as_deref()));
            let is_changed = one.is_some() && one != other;
            put(now.as_deref_mut(), field, &name, 8);
            put(then.as_deref_mut(), field, &name, if is_changed { 12 } else { 8 });
        }
    }
}

fn put(side: Option<&mut Value>, field: &str, name: &str, length: usize) {
    let place = side.and_then(|it| it.pointer_mut(field)).and_then(|fields| fields.get_mut(name));
    if let Some(place) = place {
        *place = json!("+".repeat(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_secret_holds_is_masked_wherever_it_is() {
        let annotations = json!({LAST_APPLIED: "{\"data\":{\"password\":\"aHVudGVyMg==\"}}", "team": "a"});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "annotations": annotations},
            "data": {"password": "aHVudGVyMg==", "user": "amFuZQ=="}, "type": "Opaque",
        });
        let shown = shown(secret);
        assert_eq!(shown["data"], json!({"password": MASK, "user": MASK}));
        assert_eq!(shown["metadata"]["annotations"], json!({LAST_APPLIED: MASK, "team": "a"}));
        assert_eq!(shown["type"], "Opaque");
    }

    #[test]
    fn everything_else_is_shown_as_it_is_but_for_who_set_which_field() {
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
            "metadata": {"name": "settings", "managedFields": [{}]},
        });
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}, "metadata": {"name": "settings"},
        });
        assert_eq!(shown(map), expected);
        assert_eq!(shown(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}}))["data"], Value::Null);
    }
}
