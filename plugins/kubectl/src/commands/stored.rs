//! Objects as the API server has them, for programs: what kubectl would print.

use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use kube::{Client, Resource, ResourceExt as _};
use serde_json::{Value, json};

use crate::output::{Output, of};
use crate::problem::Problem;

/// The objects of a kind, with fields that this program does not know, of a namespace or of all.
pub fn all_fields<K>(client: Client, namespace: Option<&str>) -> Api<DynamicObject>
where
    K: Resource,
    K::DynamicType: Default,
{
    let resource = ApiResource::erase::<K>(&K::DynamicType::default());
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    }
}

/// One object in this form, if it is one that is not for people.
pub fn one<K>(object: &DynamicObject, output: Output) -> Option<Result<String, Problem>>
where
    K: Resource,
    K::DynamicType: Default,
{
    if output == Output::Name {
        return Some(Ok(name::<K>(object)));
    }
    output.structured(&shown::<K>(object))
}

/// Several objects in this form, as a List.
pub fn list<K>(objects: &[DynamicObject], output: Output) -> Option<Result<String, Problem>>
where
    K: Resource,
    K::DynamicType: Default,
{
    if output == Output::Name {
        return Some(Ok(objects.iter().map(name::<K>).collect()));
    }
    let items: Vec<Value> = objects.iter().map(shown::<K>).collect();
    output.structured(&json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}))
}

/// Without the record of who set which field, as kubectl shows it; items of lists come without their kind.
fn shown<K>(object: &DynamicObject) -> Value
where
    K: Resource,
    K::DynamicType: Default,
{
    let kind = K::DynamicType::default();
    let mut value = of(object);
    value["apiVersion"] = K::api_version(&kind).into();
    value["kind"] = K::kind(&kind).into();
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    value
}

/// `rollout.argoproj.io/web`.
fn name<K>(object: &DynamicObject) -> String
where
    K: Resource,
    K::DynamicType: Default,
{
    let kind = K::DynamicType::default();
    format!("{}.{}/{}\n", K::kind(&kind).to_lowercase(), K::group(&kind), object.name_any())
}
