//! The ports of a Service as a pod has them.

use serde_json::{Value, json};

/// A target by name is looked up in the pod; one that it does not have is left out.
pub fn of(service: &Value, pod: &Value) -> Vec<Value> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let found = ports.filter_map(|port| {
        let number = match &port["targetPort"] {
            Value::String(name) => named(pod, name)?,
            Value::Null => port["port"].as_i64()?,
            number => number.as_i64()?,
        };
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let mut found =
            json!({ "name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": protocol });
        if let Some(application) = port.get("appProtocol") {
            found["appProtocol"] = application.clone();
        }
        Some(found)
    });
    found.collect()
}

fn named(pod: &Value, name: &str) -> Option<i64> {
    let containers = pod["spec"]["containers"].as_array()?.iter();
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.find(|port| port["name"] == name)?["containerPort"].as_i64()
}
