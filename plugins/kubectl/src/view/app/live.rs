//! Objects of the cluster, fit to be shown: what a Secret holds is not for the screen.

use serde_json::{Value, json};

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
