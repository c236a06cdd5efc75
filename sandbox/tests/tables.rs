//! Compares the tables of `kubectl get` with those of a real API server.
//!
//! `recorded/tables.jsonl` holds objects with their rows; `record-tables/record` makes it anew, and with it the columns.

#![allow(clippy::unwrap_used)] // A recording that cannot be read fails the test.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_sandbox::tables::{Columns, IncludeObject, table};

/// What is known to differ, with the reason. A table that does not differ any more must leave this list.
const DIFFERENT: &[(&str, &str)] = &[];

fn recorded() -> Vec<Value> {
    let lines = include_str!("recorded/tables.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The CRDs' columns are in the corpus that was recorded.
fn custom_columns(kind: &str) -> Value {
    let corpus =
        include_str!("record-tables/corpus.jsonl").lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut definitions = corpus.filter(|line| line["object"]["kind"] == "CustomResourceDefinition");
    let definition = definitions.find(|line| line["object"]["spec"]["names"]["kind"] == kind).unwrap();
    definition["object"]["spec"]["versions"][0]["additionalPrinterColumns"].clone()
}

fn columns_of(object: &Value) -> Columns {
    let (api_version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    if group == "example.com" { Columns::of_crd_version(&custom_columns(kind)) } else { Columns::builtin(group, kind) }
}

/// The real server was asked a moment after the second had begun.
fn now_of(line: &Value) -> Timestamp {
    Timestamp::from_second(line["now"].as_i64().unwrap()).unwrap() + SignedDuration::from_millis(50)
}

fn difference(line: &Value) -> Option<String> {
    let theirs = &line["answer"];
    let objects: Vec<&Value> = theirs["rows"].as_array().unwrap().iter().map(|row| &row["object"]).collect();
    let ours =
        table(&columns_of(objects[0]), &objects, theirs["metadata"].clone(), now_of(line), IncludeObject::Object);
    let rows = |table: &Value| -> Vec<String> {
        table["rows"].as_array().unwrap().iter().map(|row| format!("{} {}", row["cells"], row["conditions"])).collect()
    };
    let pairs = rows(&ours).into_iter().zip(rows(theirs)).filter(|(ours, theirs)| ours != theirs);
    let mut wrong: Vec<String> = pairs.map(|(ours, theirs)| format!("ours:   {ours}\ntheirs: {theirs}")).collect();
    if theirs.get("columnDefinitions").is_some_and(|columns| *columns != ours["columnDefinitions"]) {
        wrong.push(format!("ours:   {}\ntheirs: {}", ours["columnDefinitions"], theirs["columnDefinitions"]));
    }
    if wrong.is_empty() && ours["rows"] != theirs["rows"] {
        wrong.push("the rows differ beside their cells".to_owned());
    }
    let cells = ours["rows"][0]["cells"].as_array().unwrap().len();
    if cells != ours["columnDefinitions"].as_array().unwrap().len() {
        wrong.push(format!("{cells} cells for {} columns", ours["columnDefinitions"].as_array().unwrap().len()));
    }
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

#[test]
fn tables_show_what_a_real_api_server_shows() {
    let lines = recorded();
    let mut wrong = Vec::new();
    for line in &lines {
        let name = line["table"].as_str().unwrap();
        let is_known = DIFFERENT.iter().any(|(known, _)| *known == name);
        match (difference(line), is_known) {
            (Some(difference), false) => wrong.push(format!("# {name}\n{difference}")),
            (None, true) => wrong.push(format!("# {name}: does not differ any more")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} tables differ:\n\n{}", wrong.len(), lines.len(), wrong.join("\n\n"));
    assert!(lines.len() > 100, "only {} tables", lines.len());
}

#[test]
fn a_row_carries_as_much_of_its_object_as_was_asked_for() {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" }, "data": { "a": "b" } });
    let row = |include| {
        let columns = Columns::builtin("", "ConfigMap");
        table(&columns, &[&object], json!({ "resourceVersion": "7" }), Timestamp::UNIX_EPOCH, include)["rows"][0]["object"]
            .clone()
    };
    assert_eq!(row(IncludeObject::None), Value::Null);
    assert_eq!(row(IncludeObject::Object), object);
    assert_eq!(
        row(IncludeObject::Metadata),
        json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": { "name": "c" } })
    );
}

#[test]
fn a_kind_without_columns_of_its_own_shows_when_it_was_made() {
    let object = json!({ "metadata": { "name": "x", "creationTimestamp": "2026-01-01T00:00:00Z" } });
    let columns = Columns::builtin("example.com", "Unheard");
    let table = table(&columns, &[&object], json!({}), Timestamp::UNIX_EPOCH, IncludeObject::None);
    assert_eq!(table["rows"][0]["cells"], json!(["x", "2026-01-01T00:00:00Z"]));
    assert_eq!(table["columnDefinitions"][1]["name"], "Created At");
}
