//! What an Application adds to a folder of Kustomize, and what such a folder refers to.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

use crate::api::SourceKustomize;

/// The names of the file that makes a folder one of Kustomize.
pub const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Everything in a kustomization that may name a file or a folder: Kustomize has many fields for that, and each is a string.
pub fn references(kustomization: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(kustomization, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        // Generators name files as `key=path`, too.
        Value::String(text) if text.len() < 4096 && !text.contains('\n') => {
            found.extend(text.split_once('=').map(|(_, path)| path.to_owned()));
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        _ => {}
    }
}

/// What a kustomization wants that is not in the repository: `https://`, or the names of Git servers that Kustomize knows.
pub fn remotes(kustomization: &Value) -> Vec<&str> {
    const LISTS: [&str; 8] =
        ["resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators"];
    let names = LISTS.iter().filter_map(|list| kustomization[list].as_array()).flatten().filter_map(Value::as_str);
    let patches = ["patches", "patchesStrategicMerge", "patchesJson6902", "replacements"].iter();
    let patches = patches.filter_map(|list| kustomization[list].as_array()).flatten();
    let paths = patches.filter_map(|patch| patch.as_str().or_else(|| patch["path"].as_str()));
    // Generators read files, each after its name: `name=file`.
    let generators = ["configMapGenerator", "secretGenerator"].iter().filter_map(|list| kustomization[list].as_array());
    let files = generators.flatten().flat_map(|one| {
        let lists = ["files", "envs"].iter().filter_map(|list| one[list].as_array()).flatten();
        lists.chain(std::iter::once(&one["env"])).filter_map(Value::as_str)
    });
    let is_remote = |name: &&str| {
        // Some of these are YAML themselves.
        !name.contains('\n') && (name.contains("://") || name.contains("git@") || name.starts_with("github.com"))
    };
    names.chain(paths).chain(files).filter(is_remote).collect()
}

/// Writes what an Application adds into a kustomization, as `kustomize edit` would. `exists` says whether a component is there.
///
/// # Errors
/// What cannot be written, and why.
pub fn edit(kustomization: &mut Value, options: &SourceKustomize, exists: impl Fn(&str) -> bool) -> Result<(), String> {
    if kustomization.is_null() {
        *kustomization = json!({});
    }
    let Some(fields) = kustomization.as_object_mut() else { return Err("it is no object".to_owned()) };
    for (field, value) in
        [("namePrefix", &options.name_prefix), ("nameSuffix", &options.name_suffix), ("namespace", &options.namespace)]
    {
        if !value.is_empty() {
            fields.insert(field.to_owned(), value.as_str().into());
        }
    }
    for text in &options.images {
        let image = image(text)?;
        put_named(fields, "images", image)?;
    }
    for size in &options.replicas {
        let count = match &size.count {
            IntOrString::Int(count) => i64::from(*count),
            IntOrString::String(text) => {
                text.parse().map_err(|_| format!("spec.source.kustomize.replicas: {text:?} is no number"))?
            }
        };
        put_named(fields, "replicas", json!({ "name": size.name, "count": count }))?;
    }
    let components = options.components.iter().filter(|path| !options.ignore_missing_components || exists(path));
    push(fields, "components", components.map(|path| path.as_str().into()))?;
    push(fields, "patches", options.patches.iter().cloned())?;
    labels(fields, options)?;
    annotate(fields, &options.common_annotations, options.force_common_annotations)
}

fn labels(fields: &mut Map<String, Value>, options: &SourceKustomize) -> Result<(), String> {
    if options.common_labels.is_empty() {
        return Ok(());
    }
    if !options.label_without_selector {
        return add("commonLabels", fields, &options.common_labels, options.force_common_labels);
    }
    let labels = json!({
        "pairs": options.common_labels,
        "includeSelectors": false,
        "includeTemplates": options.label_include_templates,
    });
    push(fields, "labels", std::iter::once(labels))
}

fn annotate(
    fields: &mut Map<String, Value>,
    annotations: &BTreeMap<String, String>,
    is_forced: bool,
) -> Result<(), String> {
    if annotations.is_empty() { Ok(()) } else { add("commonAnnotations", fields, annotations, is_forced) }
}

/// Adds to a map of names; what has another value there is only replaced by force.
fn add(
    field: &'static str,
    fields: &mut Map<String, Value>,
    more: &BTreeMap<String, String>,
    is_forced: bool,
) -> Result<(), String> {
    let map = fields.entry(field).or_insert_with(|| json!({}));
    let map = map.as_object_mut().ok_or_else(|| format!("{field} is no object"))?;
    for (name, value) in more {
        let known = map.get(name).is_some_and(|known| known != value.as_str());
        if known && !is_forced {
            return Err(format!("{field} has {name:?} already (spec.source.kustomize.force{})", upper(field)));
        }
        map.insert(name.clone(), value.as_str().into());
    }
    Ok(())
}

fn upper(field: &str) -> String {
    let mut letters = field.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn push(fields: &mut Map<String, Value>, field: &str, more: impl Iterator<Item = Value>) -> Result<(), String> {
    let mut more = more.peekable();
    if more.peek().is_none() {
        return Ok(());
    }
    let list = fields.entry(field).or_insert_with(|| json!([]));
    list.as_array_mut().ok_or_else(|| format!("{field} is no list"))?.extend(more);
    Ok(())
}

/// Puts an item into a list, in the place of one of its name.
fn put_named(fields: &mut Map<String, Value>, field: &str, item: Value) -> Result<(), String> {
    let list = fields.entry(field).or_insert_with(|| json!([]));
    let list = list.as_array_mut().ok_or_else(|| format!("{field} is no list"))?;
    match list.iter_mut().find(|known| known["name"] == item["name"]) {
        Some(known) => *known = item,
        None => list.push(item),
    }
    Ok(())
}

/// An image as `[old=]name[:tag|@digest]`.
fn image(text: &str) -> Result<Value, String> {
    let (old, new) = text.split_once('=').map_or((None, text), |(old, new)| (Some(old), new));
    let (new, digest) = new.split_once('@').map_or((new, None), |(new, digest)| (new, Some(digest)));
    // A colon before a slash is that of a registry's port.
    let tagged = new.rfind(':').filter(|at| !new[*at..].contains('/')).filter(|_| digest.is_none());
    let (name, tag) = tagged.map_or((new, None), |at| (&new[..at], Some(&new[at + 1..])));
    let old = old.unwrap_or(name);
    if old.is_empty() || name.is_empty() || tag == Some("") || digest == Some("") {
        return Err(format!("spec.source.kustomize.images: {text:?} is not of the form [old=]name[:tag|@digest]"));
    }
    let mut image = json!({ "name": old });
    for (field, value) in [("newName", Some(name).filter(|name| *name != old)), ("newTag", tag), ("digest", digest)] {
        if let Some(value) = value {
            image[field] = value.into();
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_written_as_kustomize_reads_them() {
        for (text, expected) in [
            ("web:2", json!({ "name": "web", "newTag": "2" })),
            (
                "web=registry:5000/shop/web:2",
                json!({ "name": "web", "newName": "registry:5000/shop/web", "newTag": "2" }),
            ),
            ("registry:5000/web", json!({ "name": "registry:5000/web" })),
            ("web@sha256:abc", json!({ "name": "web", "digest": "sha256:abc" })),
            ("old=new", json!({ "name": "old", "newName": "new" })),
        ] {
            assert_eq!(image(text), Ok(expected), "{text}");
        }
        for text in ["", "=web", "web:", "web@"] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_an_application_adds_is_written_beside_what_is_there() {
        let mut kustomization = json!({
            "resources": ["web.yaml"], "namePrefix": "old-",
            "images": [{ "name": "web", "newTag": "1" }, { "name": "db", "newTag": "1" }],
            "commonLabels": { "team": "shop" },
        });
        let options = json!({
            "namePrefix": "new-", "nameSuffix": "-eu", "namespace": "shop", "images": ["web:2"],
            "replicas": [{ "name": "web", "count": "3" }], "components": ["there", "away"], "ignoreMissingComponents": true,
            "patches": [{ "path": "patch.yaml" }], "commonLabels": { "tier": "front" }, "commonAnnotations": { "by": "us" },
        });
        let options: SourceKustomize = serde_json::from_value(options).expect("options");
        edit(&mut kustomization, &options, |path| path == "there").expect("it can be written");
        assert_eq!(
            kustomization,
            json!({
                "resources": ["web.yaml"], "namePrefix": "new-", "nameSuffix": "-eu", "namespace": "shop",
                "images": [{ "name": "web", "newTag": "2" }, { "name": "db", "newTag": "1" }],
                "replicas": [{ "name": "web", "count": 3 }], "components": ["there"],
                "patches": [{ "path": "patch.yaml" }],
                "commonLabels": { "team": "shop", "tier": "front" }, "commonAnnotations": { "by": "us" },
            })
        );
    }

    #[test]
    fn what_is_there_is_only_replaced_by_force() {
        let text = json!({ "commonLabels": { "team": "shop" } });
        let options: SourceKustomize =
            serde_json::from_value(json!({ "commonLabels": { "team": "sales" } })).expect("options");
        let wrong = edit(&mut text.clone(), &options, |_| true);
        let expected = "commonLabels has \"team\" already (spec.source.kustomize.forceCommonLabels)";
        assert_eq!(wrong, Err(expected.to_owned()));
        let options = SourceKustomize { force_common_labels: true, ..options };
        let mut forced = text.clone();
        edit(&mut forced, &options, |_| true).expect("by force");
        assert_eq!(forced, json!({ "commonLabels": { "team": "sales" } }));
        let options = SourceKustomize { label_without_selector: true, ..options };
        let mut apart = json!(null);
        edit(&mut apart, &options, |_| true).expect("it can be written");
        let labels = json!({ "pairs": { "team": "sales" }, "includeSelectors": false, "includeTemplates": false });
        assert_eq!(apart, json!({ "labels": [labels] }));
    }

    #[test]
    fn what_is_elsewhere_is_found() {
        let kustomization = json!({
            "resources": ["../base", "https://example.com/web.yaml", "github.com/shop/web?ref=v1"],
            "components": ["git@example.com:shop/web.git"], "patches": [{ "path": "http://127.0.0.1/x" }, { "patch": "a: http://b\n" }],
            "commonAnnotations": { "docs": "https://example.com" },
        });
        let expected = [
            "https://example.com/web.yaml",
            "github.com/shop/web?ref=v1",
            "git@example.com:shop/web.git",
            "http://127.0.0.1/x",
        ];
        assert_eq!(remotes(&kustomization), expected);
    }

    #[test]
    fn every_string_may_name_a_file() {
        let kustomization = json!({
            "resources": ["../base", "web.yaml"],
            "configMapGenerator": [{ "name": "settings", "files": ["key=settings.txt"] }],
        });
        assert_eq!(references(&kustomization), ["../base", "key=settings.txt", "settings", "settings.txt", "web.yaml"]);
    }
}
