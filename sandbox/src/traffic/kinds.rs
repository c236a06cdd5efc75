//! The kinds of the Gateway API and of Istio, as CustomResourceDefinitions of our own: small, and enough for the API to default and
//! to check what is read here.

use serde_json::Value;

/// Each file holds several documents; a version that says no more than its name is like the first one.
const FILES: [&str; 2] = [include_str!("kinds/gateway-api.yaml"), include_str!("kinds/istio.yaml")];

/// The class that Gateways may be of from the start. Others can be made: the sandbox plays the controller of every class.
pub const CLASS: &str = "sandbox";
/// The controller of that class.
pub const CONTROLLER: &str = "sluice.dev/sandbox";

/// The definitions.
///
/// # Panics
///
/// Never: a test reads the files.
pub fn definitions() -> Vec<Value> {
    let read = |file: &&str| serde_saphyr::from_multiple::<Value>(file).expect("the embedded files are YAML");
    FILES.iter().flat_map(read).map(complete).collect()
}

fn complete(mut definition: Value) -> Value {
    if let Some(versions) = definition.pointer_mut("/spec/versions").and_then(Value::as_array_mut)
        && let Some(first) = versions.first().and_then(Value::as_object).cloned()
    {
        for version in versions.iter_mut().filter_map(Value::as_object_mut) {
            for (field, value) in &first {
                version.entry(field).or_insert_with(|| value.clone());
            }
        }
    }
    definition
}

/// The class from the start.
pub fn class() -> Value {
    serde_json::json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": { "name": CLASS }, "spec": { "controllerName": CONTROLLER },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_every_kind_has_a_schema() {
        let definitions = definitions();
        let names: Vec<&str> = definitions.iter().map(crate::object::name).collect();
        assert_eq!(names.len(), 7, "{names:?}");
        for definition in &definitions {
            let versions = definition["spec"]["versions"].as_array().expect("versions");
            assert!(versions.iter().all(|version| version["schema"]["openAPIV3Schema"].is_object()), "{definition}");
            let stored = versions.iter().filter(|version| version["storage"] == true).count();
            assert_eq!(stored, 1, "{definition}");
        }
    }
}
