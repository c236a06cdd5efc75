//! The definitions in `crds/` are what the types say, and Kubernetes accepts them.
//!
//! `UPDATE=1 cargo test -p sluice-core --test crds` writes them anew.

use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use sluice_core::api::crds;

fn file_of(definition: &CustomResourceDefinition) -> PathBuf {
    let plural = &definition.spec.names.plural;
    let is_gitops = crds::gitops().iter().any(|one| one.spec.names.plural == *plural);
    let folder = if is_gitops { "../crds/gitops" } else { "../crds" };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{plural}.yaml"))
}

fn every() -> impl Iterator<Item = CustomResourceDefinition> {
    crds::all().into_iter().chain(crds::gitops())
}

fn schema_of(definition: &CustomResourceDefinition) -> &JSONSchemaProps {
    let schema = definition.spec.versions[0].schema.as_ref().expect("a schema");
    schema.open_api_v3_schema.as_ref().expect("a schema")
}

#[test]
fn the_committed_definitions_are_up_to_date() {
    for definition in every() {
        let (file, made) = (file_of(&definition), serde_saphyr::to_string(&definition).expect("YAML"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &made).expect("the folder is writable");
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == made, "{} is stale: run UPDATE=1 cargo test -p sluice-core --test crds", file.display());
    }
}

fn each(path: &str, schema: &JSONSchemaProps, check: &mut impl FnMut(&str, &JSONSchemaProps)) {
    check(path, schema);
    for (name, child) in schema.properties.iter().flatten() {
        each(&format!("{path}.{name}"), child, check);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        each(&format!("{path}[]"), items, check);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        each(&format!("{path}.*"), values, check);
    }
}

#[test]
fn every_schema_is_structural_and_without_defaults() {
    for definition in every() {
        each(&definition.spec.names.kind.clone(), schema_of(&definition), &mut |path, schema| {
            let open = schema.x_kubernetes_preserve_unknown_fields == Some(true);
            let either = schema.x_kubernetes_int_or_string == Some(true);
            assert!(schema.type_.is_some() || open || either, "{path} has no type");
            assert!(schema.ref_path.is_none() && schema.default.is_none() && schema.nullable.is_none(), "{path}");
            assert!(schema.any_of.is_none() && schema.one_of.is_none() && schema.all_of.is_none(), "{path}");
        });
    }
}

#[test]
fn every_field_is_described() {
    for definition in crds::all() {
        let mut undescribed = Vec::new();
        each(&definition.spec.names.kind.clone(), schema_of(&definition), &mut |path, schema| {
            let leaf = path.ends_with("[]") || path.ends_with(".*") || path.contains(".metadata");
            if schema.description.is_none() && !leaf && path.contains('.') && !path.contains(".template.") {
                undescribed.push(path.to_owned());
            }
        });
        assert_eq!(undescribed, Vec::<String>::new());
    }
}

#[test]
fn the_selector_of_a_rollout_cannot_change() {
    let definition = &crds::all()[0];
    let spec = &schema_of(definition).properties.as_ref().expect("properties")["spec"];
    let selector = &spec.properties.as_ref().expect("properties")["selector"];
    let rules = selector.x_kubernetes_validations.as_ref().expect("a rule");
    assert_eq!(rules[0].rule, "self == oldSelf");
}

#[test]
fn names_columns_and_subresources_are_those_of_argo_rollouts() {
    let summary = |definition: &CustomResourceDefinition| {
        let version = &definition.spec.versions[0];
        let columns = version.additional_printer_columns.iter().flatten().map(|column| column.name.clone());
        let subresources = version.subresources.clone().unwrap_or_default();
        (
            definition.metadata.name.clone().unwrap_or_default(),
            definition.spec.names.short_names.clone().unwrap_or_default().join(","),
            definition.spec.scope.clone(),
            columns.collect::<Vec<_>>().join(","),
            subresources.status.is_some(),
            subresources.scale.is_some(),
        )
    };
    let expected = [
        ("rollouts", "ro", "Namespaced", "Desired,Current,Up-to-date,Available,Age", true, true),
        ("analysisruns", "ar", "Namespaced", "Status,Age", false, false),
        ("analysistemplates", "at", "Namespaced", "Age", false, false),
        ("clusteranalysistemplates", "cat", "Cluster", "Age", false, false),
        ("experiments", "exp", "Namespaced", "Status,Age", false, false),
    ];
    for (definition, (plural, short, scope, columns, status, scale)) in crds::all().iter().zip(expected) {
        let name = format!("{plural}.argoproj.io");
        assert_eq!(summary(definition), (name, short.into(), scope.into(), columns.into(), status, scale));
    }
}
