//! The shape of objects: what is filled in, owned and checked before an object is stored.

use serde_json::Value;

use super::{Call, Part, addresses, token};
use crate::fields::{self, Manager};
use crate::kinds::{self, Generation, StatusRule};
use crate::object;
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::schema::{self, Schema};
use crate::state::State;

/// Whether changes of the specification are counted in `metadata.generation`.
pub fn counts_generations(resource: &Resource) -> bool {
    resource.is_custom() || generation(resource) != Generation::None
}

fn generation(resource: &Resource) -> Generation {
    kinds::facts(&resource.group, &resource.kind).map_or(Generation::None, |facts| facts.generation)
}

/// Whether an object may be created with a status.
pub fn keeps_status_on_create(resource: &Resource) -> bool {
    kinds::facts(&resource.group, &resource.kind)
        .is_some_and(|facts| facts.status == StatusRule::SubresourceKeptOnCreate)
}

/// Whether an update must say which version it is of.
pub fn needs_version(resource: &Resource) -> bool {
    resource.is_custom()
        || kinds::facts(&resource.group, &resource.kind).is_some_and(|facts| !facts.unconditional_update)
}

/// Whether a change is one of the specification: of anything but metadata and, where it has a path of its own, status.
pub fn spec_differs(resource: &Resource, before: &Value, after: &Value) -> bool {
    let annotations = |object: &Value| object["metadata"]["annotations"].clone();
    if generation(resource) == Generation::SpecAndAnnotations && annotations(before) != annotations(after) {
        return true;
    }
    let matters = |name: &str| name != "metadata" && !(resource.status && name == "status");
    let fields = |object: &'_ Value| object.as_object().into_iter().flatten().filter(|(name, _)| matters(name)).count();
    fields(before) != fields(after)
        || after.as_object().into_iter().flatten().any(|(name, value)| matters(name) && before.get(name) != Some(value))
}

/// Fills in what a new object does not say.
pub fn complete_new(state: &mut State, call: &Call<'_>, object: &mut Value) {
    complete(call, object);
    match &*call.resource.key {
        "services" => addresses::allocate(state, object),
        "pods" => token::mount(state, call.namespace, object),
        _ => {}
    }
}

/// Fills in what an object does not say.
pub fn complete(call: &Call<'_>, object: &mut Value) {
    let resource = call.resource;
    match &resource.custom {
        Some(custom) => default(call, &custom.schema, object),
        None => kinds::default(&resource.group, &resource.kind, object),
    }
}

fn default(call: &Call<'_>, schema: &Schema, object: &mut Value) {
    if call.managed {
        schema::default_applied(schema, object);
    } else {
        schema::default(schema, object);
    }
}

/// Checks what an object says.
pub fn check(state: &State, resource: &Resource, new: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let mut causes = match &resource.custom {
        Some(custom) => {
            let mut causes = kinds::validate_metadata(resource.namespaced, new, old);
            causes.extend(schema::validate_values(&custom.schema, new, old));
            causes.extend(scale_causes(resource, new));
            causes.extend(schema::validate_rules(&custom.schema, new, old, &causes));
            causes
        }
        None => kinds::validate(&resource.group, &resource.kind, new, old),
    };
    if old.is_some() {
        // An update's metadata is looked at twice.
        let of_metadata = |cause: &&Cause| cause.field.starts_with("metadata.");
        let twice: Vec<Cause> = causes.iter().filter(of_metadata).cloned().collect();
        causes.splice(0..0, twice);
    }
    if causes.is_empty() && *resource.key == *"services" {
        causes = addresses::check(state, new);
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, object::name(new), &causes)) }
}

/// The sizes that the scale subresource shows must be numbers.
fn scale_causes(resource: &Resource, object: &Value) -> Vec<Cause> {
    let Some(scale) = &resource.scale else { return Vec::new() };
    let mut causes = Vec::new();
    for pointer in [&scale.spec_replicas, &scale.status_replicas] {
        let path = pointer.replace('/', ".");
        let wrong = |size: i64, why: &str| Cause::invalid(path.clone(), &size.into(), why);
        let found = |value: &Value, kind: &str| {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            wrong(0, &format!("{path} accessor error: {shown} is of the type {kind}, expected int64"))
        };
        match object.pointer(pointer) {
            Some(value @ Value::String(_)) => causes.push(found(value, "string")),
            Some(value @ Value::Bool(_)) => causes.push(found(value, "bool")),
            Some(value @ Value::Number(number)) => match number.as_i64() {
                Some(size) if size < 0 => causes.push(wrong(size, "should be a non-negative integer")),
                Some(_) => {}
                None => causes.push(found(value, "float64")),
            },
            _ => {}
        }
    }
    causes
}

/// Fills in what belongs to the writer of an object, whether it says so or not.
pub fn fill_in(call: &Call<'_>, object: &mut Value) {
    let resource = call.resource;
    match &resource.custom {
        Some(custom) => default(call, &custom.schema, object),
        None => kinds::fill_in(&resource.group, &resource.kind, object),
    }
}

/// Records who owns which fields, unless the object was applied and carries that already.
pub fn own_fields(state: &State, call: &Call<'_>, before: Option<&Value>, after: &mut Value) {
    if !call.managed
        && let Some(schema) = call.resource.schema()
    {
        fields::update(&schema, before, after, &manager(state, call));
    }
}

/// Who writes, as it stands in `managedFields`.
pub fn manager(state: &State, call: &Call<'_>) -> Manager {
    let subresource = match call.part {
        Part::Main => "",
        Part::Status => "status",
        Part::Scale => "scale",
        Part::Finalizers => "finalize",
    };
    Manager {
        name: call.manager.to_owned(),
        api_version: call.resource.api_version(),
        subresource: subresource.to_owned(),
        // Whoever scales by way of a Scale leaves no time behind.
        time: if call.part == Part::Scale && !call.managed { String::new() } else { object::time(state.now) },
        has_status: call.resource.status,
    }
}

/// Whether two versions of an object differ in nothing but the times of its field managers.
pub fn is_same(before: &Value, after: &Value) -> bool {
    let fields = |object: &Value| object.as_object().map_or(0, serde_json::Map::len);
    let same = |(name, value): (&String, &Value)| match name.as_str() {
        "metadata" => same_metadata(&before["metadata"], value),
        _ => before.get(name) == Some(value),
    };
    fields(before) == fields(after) && after.as_object().into_iter().flatten().all(same)
}

fn same_metadata(before: &Value, after: &Value) -> bool {
    let fields = |object: &Value| object.as_object().map_or(0, serde_json::Map::len);
    let untimed = |entries: &Value| {
        let mut entries = entries.clone();
        for entry in entries.as_array_mut().into_iter().flatten() {
            entry["time"] = Value::Null;
        }
        entries
    };
    let same = |(name, value): (&String, &Value)| {
        before.get(name) == Some(value) || name == "managedFields" && untimed(&before[name]) == untimed(value)
    };
    fields(before) == fields(after) && after.as_object().into_iter().flatten().all(same)
}
