//! Volumes of a pod.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::amount::nanos;
use super::containers::{descending_path, no_back_steps};
use super::names::{self, report};
use super::resources::written;
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
/// The sources of volumes that a test bench meets; of others only the number counts.
const ORDER: [&str; 7] =
    ["emptyDir", "hostPath", "secret", "persistentVolumeClaim", "configMap", "downwardAPI", "projected"];

/// All volumes; returns their names.
pub(super) fn check<'a>(out: &mut Vec<Cause>, field: &str, volumes: &'a [Value]) -> BTreeSet<&'a str> {
    let mut taken = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = text(volume, "name");
        sources(out, &field, volume);
        if name.is_empty() {
            out.push(Cause::required(format!("{field}.name"), ""));
            continue;
        }
        let wrong = names::dns_label(name);
        let is_right = wrong.is_empty();
        report(out, &format!("{field}.name"), name, wrong);
        if is_right && !taken.insert(name) {
            out.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
        }
    }
    taken
}

fn sources(out: &mut Vec<Cause>, field: &str, volume: &Value) {
    let mut given: Vec<&str> = volume
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, source)| *name != "name" && !source.is_null())
        .map(|(name, _)| name.as_str())
        .collect();
    given.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    if let Some(first) = given.first() {
        source(out, &format!("{field}.{first}"), first, at(volume, first));
    }
    for other in given.iter().skip(1) {
        out.push(Cause::forbidden(format!("{field}.{other}"), "may not specify more than 1 volume type"));
    }
}

fn source(out: &mut Vec<Cause>, field: &str, kind: &str, source: &Value) {
    let required = |out: &mut Vec<Cause>, name: &str| {
        if is_empty(source, name) {
            out.push(Cause::required(format!("{field}.{name}"), ""));
        }
    };
    match kind {
        "secret" => {
            required(out, "secretName");
            files(out, field, source);
        }
        "configMap" => {
            required(out, "name");
            files(out, field, source);
        }
        "hostPath" => {
            required(out, "path");
            no_back_steps(out, &format!("{field}.path"), text(source, "path"));
            let path_type = text(source, "type");
            if !HOST_PATH_TYPES.contains(&path_type) {
                out.push(Cause::not_supported(format!("{field}.type"), &json!(path_type), &HOST_PATH_TYPES));
            }
        }
        "persistentVolumeClaim" => required(out, "claimName"),
        "emptyDir" if nanos(&written(at(source, "sizeLimit"))).is_some_and(|size| size < 0) => {
            let detail = "SizeLimit field must be a valid resource quantity";
            out.push(Cause::forbidden(format!("{field}.sizeLimit"), detail));
        }
        _ => {}
    }
}

/// Files made of keys, and who may read them.
fn files(out: &mut Vec<Cause>, field: &str, source: &Value) {
    mode(out, &format!("{field}.defaultMode"), source, "defaultMode");
    for (index, item) in items(source, "items").iter().enumerate() {
        let field = format!("{field}.items[{index}]");
        for name in ["key", "path"] {
            if is_empty(item, name) {
                out.push(Cause::required(format!("{field}.{name}"), ""));
            }
        }
        descending_path(out, &format!("{field}.path"), text(item, "path"));
        mode(out, &format!("{field}.mode"), item, "mode");
    }
}

fn mode(out: &mut Vec<Cause>, field: &str, holder: &Value, name: &str) {
    if let Some(mode) = number(holder, name).filter(|mode| !(0..=0o777).contains(mode)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        out.push(Cause::invalid(field, &json!(mode), detail));
    }
}
