//! The description of the HTTP API, made from the table of routes, so that it cannot leave anything out.

use axum::response::Response;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::info::RolloutInfo;
use super::{answer, table};
use crate::dashboard::routes::{Needs, Route};

/// The description.
pub async fn get() -> Response {
    answer(&description())
}

fn description() -> Value {
    let mut paths = Map::new();
    for route in table() {
        let method = route.method.as_str().to_lowercase();
        let entry = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        entry[method] = operation(&route);
    }
    let mut generator = SchemaSettings::openapi3().into_generator();
    let info = generator.subschema_for::<RolloutInfo>();
    let mut schemas = generator.take_definitions(true);
    schemas.entry("RolloutInfo").or_insert(info.into());
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Sluice", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A token of the cluster."}},
        },
    })
}

fn operation(route: &Route) -> Value {
    let path = &route.path;
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> =
        names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
    let (summary, schema) = about(path);
    let kind = "application/json";
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": {kind: {"schema": schema}}},
            "default": {"description": "Refused: `error` and `message` say why."},
        },
    });
    if route.needs != Needs::Nothing {
        operation["security"] = json!([{"token": []}]);
    }
    if path.ends_with("/promote") {
        let schema = json!({"type": "object", "properties": {"full": {"type": "boolean"}}});
        operation["requestBody"] = json!({"content": {kind: {"schema": schema}}});
    }
    operation
}

/// What a path is for, and what it answers.
fn about(path: &str) -> (&'static str, Value) {
    let info = || json!({"$ref": "#/components/schemas/RolloutInfo"});
    let any = || json!({"type": "object"});
    let of_rollout = path.contains("/{name}/");
    let last = path.rsplit('/').next().unwrap_or_default();
    match last {
        "openapi.json" => ("This description", any()),
        "version" => ("The version", any()),
        "namespace" => ("The namespace that is shown first, and those that have rollouts", any()),
        "info" if of_rollout => ("A rollout with what belongs to it", info()),
        "info" => (
            "The rollouts of a namespace",
            json!({"type": "object", "properties": {"rollouts": {"type": "array", "items": info()}}}),
        ),
        "watch" if of_rollout => {
            ("A rollout whenever it changes: lines of `{\"result\": RolloutInfo}`, at last `{\"error\"}`", info())
        }
        "watch" => (
            "The rollouts of a namespace whenever one changes: lines of `{\"result\": {\"type\", \"rolloutInfo\"}}`",
            any(),
        ),
        "restart" => ("Replace the pods", any()),
        "promote" => ("Go on to the next step, or to the end", any()),
        "abort" => ("Give the update up", any()),
        "retry" => ("Try an aborted update again", any()),
        "{tag}" => ("Set the image of a container", any()),
        "{revision}" => ("Go back to a revision; 0 is the one before the newest", any()),
        _ => ("", any()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_described() {
        let description = description();
        for route in table() {
            let method = route.method.as_str().to_lowercase();
            let operation = &description["paths"][&route.path][method];
            assert_ne!(operation["summary"].as_str().unwrap_or_default(), "", "{}", route.path);
            assert_eq!(operation.get("security").is_some(), route.needs != Needs::Nothing, "{}", route.path);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = description().to_string();
        let description = description();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(description.pointer(reference).is_some(), "{reference}");
        }
    }
}
