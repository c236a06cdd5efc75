//! The shape of objects: what is decoded, filled in, owned and checked before an object is stored.

use serde_json::Value;

use super::{Call, Unknown, addresses};
use crate::kinds::{self, Generation, StatusRule};
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::schema;
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
pub fn complete_new(state: &mut State, call: &Call<'_>, object: &mut Value) {
    complete(call.resource, object);
    if *call.resource.key == *"services" {
        addresses::allocate(state, object);
    }
}

/// Fills in what an object does not say.
pub fn complete(resource: &Resource, object: &mut Value) {
    match &resource.custom {
        Some(custom) => schema::default(&custom.schema, object),
        None => kinds::default(&resource.group, &resource.kind, object),
    }
}

/// Checks what an object says.
pub fn check(resource: &Resource, new: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let causes = match &resource.custom {
        Some(custom) => {
            let mut causes = kinds::validate_metadata(resource.namespaced, new, old);
            causes.extend(schema::validate(&custom.schema, new, old));
            causes
        }
        None => kinds::validate(&resource.group, &resource.kind, new, old),
    };
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, object::name(new), &causes)) }
}

/// Records who owns which fields.
pub fn own_fields(_call: &Call<'_>, _before: Option<&Value>, _after: &mut Value, _time: &str) {}
