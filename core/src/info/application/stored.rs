//! Applications as they are stored.

use std::borrow::Cow;

use crate::api::Application;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::{NamespaceResourceScope, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An Application as it is stored. Whoever wrote it may know more fields than this program: what is shown or written back has them
/// all. And one that makes no sense does not hide the others of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Name, namespace and what else every object has.
    pub metadata: ObjectMeta,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Stored {
    /// What it says.
    pub fn read(&self) -> Result<Application, String> {
        serde_json::from_value(self.value()).map_err(|error| error.to_string())
    }

    /// All of it as it is stored.
    pub fn value(&self) -> Value {
        let mut value = Value::Object(self.rest.clone());
        value["metadata"] = json!(self.metadata);
        value["apiVersion"] = json!("argoproj.io/v1alpha1");
        value["kind"] = json!("Application");
        value
    }

    /// All of it that a person wants to read: without the record of who set which field.
    pub fn shown(&self) -> Value {
        let mut shown = self.clone();
        shown.metadata.managed_fields = None;
        shown.value()
    }

    /// Its name, after its namespace.
    pub fn full_name(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("{}/{}", part(&self.metadata.namespace), part(&self.metadata.name))
    }
}

impl Resource for Stored {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Application::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Application::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Application::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Application::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_here_is_kept_and_what_nobody_reads_is_not_shown() {
        let stored: Stored = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "gitops", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"project": "default", "destination": {}, "gizmo": 1},
        }))
        .expect("an Application");
        assert_eq!(stored.value()["spec"]["gizmo"], 1);
        assert_eq!(stored.value()["metadata"]["managedFields"][0]["manager"], "kubectl");
        assert_eq!(stored.shown()["metadata"], json!({"name": "web", "namespace": "gitops"}));
        assert_eq!(stored.full_name(), "gitops/web");
        assert_eq!(stored.read().expect("an Application").spec.project, "default");
    }

    #[test]
    fn one_that_makes_no_sense_says_why() {
        let stored: Stored = serde_json::from_value(json!({"metadata": {}, "spec": 1})).expect("an object");
        let why = stored.read().expect_err("a problem");
        assert!(why.contains("invalid type"), "{why}");
    }
}
