//! Manifests: what a source renders to, put into the form in which it is applied.

use std::collections::BTreeMap;

use serde_json::Value;

use super::key::{Key, split_version};
use super::marks::{self, Phase, Role};
use super::tracking::Owner;

/// What a source says that there should be, one document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The file, for messages.
    pub file: String,
    /// What it says.
    pub value: Value,
}

/// An object that there should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Which.
    pub key: Key,
    /// The version of its group that it is written in.
    pub version: String,
    /// All of it, marked as the Application's own.
    pub value: Value,
    /// The file that it is from.
    pub file: String,
    /// The version of the object that it repeats something of; it is of no use to any other.
    pub seen: Option<String>,
}

/// Whether the objects of a kind are in namespaces; `None` where the cluster does not know the kind.
pub type Scopes = BTreeMap<(String, String), Option<bool>>;

/// What becomes of documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// Each object once.
    pub manifests: Vec<Manifest>,
    /// Hooks, which are no part of what there should be. Those whose name is made when they run have none.
    pub hooks: Vec<Manifest>,
    /// Objects that there are several of; the last one counts.
    pub repeated: Vec<Key>,
}

impl Gathered {
    /// The phases that there are hooks for.
    pub fn phases(&self) -> Vec<Phase> {
        let mut phases: Vec<Phase> = self.hooks.iter().flat_map(|hook| marks::phases(&hook.value)).collect();
        phases.sort();
        phases.dedup();
        phases
    }
}

/// Group, version and kind of everything in documents, lists opened, for a look at what the cluster knows of them.
pub fn kinds(documents: &[Document]) -> Result<Vec<(String, String, String)>, Vec<String>> {
    let mut kinds: Vec<(String, String, String)> = flatten(documents)?
        .iter()
        .map(|(_, object)| {
            let (group, version) = split_version(object["apiVersion"].as_str().unwrap_or_default());
            (group.to_owned(), version.to_owned(), object["kind"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    Ok(kinds)
}

/// Makes manifests of documents: lists are opened, namespaces filled in where a kind has them and taken away where it has none, and
/// every object is marked as its owner's.
///
/// # Errors
/// All documents that are no objects, each with its file.
pub fn gather(
    documents: &[Document],
    namespace: &str,
    owner: &Owner,
    scopes: &Scopes,
) -> Result<Gathered, Vec<String>> {
    let objects = flatten(documents)?;
    let defined = defined(&objects);
    let mut gathered = Gathered::default();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    for (file, object) in objects {
        let mut value = object.clone();
        let (group, version) = split_version(object["apiVersion"].as_str().unwrap_or_default());
        let kind = (group.to_owned(), object["kind"].as_str().unwrap_or_default().to_owned());
        let is_namespaced = scopes.get(&kind).copied().flatten().or_else(|| defined.get(&kind).copied());
        let version = version.to_owned();
        if let Some(metadata) = value["metadata"].as_object_mut() {
            match is_namespaced {
                Some(false) => {
                    metadata.remove("namespace");
                }
                _ if metadata.get("namespace").and_then(Value::as_str).unwrap_or_default().is_empty() => {
                    metadata.insert("namespace".to_owned(), namespace.into());
                }
                _ => {}
            }
        }
        // What the API server fills in is not for manifests to say.
        value.as_object_mut().map(|object| object.remove("status"));
        owner.mark(&mut value);
        let manifest = Manifest { key: Key::of(&value), version, value, file: file.to_owned(), seen: None };
        match marks::role(&manifest.value) {
            Role::Member => {}
            Role::Hook(_) => {
                gathered.hooks.push(manifest);
                continue;
            }
            Role::Skipped => continue,
        }
        if let Some(place) = places.get(&manifest.key) {
            gathered.repeated.push(manifest.key.clone());
            gathered.manifests[*place] = manifest;
        } else {
            places.insert(manifest.key.clone(), gathered.manifests.len());
            gathered.manifests.push(manifest);
        }
    }
    Ok(gathered)
}

/// The kinds that the documents themselves bring, and whether they are in namespaces.
fn defined(objects: &[(&str, &Value)]) -> BTreeMap<(String, String), bool> {
    let scope = |object: &Value| (brought_by(object), object["spec"]["scope"] == "Namespaced");
    objects.iter().map(|(_, object)| scope(object)).filter_map(|(kind, scope)| Some((kind?, scope))).collect()
}

/// Group and kind of what an object defines, if it is a definition.
pub fn brought_by(object: &Value) -> Option<(String, String)> {
    let text = |at: &str| object.pointer(at)?.as_str().map(str::to_owned);
    (object["kind"] == "CustomResourceDefinition").then_some(())?;
    Some((text("/spec/group")?, text("/spec/names/kind")?))
}

fn flatten(documents: &[Document]) -> Result<Vec<(&str, &Value)>, Vec<String>> {
    let (mut objects, mut wrong) = (Vec::new(), Vec::new());
    for document in documents {
        add(&document.file, &document.value, &mut objects, &mut wrong);
    }
    if wrong.is_empty() { Ok(objects) } else { Err(wrong) }
}

fn add<'a>(file: &'a str, value: &'a Value, objects: &mut Vec<(&'a str, &'a Value)>, wrong: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    if let Some(items) =
        value["items"].as_array().filter(|_| value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")))
    {
        return items.iter().for_each(|item| add(file, item, objects, wrong));
    }
    match lacks(value) {
        None => objects.push((file, value)),
        Some(why) => wrong.push(format!("{file}: {why}")),
    }
}

/// What an object lacks.
fn lacks(value: &Value) -> Option<String> {
    if !value.is_object() {
        let what = match value {
            Value::Array(_) => "a list",
            Value::String(_) => "text",
            _ => "a plain value",
        };
        return Some(format!("a document is {what}, not an object of Kubernetes"));
    }
    let text = |at: &str| value.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("/metadata/name").or_else(|| text("/metadata/generateName"));
    let named = name.map_or_else(String::new, |name| format!(" {name:?}"));
    match (text("/apiVersion"), text("/kind"), name) {
        (Some(_), Some(_), Some(_)) => None,
        (None, ..) => Some(format!("an object{named} has no apiVersion")),
        (_, None, _) => Some(format!("an object{named} has no kind")),
        (_, Some(kind), None) => Some(format!("a {kind} has no metadata.name")),
    }
}
