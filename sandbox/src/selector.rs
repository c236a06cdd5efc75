//! Selections in a request's query: `labelSelector` and `fieldSelector`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;

/// Which objects a list or a watch is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    labels: Vec<LabelTerm>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct LabelTerm {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldTerm {
    path: Vec<String>,
    equal: bool,
    value: String,
}

impl Selection {
    /// Reads both selectors.
    pub fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Selection, Refusal> {
        let terms = split(labels).into_iter().filter(|term| !term.is_empty());
        let labels_read: Result<Vec<_>, _> = terms.map(label_term).collect();
        let labels_read = labels_read.map_err(Refusal::bad_request)?;
        let mut selection = Selection { labels: labels_read, fields: Vec::new() };
        for term in fields.split(',').filter(|term| !term.is_empty()) {
            let (path, equal, value) = field_term(term)?;
            if !is_supported(resource, path) {
                return Err(Refusal::bad_request(not_supported(resource, path)));
            }
            let path = path.split('.').map(str::to_owned).collect();
            selection.fields.push(FieldTerm { path, equal, value: value.to_owned() });
        }
        Ok(selection)
    }

    /// And only the object of this name.
    #[must_use]
    pub fn and_named(mut self, name: &str) -> Selection {
        let path = vec!["metadata".to_owned(), "name".to_owned()];
        self.fields.push(FieldTerm { path, equal: true, value: name.to_owned() });
        self
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is selected.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|term| term.holds(labels.get(&term.key).and_then(Value::as_str)))
            && self.fields.iter().all(|term| (field(object, &term.path) == term.value) == term.equal)
    }
}

/// The kinds that have a list of their own of fields to select by are short about others.
fn not_supported(resource: &Resource, path: &str) -> String {
    if resource.is_custom() || !more_fields(resource).is_empty() {
        return format!("field label not supported: {path}");
    }
    format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
}

impl LabelTerm {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => !value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// Splits at commas outside parentheses.
fn split(selector: &str) -> Vec<&str> {
    let (mut terms, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(selector[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(selector[start..].trim());
    terms
}

fn label_term(term: &str) -> Result<LabelTerm, String> {
    let made = |key: &str, test| {
        let key = key.trim();
        if let Some((_, rest)) = key.split_once(char::is_whitespace) {
            let rest = rest.trim();
            let word = rest.split_whitespace().next().unwrap_or_default();
            return Err(match rest.strip_prefix("in ").or_else(|| rest.strip_prefix("notin ")) {
                Some(after) => format!("unable to parse requirement: found '{}' expected: '('", after.trim()),
                None => {
                    format!("unable to parse requirement: found '{word}', expected: in, notin, =, ==, !=, gt, lt")
                }
            });
        }
        let well_formed = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if well_formed {
            Ok(LabelTerm { key: key.to_owned(), test })
        } else {
            Err(format!("unable to parse requirement: found '{term}', expected: identifier after '!' or label"))
        }
    };
    let number = |text: &str| {
        text.trim().parse().map_err(|_| format!("for 'Gt', 'Lt' operators, the value must be an integer: {text:?}"))
    };
    let one = |text: &str| match text.split_once('=') {
        Some(_) => Err("found '=', expected: ',' or 'end of string'".to_owned()),
        None => Ok(vec![text.trim().to_owned()]),
    };
    if let Some(list) = term.strip_suffix(')') {
        let (head, list) = list.split_once('(').ok_or_else(|| format!("found ')' in '{term}', expected: '('"))?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        return match head.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => made(key, Test::In(values)),
            Some((key, "notin")) => made(key, Test::NotIn(values)),
            _ => Err(format!("found '{head}', expected: in, notin")),
        };
    }
    if let Some(key) = term.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    if let Some((key, value)) = term.split_once("!=") {
        return made(key, Test::NotIn(one(value)?));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return made(key, Test::In(one(value)?));
    }
    if let Some((key, value)) = term.split_once('>') {
        return made(key, Test::Above(number(value)?));
    }
    if let Some((key, value)) = term.split_once('<') {
        return made(key, Test::Below(number(value)?));
    }
    made(term, Test::Exists)
}

fn field_term(term: &str) -> Result<(&str, bool, &str), Refusal> {
    if let Some((path, value)) = term.split_once("!=") {
        return Ok((path, false, value));
    }
    let equal = term.split_once("==").or_else(|| term.split_once('='));
    let (path, value) =
        equal.ok_or_else(|| Refusal::bad_request(format!("invalid selector: '{term}'; can't understand '{term}'")))?;
    Ok((path, true, value))
}

/// The fields that the API server lets one select by.
fn is_supported(resource: &Resource, path: &str) -> bool {
    if path == "metadata.name" || (path == "metadata.namespace" && resource.namespaced) {
        return true;
    }
    if let Some(custom) = &resource.custom {
        let mut selectable = custom.version["selectableFields"].as_array().into_iter().flatten();
        return selectable.any(|field| field["jsonPath"].as_str().and_then(|at| at.strip_prefix('.')) == Some(path));
    }
    more_fields(resource).contains(&path)
}

fn more_fields(resource: &Resource) -> &'static [&'static str] {
    match &*resource.key {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reportingController",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "secrets" => &["type"],
        "services" => &["spec.clusterIP", "spec.type"],
        "replicasets.apps" => &["status.replicas"],
        "jobs.batch" => &["status.successful"],
        _ => &[],
    }
}

fn field(object: &Value, path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let path = match &path[..] {
        ["reportingController"] => &["reportingComponent"][..],
        ["regarding", field] => return field_of(object, &["involvedObject", field]),
        ["source"] => &["source", "component"],
        ["status", "successful"] => &["status", "succeeded"],
        other => other,
    };
    field_of(object, path)
}

fn field_of(object: &Value, path: &[&str]) -> String {
    match path.iter().fold(object, |value, key| &value[*key]) {
        Value::String(text) => text.clone(),
        // A zero that is not written, as Go would print it.
        Value::Null if path == ["status", "replicas"] || path == ["status", "succeeded"] => "0".to_owned(),
        Value::Null if path == ["spec", "unschedulable"] || path == ["spec", "hostNetwork"] => "false".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether an object has these labels.
pub fn has_all(required: &BTreeMap<String, String>, object: &Value) -> bool {
    are_among(required, &object::labels(object))
}

/// Whether these labels are among others.
pub fn are_among(required: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    required.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Registry;

    fn selected(labels: &str) -> bool {
        let pods = Registry::builtin().known("pods");
        let pod = json!({ "metadata": { "name": "a", "labels": { "app": "web", "n": "5" } } });
        Selection::parse(&pods, labels, "").expect("a selector").matches(&pod)
    }

    #[test]
    fn labels_are_selected_as_kubectl_writes_them() {
        for yes in [
            "",
            "app=web",
            "app==web",
            "app!=shop",
            "app in (shop, web)",
            "app notin (shop)",
            "app",
            "!other",
            "n>4",
            "n<6,app",
        ] {
            assert!(selected(yes), "{yes}");
        }
        for no in
            ["app=shop", "app!=web", "app in (shop)", "app notin (web,shop)", "!app", "other", "n>5", "app,other=x"]
        {
            assert!(!selected(no), "{no}");
        }
    }

    #[test]
    fn fields_that_cannot_be_selected_are_named() {
        let pods = Registry::builtin().known("pods");
        let refusal = Selection::parse(&pods, "", "spec.foo=x").expect_err("refused");
        assert!(refusal.message.ends_with("field label not supported: spec.foo"), "{}", refusal.message);
        let selection = Selection::parse(&pods, "", "metadata.name=a,status.phase!=Running").expect("supported");
        assert!(selection.matches(&json!({ "metadata": { "name": "a" } })));
        assert!(!selection.matches(&json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } })));
    }
}
