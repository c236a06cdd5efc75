//! Where an object belongs, and what a writer cannot change.

use std::num::IntErrorKind;

use serde_json::{Map, Value, json};

use super::{Call, Part, map, map_of, shape};
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;

/// The object's kind and namespace are those of the path.
pub(super) fn place(call: &Call<'_>, object: &mut Value) -> Result<(), Refusal> {
    let resource = call.resource;
    let Some(fields) = object.as_object_mut() else {
        return Err(Refusal::bad_request(format!("the body must be an object of kind {}", resource.kind)));
    };
    fields.insert("apiVersion".into(), json!(resource.api_version()));
    fields.insert("kind".into(), json!(resource.kind));
    let metadata = map(object, "metadata");
    match metadata.get("namespace").and_then(Value::as_str) {
        Some(given) if !given.is_empty() && given != call.namespace => Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        _ if resource.namespaced => {
            metadata.insert("namespace".into(), json!(call.namespace));
            Ok(())
        }
        _ => {
            metadata.remove("namespace");
            Ok(())
        }
    }
}

/// Nothing is created in a namespace that is not there, or that is going away.
pub(super) fn namespace_takes(state: &State, call: &Call<'_>, new: &Value) -> Result<(), Refusal> {
    if !call.resource.namespaced {
        return Ok(());
    }
    let namespaces = state.registry.known("namespaces");
    let Some(namespace) = state.store.get("namespaces", "", call.namespace) else {
        return Err(Refusal::not_found(&namespaces, call.namespace));
    };
    if !object::is_deleting(namespace) {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {} because it is being terminated", call.namespace);
    let mut refusal = Refusal::forbidden(call.resource, object::name(new), &why);
    refusal.details["causes"] = json!([{
        "reason": "NamespaceTerminating",
        "message": format!("namespace {} is being terminated", call.namespace),
        "field": "metadata.namespace",
    }]);
    Err(refusal)
}

/// A `resourceVersion` or `uid` that the writer gives must be the object's.
pub(super) fn precondition(resource: &Resource, name: &str, current: &Value, new: &mut Value) -> Result<(), Refusal> {
    let (given, uid) = (object::meta(new, "resourceVersion").to_owned(), object::uid(new).to_owned());
    if given.is_empty() && shape::needs_version(resource) {
        let cause = crate::refusal::Cause {
            reason: "FieldValueInvalid",
            message: "Invalid value: 0: must be specified for an update".into(),
            field: "metadata.resourceVersion".into(),
        };
        let mut refusal = Refusal::invalid(resource, name, &[cause]);
        if resource.is_custom() {
            refusal.details["kind"] = json!(resource.plural);
            refusal.message = refusal.message.replacen(&resource.kind, &resource.plural, 1);
        }
        return Err(refusal);
    }
    if let Err(error) = given.parse::<u64>()
        && !given.is_empty()
    {
        let why =
            if matches!(error.kind(), IntErrorKind::PosOverflow) { "value out of range" } else { "invalid syntax" };
        let message = format!("strconv.ParseUint: parsing {given:?}: {why}");
        return Err(Refusal::with(500, "", message, Value::Null));
    }
    if !given.is_empty() && given != object::meta(current, "resourceVersion") {
        return Err(Refusal::modified(resource, name));
    }
    if !uid.is_empty() && uid != object::uid(current) {
        let place = [&resource.plural, object::namespace(current), name];
        let group = if resource.is_custom() { format!("{}/", resource.group) } else { String::new() };
        let key = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{group}{key}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            object::uid(current)
        );
        return Err(Refusal::conflict(resource, name, &why));
    }
    Ok(())
}

/// Puts back what this part of the object may not change.
pub(super) fn keep_what_is_fixed(call: &Call<'_>, current: &Value, new: &mut Value) {
    const ASSIGNED: [&str; 9] = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ];
    let metadata = map(new, "metadata");
    for field in ASSIGNED {
        restore(metadata, &current["metadata"], field);
    }
    let Some(fields) = new.as_object_mut() else { return };
    match call.part {
        Part::Main | Part::Scale if call.resource.is_custom() && call.resource.status => {
            restore(fields, current, "status");
        }
        Part::Main | Part::Scale => crate::kinds::carry_over(&call.resource.group, &call.resource.kind, new, current),
        Part::Finalizers => restore(fields, current, "status"),
        Part::Status => {
            let names: Vec<String> =
                fields.keys().chain(current.as_object().into_iter().flat_map(Map::keys)).cloned().collect();
            for name in names.iter().filter(|name| !["status", "metadata"].contains(&name.as_str())) {
                restore(fields, current, name);
            }
            if call.resource.is_custom() {
                let managed = map_of(fields, "metadata").remove("managedFields");
                fields.insert("metadata".into(), current["metadata"].clone());
                let metadata = map_of(fields, "metadata");
                match managed {
                    Some(managed) => metadata.insert("managedFields".into(), managed),
                    None => metadata.remove("managedFields"),
                };
            } else if *call.resource.key == *"deployments.apps" {
                restore(map_of(fields, "metadata"), &current["metadata"], "labels");
            } else if *call.resource.key == *"pods" {
                restore(map_of(fields, "metadata"), &current["metadata"], "ownerReferences");
            }
        }
    }
}

fn restore(into: &mut Map<String, Value>, from: &Value, field: &str) {
    match from.get(field) {
        Some(value) => into.insert(field.to_owned(), value.clone()),
        None => into.remove(field),
    };
}
