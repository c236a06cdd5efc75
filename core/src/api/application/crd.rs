//! The definition of `Application`. The derive of the other kinds knows `spec` and `status` alone; this kind has `operation`, too.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresources,
    CustomResourceValidation, JSONSchemaProps,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::schema::StructuralSchemaRewriter;
use schemars::generate::SchemaSettings;

use super::Application;

/// The definition.
///
/// # Panics
/// Where the types make no schema, which a test would see.
pub fn application() -> CustomResourceDefinition {
    let column = |name: &str, path: &str, priority: Option<i32>| CustomResourceColumnDefinition {
        name: name.to_owned(),
        type_: "string".to_owned(),
        json_path: path.to_owned(),
        priority,
        ..CustomResourceColumnDefinition::default()
    };
    CustomResourceDefinition {
        metadata: ObjectMeta { name: Some("applications.argoproj.io".to_owned()), ..ObjectMeta::default() },
        spec: CustomResourceDefinitionSpec {
            group: "argoproj.io".to_owned(),
            names: CustomResourceDefinitionNames {
                kind: "Application".to_owned(),
                plural: "applications".to_owned(),
                singular: Some("application".to_owned()),
                short_names: Some(vec!["app".to_owned(), "apps".to_owned()]),
                ..CustomResourceDefinitionNames::default()
            },
            scope: "Namespaced".to_owned(),
            versions: vec![CustomResourceDefinitionVersion {
                name: "v1alpha1".to_owned(),
                served: true,
                storage: true,
                additional_printer_columns: Some(vec![
                    column("Sync Status", ".status.sync.status", None),
                    column("Health Status", ".status.health.status", None),
                    column("Revision", ".status.sync.revision", Some(10)),
                    column("Project", ".spec.project", Some(10)),
                ]),
                schema: Some(CustomResourceValidation { open_api_v3_schema: Some(schema()) }),
                subresources: Some(CustomResourceSubresources::default()),
                ..CustomResourceDefinitionVersion::default()
            }],
            ..CustomResourceDefinitionSpec::default()
        },
        status: None,
    }
}

fn schema() -> JSONSchemaProps {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut generator = settings.with_transform(StructuralSchemaRewriter).into_generator();
    let schema = generator.root_schema_for::<Application>();
    let mut schema: JSONSchemaProps = serde_json::to_value(schema)
        .and_then(serde_json::from_value)
        .expect("the types of an Application make a schema");
    if let Some(metadata) = schema.properties.as_mut().and_then(|properties| properties.get_mut("metadata")) {
        *metadata = JSONSchemaProps { type_: Some("object".to_owned()), ..JSONSchemaProps::default() };
    }
    schema.required = Some(vec!["metadata".to_owned(), "spec".to_owned()]);
    schema
}
