//! Ownership of fields and server-side apply, replayed write by write against what the real API server was recorded to do.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sluice_sandbox::fields::{self, Manager};
use sluice_sandbox::schema::{self, Schema, Schemas};

use crate::patch::same_object;
use crate::recording::{Recorded, recording};

/// One recorded write, with what was there before.
struct Write {
    recorded: Recorded,
    before: Option<Value>,
    schema: Arc<Schema>,
}

impl Write {
    /// Who wrote. The time is that of the newest entry, if the write has made one.
    fn writer(&self) -> Manager {
        let query = self.recorded.path.split_once("fieldManager=").map(|(_, rest)| rest).unwrap_or_default();
        let name = query.split('&').next().unwrap_or_default();
        let name = if name.is_empty() { "curl" } else { name };
        let tail = self.recorded.object().rsplit('/').next().unwrap_or_default();
        let subresource = if matches!(tail, "status" | "scale") { tail } else { "" };
        let object = if self.recorded.answer["metadata"].is_object() && subresource != "scale" {
            &self.recorded.answer
        } else {
            self.before.as_ref().unwrap_or(&self.recorded.body)
        };
        let entries = |object: &Value| object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let time = |entry: &Value| entry["time"].as_str().unwrap_or_default().to_string();
        let latest = |object: &Value| entries(object).iter().map(time).max().unwrap_or_default();
        let newest = latest(&self.recorded.answer);
        let before = self.before.as_ref().map(latest).unwrap_or_default();
        // Two writes within a second cannot be told apart; what changes nothing waits for longer.
        let changes_nothing = ["nothing changes", "the same again"].contains(&self.recorded.name.as_str());
        let is_newest = |entry: &Value| entry["manager"] == name && time(entry) == newest;
        let has_written = newest > before || !changes_nothing && entries(&self.recorded.answer).iter().any(is_newest);
        let time = if has_written { newest } else { "2099-01-01T00:00:00Z".to_string() };
        Manager {
            name: name.to_string(),
            api_version: object["apiVersion"].as_str().unwrap_or_default().to_string(),
            subresource: subresource.to_string(),
            time,
            has_status: has_status(object["kind"].as_str().unwrap_or_default()),
        }
    }
}

/// The recorded kinds that have no status subresource.
fn has_status(kind: &str) -> bool {
    let without = ["ConfigMap", "Secret", "ServiceAccount", "Event", "Lease", "EndpointSlice", "Role", "RoleBinding"];
    !without.contains(&kind) && kind != "ControllerRevision" && kind != "PodTemplate"
}

/// All recorded writes.
fn writes() -> Vec<Write> {
    let mut live: HashMap<String, Value> = HashMap::new();
    let mut custom = Arc::default();
    let mut writes = Vec::new();
    for recorded in recording("fields") {
        let answer = recorded.answer.clone();
        let mut path = recorded.object().to_string();
        if recorded.method == "POST" {
            path = format!("{path}/{}", answer["metadata"]["name"].as_str().unwrap());
        }
        let path = path.trim_end_matches("/status").trim_end_matches("/scale").to_string();
        let version = answer["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let kind = answer["kind"].as_str().unwrap_or_default();
        if kind == "CustomResourceDefinition" {
            let schema = &answer["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            custom = Schema::of_crd_version(schema).unwrap();
        }
        if recorded.method == "GET" {
            assert!(recorded.succeeded(), "{path}: {}", recorded.message());
            live.insert(path, answer);
            continue;
        }
        let before = live.get(&path).cloned();
        let (group, version, kind) = match &before {
            Some(before) if kind == "Status" || kind == "Scale" => {
                let version = before["apiVersion"].as_str().unwrap();
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                (group.to_string(), version.to_string(), before["kind"].as_str().unwrap().to_string())
            }
            _ => (group.to_string(), version.to_string(), kind.to_string()),
        };
        let schema = Schemas::builtin().kind(&group, &version, &kind).unwrap_or_else(|| custom.clone());
        if recorded.succeeded() && answer["kind"] != "Scale" {
            live.insert(path, answer);
        }
        writes.push(Write { recorded, before, schema });
    }
    writes
}

fn is_apply(write: &Write) -> bool {
    write.recorded.content_type == "application/apply-patch+yaml"
}

/// Each field with its owner, each time, and the order of the entries.
fn lines(object: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, entry) in object["metadata"]["managedFields"].as_array().into_iter().flatten().enumerate() {
        let mut head = entry.clone();
        let fields = head["fieldsV1"].take();
        lines.push(format!("{place} {head}"));
        flatten(&fields, &format!("{} {}", entry["manager"], entry["operation"]), &mut lines);
    }
    lines
}

fn flatten(fields: &Value, path: &str, lines: &mut Vec<String>) {
    lines.push(path.to_string());
    for (step, below) in fields.as_object().into_iter().flatten() {
        flatten(below, &format!("{path} {step}"), lines);
    }
}

/// Where two lists of entries differ, if they do.
fn difference(name: &str, ours: &Value, theirs: &Value) -> Option<String> {
    let (ours, theirs) = (lines(ours), lines(theirs));
    let more = ours.iter().filter(|line| !theirs.contains(line)).map(|line| format!("\n  + {line}"));
    let less = theirs.iter().filter(|line| !ours.contains(line)).map(|line| format!("\n  - {line}"));
    let all: String = more.chain(less).collect();
    (!all.is_empty()).then(|| format!("{name}:{all}"))
}

/// What the real server sets in a new object when it has accounted for the fields already.
const SET_LATER: &[(&str, &[&str])] = &[
    ("Service", &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"]),
    ("Namespace", &["/spec/finalizers"]),
    ("Job", &["/metadata/labels", "/spec/selector", "/spec/template/metadata/labels"]),
    (
        "Pod",
        &[
            "/spec/volumes",
            "/spec/containers/0/volumeMounts",
            "/spec/priority",
            "/spec/preemptionPolicy",
            "/spec/serviceAccount",
            "/spec/serviceAccountName",
        ],
    ),
    ("PersistentVolumeClaim", &["/metadata/finalizers"]),
];

/// A new object as it was when its fields were accounted for.
fn accounted(mut object: Value) -> Value {
    let kind = object["kind"].as_str().unwrap_or_default().to_string();
    for path in SET_LATER.iter().filter(|(of, _)| *of == kind).flat_map(|(_, paths)| *paths) {
        let (parent, field) = path.rsplit_once('/').unwrap();
        object.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(field);
    }
    object
}

#[test]
fn updates_are_accounted_as_the_real_server_accounts_them() {
    let mut mistakes = Vec::new();
    let mut seen = 0;
    let all = writes();
    for write in all.iter().filter(|write| !is_apply(write) && write.recorded.answer["kind"] != "Scale") {
        let theirs = &write.recorded.answer;
        let mut ours = theirs.clone();
        if write.before.is_none() {
            ours = accounted(ours);
        }
        // The labels that come with a status are dropped when they have been accounted for.
        if let (Some(labels), true) =
            (write.recorded.body["metadata"].get("labels"), !write.writer().subresource.is_empty())
        {
            let all = ours["metadata"].as_object_mut().unwrap().entry("labels").or_insert(serde_json::json!({}));
            all.as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
        }
        // What the writer sent of managed fields: nothing, its own, or what was there.
        let body = &write.recorded.body["metadata"];
        let kept = write.before.as_ref().map(|before| before["metadata"]["managedFields"].clone());
        let sent = match write.recorded.method.as_str() {
            "PATCH" => body.get("managedFields").cloned().or(kept),
            _ => body.get("managedFields").cloned(),
        };
        match sent {
            Some(sent) => ours["metadata"]["managedFields"] = sent,
            None => drop(ours["metadata"].as_object_mut().unwrap().remove("managedFields")),
        }
        fields::update(&write.schema, write.before.as_ref(), &mut ours, &write.writer());
        mistakes.extend(difference(&write.recorded.name, &ours, theirs));
        seen += 1;
    }
    assert!(mistakes.is_empty(), "{} of {seen}\n{}", mistakes.len(), mistakes.join("\n"));
    assert!(seen > 60, "only {seen} updates are recorded");
}

#[test]
fn applies_merge_and_conflict_as_on_the_real_server() {
    let mut mistakes = Vec::new();
    let mut seen = 0;
    let all = writes();
    for write in all.iter().filter(|write| is_apply(write)) {
        let recorded = &write.recorded;
        let force = recorded.path.contains("force=true");
        let result = fields::apply(&write.schema, write.before.as_ref(), &recorded.body, &write.writer(), force);
        seen += 1;
        match result {
            Ok(mut ours) if recorded.succeeded() => {
                if write.schema.custom {
                    schema::default(&write.schema, &mut ours);
                }
                mistakes.extend(difference(&recorded.name, &ours, &recorded.answer));
                let object = same_object(ours, &recorded.answer);
                mistakes.extend(object.map(|object| format!("{}: {object}", recorded.name)));
            }
            Ok(_) if recorded.answer["details"]["causes"][0]["reason"] == "FieldValueRequired" => {}
            Ok(_) => mistakes.push(format!("{} should fail: {}", recorded.name, recorded.message())),
            Err(error) => {
                let wanted =
                    (recorded.code, recorded.answer["reason"].as_str().unwrap_or_default(), recorded.message());
                let found = (error.code, error.reason, error.message.as_str());
                if found != wanted {
                    mistakes.push(format!("{}: {found:?} is not {wanted:?}", recorded.name));
                }
                let sorted = |causes: Vec<Value>| {
                    let mut causes: Vec<String> = causes.iter().map(Value::to_string).collect();
                    causes.sort();
                    causes
                };
                let causes = error.causes.iter().map(sluice_sandbox::refusal::Cause::to_json).collect();
                let recorded = recorded.answer["details"]["causes"].as_array().cloned().unwrap_or_default();
                assert_eq!(sorted(causes), sorted(recorded));
            }
        }
    }
    assert!(mistakes.is_empty(), "{} of {seen}\n{}", mistakes.len(), mistakes.join("\n"));
    assert!(seen > 40, "only {seen} applies are recorded");
}
