//! Every case that `tests/jsonpath` asked client-go.

use serde::Deserialize;
use serde_json::{Value, json};
use sluice_core::jsonpath::{JsonPathError, Path};

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) group: String,
    pub(crate) document: Value,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) values: Option<Vec<Value>>,
    #[serde(default)]
    pub(crate) error: String,
}

pub(crate) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../golden/jsonpath.json")).expect("the committed cases")
}

/// Where core differs on purpose: a group and a path, and what core gives instead. The module comment of `jsonpath` has the reasons.
fn differences() -> Vec<(&'static str, &'static str, Option<Value>)> {
    vec![
        // Numbers are numbers.
        ("filters", "{.i[?(@.v > 2)].n}", Some(json!(["b", "c"]))),
        ("filters", "{.i[?(@.v == 1)].n}", Some(json!([]))),
        // What cannot be there is not there.
        ("filters", "{.i[?(@.x[7])].x}", Some(json!([]))),
        ("filters", "{.i[?(@.x[0])]}", Some(json!([{"x": [1]}]))),
        // `null` is a document.
        ("null", "{$}", Some(json!([null]))),
        ("null", "{[0]}", Some(json!([]))),
        // What cannot be read is not dropped.
        ("keys", "{['s}y']}", None),
        // A measurement is one value.
        ("ranges", "{range .i[*]}{.v}{end}", None),
        ("ranges", "{range .i[*]}{.v}", None),
        ("ranges", "{range}", None),
    ]
}

fn found(document: &Value, path: &str) -> Result<Vec<Value>, JsonPathError> {
    let path = Path::parse(path)?;
    Ok(path.find(document)?.into_iter().map(|value| floats(&value)).collect())
}

/// A value with all of its numbers as floats: to Go they are nothing else.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn paths_lead_where_kubectl_says() {
    let (mut wrong, mut differing) = (Vec::new(), Vec::new());
    let differences = differences();
    let cases = cases();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    for case in &cases {
        let found = found(&case.document, &case.path);
        let name = |(group, path, _): &&(&str, &str, _)| *group == case.group && *path == case.path;
        let expected = match differences.iter().find(name) {
            Some(difference) => {
                differing.push(difference);
                difference.2.as_ref().map(floats)
            }
            None => case.values.as_ref().map(|values| values.iter().map(floats).collect()),
        };
        if found.as_ref().ok().map(|found| Value::Array(found.clone())) != expected {
            let expected = expected.map_or_else(|| format!("an error ({})", case.error), |values| values.to_string());
            wrong.push(format!("{} of {}: {found:?} instead of {expected}", case.path, case.document));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let stale = differences.iter().filter(|one| !differing.iter().any(|two| std::ptr::eq(*one, *two)));
    assert_eq!(stale.count(), 0, "every difference is one of a case");
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_write() {
    let document = json!({"list": [1, 2], "name": "n"});
    let cases = [
        ("{.lost}", "lost is not found"),
        ("{.list[2]}", "[2] is outside of the list, which has 2 items"),
        ("{.name[0]}", "a text has no [index]: it is no list"),
        ("{.list[?(@ > \"a\")]}", "a filter cannot compare a number with a text by >"),
        ("{.list", "a brace does not close"),
        (r#"{.list["a"]}"#, r#"["a"] is no index; the key of an object stands in single quotes there"#),
        ("{list}", r#""list" is no key, which begins with a dot, and no text, which stands in quotes"#),
        ("{.list[?(@ = 1)]}", "= is no operator of a filter; there are == != < <= > >="),
        (
            "{range .list[*]}{@}{end}",
            "{range} makes a text of many values, and a measurement is one value: name one, such as {.items[0]}",
        ),
    ];
    for (path, message) in cases {
        assert_eq!(found(&document, path).expect_err(path).to_string(), message, "{path}");
    }
}
