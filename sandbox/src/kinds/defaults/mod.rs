//! Defaulting: what the API server adds to an object before it stores it.
//!
//! That is more than Go's defaulting functions do: the structures that Go always writes, even when they are empty; what
//! admission adds in every cluster; the first status; and fields behind feature gates that are off by default, which go.

mod admission;
mod batch;
mod fill;
mod pods;
mod services;
mod small;
mod tables;

use serde_json::Value;

use fill::apply;

/// Fills in what the API server fills in on a write, all together. It is harmless to repeat.
pub fn default(group: &str, kind: &str, object: &mut Value) {
    fill_in(group, kind, object);
    match (group, kind) {
        ("", "Pod") => pods::admit(object),
        ("", "Service") => services::admit(object),
        _ => {}
    }
}

/// Fills in what belongs to the writer, as if it had said so: all but what admission adds and what is allocated.
///
/// The store has done its part before: it has set `metadata`, and dropped or kept `status` as [`facts`](super::facts) says.
/// What needs the stored object, or other objects (cluster addresses, tokens of service accounts), is not done here.
pub fn fill_in(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Pod") => pods::default(object),
        ("", "Namespace") => small::namespace(object),
        ("", "Secret") => small::secret(object),
        ("", "Service") => services::default(object),
        ("", "Node") => small::node(object),
        ("", "ResourceQuota" | "LimitRange" | "PersistentVolumeClaim") => small::quantities(kind, object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => small::custom_resource_definition(object),
        _ => {}
    }
    if let Some(path) = tables::template(group, kind) {
        fill::each(object, path, &mut pods::default_template);
    }
    apply(object, tables::of(group, kind));
    small::computed(group, kind, object);
}
