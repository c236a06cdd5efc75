//! The custom resource definitions, made from the types.
//!
//! What the derive makes is put into the form that Kubernetes asks for, and that Argo Rollouts' definitions have: no defaults
//! (the controller applies them), no `nullable` (the API server then drops a null as if the field were absent), and integers
//! or text where either is allowed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceSubresources, JSONSchemaProps, JSONSchemaPropsOrArray,
    JSONSchemaPropsOrBool, ValidationRule,
};
use kube_core::CustomResourceExt;

use super::{AnalysisRun, AnalysisTemplate, AppProject, ClusterAnalysisTemplate, Experiment, Rollout, application};

/// The definitions of progressive delivery, in the order in which people meet them.
pub fn all() -> Vec<CustomResourceDefinition> {
    let mut definitions = tuned(vec![
        Rollout::crd(),
        AnalysisRun::crd(),
        AnalysisTemplate::crd(),
        ClusterAnalysisTemplate::crd(),
        Experiment::crd(),
    ]);
    make_selector_immutable(&mut definitions[0]);
    definitions
}

/// Those of the GitOps core. They are apart because a cluster with Argo CD has its own, which are not to be written over.
pub fn gitops() -> Vec<CustomResourceDefinition> {
    tuned(vec![application::crd::application(), AppProject::crd()])
}

fn tuned(mut definitions: Vec<CustomResourceDefinition>) -> Vec<CustomResourceDefinition> {
    for definition in &mut definitions {
        // Tools that write the status of runs and experiments write the whole object.
        let whole = ["AnalysisRun", "Experiment"].contains(&definition.spec.names.kind.as_str());
        for version in &mut definition.spec.versions {
            if whole {
                version.subresources = Some(CustomResourceSubresources::default());
            }
            if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
                tune(schema);
            }
        }
    }
    definitions
}

fn tune(schema: &mut JSONSchemaProps) {
    schema.default = None;
    schema.nullable = None;
    if schema.format.as_deref() == Some("int-or-string") || is_int_or_string(schema) {
        *schema = JSONSchemaProps {
            description: schema.description.take(),
            x_kubernetes_int_or_string: Some(true),
            ..JSONSchemaProps::default()
        };
    }
    // Bounds that only restate the integer's width.
    if schema.format.as_deref().is_some_and(|format| format.starts_with("int")) {
        (schema.minimum, schema.maximum) = (None, None);
    }
    for child in schema.properties.iter_mut().flatten().map(|(_, child)| child) {
        tune(child);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = schema.items.as_mut() {
        tune(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = schema.additional_properties.as_mut() {
        tune(values);
    }
}

fn is_int_or_string(schema: &JSONSchemaProps) -> bool {
    let alternatives = schema.any_of.iter().chain(&schema.one_of).flatten();
    let types: Vec<_> = alternatives.filter_map(|alternative| alternative.type_.as_deref()).collect();
    types.contains(&"integer") && types.contains(&"string")
}

/// A changed selector would orphan every ReplicaSet at once.
fn make_selector_immutable(rollouts: &mut CustomResourceDefinition) {
    let schemas =
        rollouts.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        let spec = schema.properties.as_mut().and_then(|properties| properties.get_mut("spec"));
        let selector = spec.and_then(|spec| spec.properties.as_mut()?.get_mut("selector"));
        if let Some(selector) = selector {
            selector.x_kubernetes_validations = Some(vec![ValidationRule {
                rule: "self == oldSelf".into(),
                message: Some("Value is immutable".into()),
                ..ValidationRule::default()
            }]);
        }
    }
}
