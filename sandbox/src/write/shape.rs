//! The shape of objects: what is decoded, filled in, owned and checked before an object is stored.

use serde_json::Value;

use super::{Call, Unknown, map};
use crate::object;
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::schema;
use crate::state::State;

/// Whether changes of the specification are counted in `metadata.generation`.
pub fn counts_generations(resource: &Resource) -> bool {
    const COUNTED: [&str; 8] =
        ["apps", "batch", "networking.k8s.io", "policy", "apiextensions.k8s.io", "", "", "discovery.k8s.io"];
    resource.is_custom()
        || (COUNTED.contains(&resource.group.as_str())
            && !resource.group.is_empty()
            && resource.kind != "ControllerRevision")
        || resource.kind == "Pod"
}

/// Whether an object may be created with a status.
pub fn keeps_status_on_create(resource: &Resource) -> bool {
    resource.kind == "Node"
}

/// Whether a change is one of the specification: of anything but metadata and, where it has a path of its own, status.
pub fn spec_differs(resource: &Resource, before: &Value, after: &Value) -> bool {
    if !resource.is_custom() {
        return before["spec"] != after["spec"];
    }
    let matters = |name: &str| name != "metadata" && !(resource.status && name == "status");
    let fields = |object: &'_ Value| object.as_object().into_iter().flatten().filter(|(name, _)| matters(name)).count();
    fields(before) != fields(after)
        || after.as_object().into_iter().flatten().any(|(name, value)| matters(name) && before.get(name) != Some(value))
}

/// Reads an object as its type: values of a wrong type are refused, and fields that nobody knows are dropped.
pub fn decode(state: &mut State, call: &Call<'_>, object: &mut Value) -> Result<(), Refusal> {
    let resource = call.resource;
    let Some(schema) = resource.schema().filter(|_| call.unknown != Unknown::Trusted) else { return Ok(()) };
    let cannot = |why: &str| {
        let (kind, version) = (&resource.kind, &resource.version);
        Refusal::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    };
    if let Some(error) = schema::decode_error(&schema, object) {
        return Err(cannot(&error));
    }
    let unknown: Vec<String> =
        schema::prune(&schema, object).into_iter().map(|path| format!("unknown field {path:?}")).collect();
    match call.unknown {
        Unknown::Refused if !unknown.is_empty() => {
            Err(cannot(&format!("strict decoding error: {}", unknown.join(", "))))
        }
        Unknown::Warned => {
            state.warnings.extend(unknown);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Fills in what a new object does not say.
pub fn complete_new(state: &mut State, call: &Call<'_>, object: &mut Value) -> Result<(), Refusal> {
    complete(call, object)?;
    if call.resource.key.as_ref() == "namespaces" {
        let name = object::name(object).to_owned();
        map(super::child(object, "metadata"), "labels").insert("kubernetes.io/metadata.name".into(), name.into());
        map(object, "spec").insert("finalizers".into(), serde_json::json!(["kubernetes"]));
        map(object, "status").insert("phase".into(), "Active".into());
    }
    if call.resource.key.as_ref() == "pods" {
        map(object, "status").insert("phase".into(), "Pending".into());
    }
    let _ = state;
    Ok(())
}

/// Fills in what an object does not say.
pub fn complete(call: &Call<'_>, object: &mut Value) -> Result<(), Refusal> {
    let resource = call.resource;
    if let Some(custom) = &resource.custom {
        schema::default(&custom.schema, object);
    }
    if resource.group == "apps" && object["spec"]["template"].is_object() {
        sluice_core::identity::default_pod_template(&mut object["spec"]["template"]);
    }
    Ok(())
}

/// Checks what an object says.
pub fn check(resource: &Resource, new: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    if object::name(new).is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    }
    if let Some(custom) = &resource.custom {
        causes.extend(schema::validate(&custom.schema, new, old));
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, object::name(new), &causes)) }
}

/// Records who owns which fields.
pub fn own_fields(_call: &Call<'_>, _before: Option<&Value>, _after: &mut Value, _time: &str) {}
