//! What objects look like, as clients ask for it: the `OpenAPI` documents, by group and version.

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::Answer;
use crate::openapi;
use crate::refusal::Refusal;
use crate::resource::{Registry, Resource};

fn custom_paths(registry: &Registry) -> Vec<String> {
    let custom = registry.iter().filter(|resource| resource.is_custom());
    let mut paths: Vec<String> = custom.map(|resource| format!("apis/{}", resource.api_version())).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Where the schemas are.
pub fn documents(registry: &Registry) -> Value {
    let builtin = openapi::paths().iter().map(|path| (*path).to_owned());
    let all = builtin.chain(custom_paths(registry));
    let paths: serde_json::Map<String, Value> =
        all.map(|path| (path.clone(), json!({ "serverRelativeURL": format!("/openapi/v3/{path}") }))).collect();
    json!({ "paths": paths })
}

/// The document of `OpenAPI` v2, which names no schema: clients look into it for kinds that they have not found in those of v3,
/// and take the absence of a schema as leave not to check.
pub fn second(headers: &HeaderMap) -> Answer {
    const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    const TITLE: &str = "Kubernetes";
    const VERSION: &str = "v1.34.2";
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accepted.contains("proto-openapi.spec.v2") {
        let info = json!({ "title": TITLE, "version": VERSION });
        return Answer::ok(json!({ "swagger": "2.0", "info": info, "paths": {}, "definitions": {} }));
    }
    // The first field is the version of OpenAPI, the second the title and the version of the API.
    let info = [field(1, TITLE.as_bytes()), field(2, VERSION.as_bytes())].concat();
    Answer::Raw(PROTOBUF, [field(1, b"2.0"), field(2, &info)].concat().into())
}

/// A field of a protobuf message with bytes in it; short ones, so that their length is one byte.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    const BYTES: u8 = 2;
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[number << 3 | BYTES, length], bytes].concat()
}

/// The schemas of one group and version.
pub fn document(registry: &Registry, path: &str) -> Result<Answer, Refusal> {
    if let Some(document) = openapi::document(path) {
        return Ok(Answer::Raw("application/json", document.into()));
    }
    let custom: Vec<&Resource> = registry
        .iter()
        .map(AsRef::as_ref)
        .filter(|resource| resource.is_custom() && format!("apis/{}", resource.api_version()) == path)
        .collect();
    if custom.is_empty() {
        return Err(Refusal::no_such_path());
    }
    let mut document = json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
        "paths": {}, "components": { "schemas": {} },
    });
    for resource in custom {
        let kind = json!([{ "group": resource.group, "version": resource.version, "kind": resource.kind }]);
        let mut schema = resource
            .custom
            .as_ref()
            .map(|custom| custom.version["schema"]["openAPIV3Schema"].clone())
            .unwrap_or_default();
        schema["x-kubernetes-group-version-kind"] = kind.clone();
        schema["properties"]["apiVersion"] = json!({ "type": "string" });
        schema["properties"]["kind"] = json!({ "type": "string" });
        schema["properties"]["metadata"] = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let mut groups: Vec<&str> = resource.group.split('.').collect();
        groups.reverse();
        let name = format!("{}.{}.{}", groups.join("."), resource.version, resource.kind);
        document["components"]["schemas"][format!("{name}List")] = list_schema(resource, &name);
        document["components"]["schemas"][name] = schema;
        let scope = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
        let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
        let parameters: Vec<Value> =
            ["dryRun", "fieldManager", "fieldValidation", "force"].into_iter().map(parameter).collect();
        document["paths"][format!("/{path}/{scope}{}/{{name}}", resource.plural)] = json!({ "patch": {
            "parameters": parameters,
            "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": kind[0],
        } });
    }
    Ok(Answer::ok(document))
}

/// What a list of custom resources looks like.
fn list_schema(resource: &Resource, item: &str) -> Value {
    const CONVENTIONS: &str = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
    let text = |what: &str, place: &str| json!({ "description": format!("{what} More info: {CONVENTIONS}#{place}"), "type": "string" });
    let version = "APIVersion defines the versioned schema of this representation of an object. Servers should convert \
                   recognized schemas to the latest internal value, and may reject unrecognized values.";
    let kind = "Kind is a string value representing the REST resource this object represents. Servers may infer this from \
                the endpoint the client submits requests to. Cannot be updated. In CamelCase.";
    json!({
        "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": text(version, "resources"),
            "kind": text(kind, "types-kinds"),
            "metadata": {
                "description": format!("Standard list metadata. More info: {CONVENTIONS}#types-kinds"),
                "allOf": [{ "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta" }],
            },
            "items": {
                "description": format!("List of {}. More info: {CONVENTIONS}", resource.plural),
                "type": "array",
                "items": { "$ref": format!("#/components/schemas/{item}") },
            },
        },
        "x-kubernetes-group-version-kind": [
            { "group": resource.group, "version": resource.version, "kind": resource.list_kind },
        ],
    })
}
