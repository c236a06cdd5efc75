//! From the client's apply to the server's: fields that `kubectl apply`, or Argo CD by it, has set belong to a manager who updates. An
//! apply on the server does not take them away when Git drops them. So they are made fields of the manager that applies.

use serde_json::{Map, Value, json};

use super::cluster::MANAGER;

/// Managers that have applied by the client.
const CLIENTS: [&str; 2] = ["kubectl-client-side-apply", MANAGER];

/// Whether fields of this manager, by this operation on this subresource, were applied by the client.
pub fn is_of_client(manager: Option<&str>, operation: Option<&str>, subresource: Option<&str>) -> bool {
    operation == Some("Update")
        && subresource.is_none_or(str::is_empty)
        && manager.is_some_and(|manager| CLIENTS.contains(&manager))
}

fn is_entry_of_client(entry: &Value) -> bool {
    is_of_client(entry["manager"].as_str(), entry["operation"].as_str(), entry["subresource"].as_str())
}

/// Whether fields of an object belong to somebody who has applied by the client.
pub fn is_applied_by_client(object: &Value) -> bool {
    object["metadata"]["managedFields"].as_array().is_some_and(|entries| entries.iter().any(is_entry_of_client))
}

/// What the managers of an object should be; `None` where they are right.
pub fn managers(object: &Value) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let (old, mut kept): (Vec<Value>, Vec<Value>) = entries.iter().cloned().partition(is_entry_of_client);
    let first = old.first()?.clone();
    let is_own = |entry: &Value| entry["manager"] == MANAGER && entry["operation"] == "Apply";
    let mut own = match kept.iter().position(is_own) {
        Some(place) => kept.remove(place),
        None => json!({
            "manager": MANAGER, "operation": "Apply", "apiVersion": first["apiVersion"], "time": first["time"],
            "fieldsType": "FieldsV1", "fieldsV1": {},
        }),
    };
    for entry in old {
        unite(&mut own["fieldsV1"], &entry["fieldsV1"]);
    }
    // The client's memory of what it has applied goes with the next apply.
    kept.insert(0, own);
    Some(Value::Array(kept))
}

fn unite(into: &mut Value, from: &Value) {
    let Some(from) = from.as_object() else { return };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    for (name, value) in from {
        unite(&mut into[name], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields })
    }

    #[test]
    fn fields_that_the_client_has_applied_become_fields_of_the_servers_apply() {
        let object = json!({ "metadata": { "managedFields": [
            entry("kubectl-client-side-apply", "Update", &json!({ "f:data": { "f:a": {} } })),
            entry("argocd-controller", "Apply", &json!({ "f:data": { ".": {}, "f:b": {} } })),
            entry("somebody", "Update", &json!({ "f:data": { "f:c": {} } })),
        ] } });
        assert!(is_applied_by_client(&object));
        let expected = json!([
            entry("argocd-controller", "Apply", &json!({ "f:data": { ".": {}, "f:a": {}, "f:b": {} } })),
            entry("somebody", "Update", &json!({ "f:data": { "f:c": {} } })),
        ]);
        assert_eq!(managers(&object), Some(expected));
    }

    #[test]
    fn nothing_is_changed_where_the_client_has_applied_nothing() {
        let status = json!({ "manager": MANAGER, "operation": "Update", "subresource": "status", "fieldsV1": {} });
        let object = json!({ "metadata": { "managedFields": [status] } });
        assert!(!is_applied_by_client(&object));
        assert_eq!(managers(&object), None);
        assert_eq!(managers(&json!({ "metadata": {} })), None);
    }
}
