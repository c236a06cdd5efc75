//! What there is: versions, groups, resources, and what their objects look like.

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{Answer, digest, schemas};
use crate::openapi;
use crate::refusal::Refusal;
use crate::resource::{Resource, is_kept};
use crate::state::{Sandbox, State};

/// Answers every path that names no resource.
pub fn answer(sandbox: &Sandbox, path: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let aggregated = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2"));
    sandbox.with(|state| match &segments[..] {
        ["version"] => Ok(Answer::ok(version())),
        ["healthz" | "readyz" | "livez"] | ["healthz" | "readyz" | "livez", "ping"] => {
            Ok(Answer::Raw("text/plain; charset=utf-8", "ok".into()))
        }
        ["api"] if aggregated => {
            Ok(discovery_list(groups(state).into_iter().filter(|group| name_of(group).is_empty())))
        }
        ["apis"] if aggregated => {
            Ok(discovery_list(groups(state).into_iter().filter(|group| !name_of(group).is_empty())))
        }
        ["api"] => Ok(Answer::ok(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443" }],
        }))),
        ["apis"] => {
            let groups = groups(state);
            let listed: Vec<Value> = groups.iter().filter(|group| !name_of(group).is_empty()).map(api_group).collect();
            Ok(Answer::ok(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": listed })))
        }
        ["apis", group] => {
            let found = groups(state).into_iter().find(|found| name_of(found) == *group);
            let mut found = api_group(&found.ok_or_else(Refusal::no_such_path)?);
            found["kind"] = json!("APIGroup");
            found["apiVersion"] = json!("v1");
            Ok(Answer::ok(found))
        }
        ["api", version] => resource_list(state, "", version),
        ["apis", group, version] => resource_list(state, group, version),
        ["openapi", "v3"] => {
            Ok(Answer::Raw("text/plain; charset=utf-8", schemas::documents(&state.registry).to_string().into()))
        }
        ["openapi", "v2"] => Ok(schemas::second(headers)),
        ["openapi", "v3", document @ ..] => schemas::document(&state.registry, &document.join("/")),
        _ => Err(Refusal::no_such_path()),
    })
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.2", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2025-11-11T00:00:00Z", "goVersion": "go1.24.9", "compiler": "gc", "platform": "linux/amd64",
        "emulationMajor": "1", "emulationMinor": "34", "minCompatibilityMajor": "1", "minCompatibilityMinor": "33",
    })
}

fn name_of(group: &Value) -> &str {
    group["metadata"]["name"].as_str().unwrap_or_default()
}

/// Every group as aggregated discovery describes it, the core group first.
fn groups(state: &State) -> Vec<Value> {
    let mut groups: Vec<Value> = openapi::resources().iter().cloned().filter_map(kept).collect();
    for resource in state.registry.iter().filter(|resource| resource.is_custom()) {
        let entry = discovery_entry(resource);
        let at = groups.iter().position(|group| name_of(group) == resource.group).unwrap_or_else(|| {
            groups.push(json!({ "metadata": { "name": resource.group }, "versions": [] }));
            groups.len() - 1
        });
        let Some(versions) = groups[at]["versions"].as_array_mut() else { continue };
        match versions.iter_mut().find(|version| version["version"] == resource.version.as_str()) {
            Some(version) => {
                if let Some(resources) = version["resources"].as_array_mut() {
                    resources.push(entry);
                }
            }
            None => versions.push(json!({ "version": resource.version, "freshness": "Current", "resources": [entry] })),
        }
    }
    groups
}

/// A recorded group without what the sandbox does not store.
fn kept(mut group: Value) -> Option<Value> {
    let name = name_of(&group).to_owned();
    let versions = group["versions"].as_array_mut()?;
    for version in versions.iter_mut() {
        let number = version["version"].as_str().unwrap_or_default().to_owned();
        let asked = ["authentication.k8s.io", "authorization.k8s.io"].contains(&name.as_str());
        if let Some(resources) = version["resources"].as_array_mut() {
            resources.retain(|resource| asked || is_kept((&name, &number), resource));
        }
    }
    versions.retain(|version| version["resources"].as_array().is_some_and(|resources| !resources.is_empty()));
    if versions.is_empty() { None } else { Some(group) }
}

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn discovery_entry(resource: &Resource) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let own = kind(&resource.group, &resource.version, &resource.kind);
    let mut subresources = Vec::new();
    if resource.status {
        subresources.push(json!({ "subresource": "status", "responseKind": own, "verbs": ["get", "patch", "update"] }));
    }
    if resource.scale.is_some() {
        let scale = kind("autoscaling", "v1", "Scale");
        subresources
            .push(json!({ "subresource": "scale", "responseKind": scale, "verbs": ["get", "patch", "update"] }));
    }
    let mut entry = json!({
        "resource": resource.plural, "responseKind": own, "singularResource": resource.singular, "verbs": VERBS,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
    });
    for (field, list) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !list.is_empty() {
            entry[field] = json!(list);
        }
    }
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}

/// Clients believe it only under its own media type.
fn discovery_list(groups: impl Iterator<Item = Value>) -> Answer {
    let items: Vec<Value> = groups.collect();
    let list = json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items });
    Answer::Raw("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", list.to_string().into())
}

fn api_group(group: &Value) -> Value {
    let name = name_of(group);
    let versions = group["versions"].as_array().into_iter().flatten();
    let versions: Vec<Value> = versions
        .map(|version| {
            let number = version["version"].as_str().unwrap_or_default();
            json!({ "groupVersion": format!("{name}/{number}"), "version": number })
        })
        .collect();
    json!({ "name": name, "versions": versions, "preferredVersion": versions.first() })
}

/// The resources of one version, in the older form.
fn resource_list(state: &State, group: &str, version: &str) -> Result<Answer, Refusal> {
    let found = groups(state).into_iter().find(|found| name_of(found) == group);
    let versions = found.as_ref().and_then(|found| found["versions"].as_array());
    let found = versions.and_then(|versions| versions.iter().find(|found| found["version"] == version));
    let resources = found.ok_or_else(Refusal::no_such_path)?["resources"].as_array().into_iter().flatten();
    let mut listed = Vec::new();
    for resource in resources {
        let namespaced = resource["scope"] == "Namespaced";
        let name = resource["resource"].as_str().unwrap_or_default();
        let mut entry = json!({
            "name": name, "singularName": resource["singularResource"], "namespaced": namespaced,
            "kind": resource["responseKind"]["kind"], "verbs": resource["verbs"],
        });
        for field in ["shortNames", "categories"] {
            if !resource[field].is_null() {
                entry[field] = resource[field].clone();
            }
        }
        if let Some(hash) = stored_as(state, group, version, name) {
            entry["storageVersionHash"] = json!(hash);
        }
        listed.push(entry);
        for subresource in resource["subresources"].as_array().into_iter().flatten() {
            let kind = &subresource["responseKind"];
            let mut entry = json!({
                "name": format!("{name}/{}", subresource["subresource"].as_str().unwrap_or_default()),
                "singularName": "", "namespaced": namespaced, "kind": kind["kind"], "verbs": subresource["verbs"],
            });
            // Its own group and version are recorded as nothing.
            let says = |field: &str| kind[field].as_str().is_some_and(|text| !text.is_empty());
            let is_other = kind["group"] != group || kind["version"] != version;
            if is_other && says("version") {
                entry["group"] = kind["group"].clone();
                entry["version"] = kind["version"].clone();
            }
            listed.push(entry);
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(Answer::ok(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed }),
    ))
}

/// Which version a resource is stored in, as a hash; what is not stored has none.
fn stored_as(state: &State, group: &str, version: &str, name: &str) -> Option<String> {
    let stored = state.registry.key(&state.registry.find(group, version, name)?.key)?;
    Some(digest::storage_version(&stored.group, &stored.version, &stored.kind))
}
