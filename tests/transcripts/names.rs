//! What differs from run to run gets a name by order of appearance: `<uid:1>`, `<rv:2>`. So equal things stay equal, and a
//! transcript can ask for them later: the name in a request stands for the value.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// The names given in one transcript.
#[derive(Clone)]
pub struct Names {
    namespace: String,
    /// Name to value.
    values: BTreeMap<String, String>,
    /// Class and value to name.
    given: BTreeMap<(&'static str, String), String>,
}

impl Names {
    pub fn new(namespace: &str) -> Names {
        Names { namespace: namespace.to_owned(), values: BTreeMap::new(), given: BTreeMap::new() }
    }

    /// The name of a value, which it gets now if it has none.
    fn name(&mut self, class: &'static str, value: &str) -> String {
        if value.starts_with("00000000-") {
            return value.to_owned(); // A transcript's own idea of a uid.
        }
        if let Some(name) = self.given.get(&(class, value.to_owned())) {
            return name.clone();
        }
        let number = self.given.keys().filter(|(other, _)| *other == class).count() + 1;
        let name = format!("<{class}:{number}>");
        self.given.insert((class, value.to_owned()), name.clone());
        self.values.insert(name.clone(), value.to_owned());
        name
    }

    /// Remembers the latest value of something that is one of a kind.
    fn latest(&mut self, name: &str, value: &str) -> String {
        self.values.insert(name.to_owned(), value.to_owned());
        name.to_owned()
    }

    /// `text` with the values that its names stand for.
    pub fn substitute(&self, text: &str) -> String {
        let text = text.replace("{namespace}", &self.namespace);
        self.values.iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    /// `value` with what its names stand for. Values stay strings, which resource versions are.
    pub fn substitute_in(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.substitute(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.substitute_in(item)).collect(),
            Value::Object(map) => map.into_iter().map(|(k, v)| (self.substitute(&k), self.substitute_in(v))).collect(),
            other => other,
        }
    }

    /// `text` with names.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.namespace, "{namespace}");
        for (pattern, word) in WORDS.iter() {
            text = pattern.replace_all(&text, *word).into_owned();
        }
        let versions = VERSION.replace_all(&text, |found: &Captures| {
            let known = self.given.get(&("rv", found["value"].to_owned()));
            format!("{}{}", &found["lead"], known.map_or("<rv>", String::as_str))
        });
        text = versions.into_owned();
        for (pattern, class) in NUMBERED.iter() {
            let named = pattern.replace_all(&text, |found: &Captures| {
                let lead = found.name("lead").map_or("", |lead| lead.as_str());
                format!("{lead}{}", self.name(class, &found["value"]))
            });
            text = named.into_owned();
        }
        text
    }

    /// `value`, an answer or a part of one, with names.
    pub fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(mut map) if map.get("type").is_some_and(|kind| kind == "BOOKMARK") => {
                let version = map.get_mut("object").and_then(|object| object.pointer_mut("/metadata/resourceVersion"));
                if let Some(Value::String(version)) = version {
                    *version = self.version_of_collection(version, 0);
                }
                Value::Object(map.into_iter().map(|(key, value)| (key, self.value(value))).collect())
            }
            Value::Object(map) => {
                let collection = is_collection(&map);
                let newest = if collection { newest(&map) } else { 0 };
                let fields = map.into_iter().map(|(key, value)| {
                    let value = match (key.as_str(), value) {
                        ("metadata", Value::Object(mut metadata)) if collection => {
                            if let Some(Value::String(version)) = metadata.get_mut("resourceVersion") {
                                *version = self.version_of_collection(version, newest);
                            }
                            self.value(Value::Object(metadata))
                        }
                        (key, value) => self.field(key, value),
                    };
                    (self.text(&key), value)
                });
                Value::Object(fields.collect())
            }
            other => other,
        }
    }

    fn field(&mut self, key: &str, value: Value) -> Value {
        match (key, value) {
            ("resourceVersion", Value::String(version)) if version.len() > 1 && is_number(&version) => {
                self.name("rv", &version).into()
            }
            ("continue", Value::String(token)) if !token.is_empty() => self.latest("<continue>", &token).into(),
            ("hostIP", Value::String(_)) => "<node ip>".into(),
            ("nodePort" | "healthCheckNodePort", Value::Number(_)) => "<port>".into(),
            ("imageID", Value::String(text)) if !text.is_empty() => "<image>".into(),
            ("reportingInstance", Value::String(text)) if !text.is_empty() => "<instance>".into(),
            ("hostIPs", Value::Array(items)) => {
                items.iter().map(|_| serde_json::json!({ "ip": "<node ip>" })).collect()
            }
            (_, value) => self.value(value),
        }
    }

    /// The version of a list is that of the whole store, which others write to: all that can be said is what it is not
    /// older than.
    fn version_of_collection(&mut self, version: &str, newest: u64) -> String {
        let number = version.parse::<u64>().unwrap_or(0);
        let seen = self.given.keys().filter(|(class, _)| *class == "rv");
        let seen = seen.filter_map(|(_, value)| value.parse().ok()).max().unwrap_or(0);
        match number {
            0 => version.to_owned(),
            _ if number < newest => "<rv older than an item>".to_owned(),
            _ if number < seen => "<rv older than what was seen>".to_owned(),
            _ => self.latest("<rv:list>", version),
        }
    }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

fn is_collection(map: &serde_json::Map<String, Value>) -> bool {
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
    ["items", "rows"].iter().any(|key| map.contains_key(*key)) || kind.ends_with("List")
}

/// The newest version among the items of a list.
fn newest(map: &serde_json::Map<String, Value>) -> u64 {
    let items = map.get("items").or(map.get("rows")).and_then(Value::as_array).into_iter().flatten();
    let versions = items.filter_map(|item| {
        let version = item.pointer("/metadata/resourceVersion").or(item.pointer("/object/metadata/resourceVersion"));
        version?.as_str()?.parse().ok()
    });
    versions.max().unwrap_or(0)
}

/// What becomes a word, in this order.
static WORDS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let table = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "<microtime>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+\d{4}", "<time>"),
        // The names of events end in the time in hexadecimal.
        (r"\.[0-9a-f]{16}\b", ".<stamp>"),
        (r"\b[a-z-]+://[0-9a-f]{64}\b", "<container>"),
        (r"\bnode-\d+\b", "<node>"),
        (r"\bzone-\d+\b", "<zone>"),
        (r"(too old resource version: \d+) \(\d+\)", "$1 (<rv>)"),
        (r"\bcurrent: \d+", "current: <rv>"),
    ];
    compile(table)
});

/// A resource version in a sentence, which may be one that never was.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?P<lead>(?i:resource ?version)[^0-9<,"]{0,24})(?P<value>\d{2,})\b"#).expect("a pattern")
});

/// What is numbered by order of appearance, in this order.
static NUMBERED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let table = [
        (r"(?P<value>\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+)", "token"),
        (r"(?P<value>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)", "uid"),
        (r"(?P<value>\b10\.\d+\.\d+\.\d+\b)", "ip"),
        (r#"(?P<lead>resourceVersion\\*"?: ?\\*")(?P<value>\d{2,})"#, "rv"),
        // What generateName appends: no vowels, and nothing that looks like another character.
        (r"(?P<lead>-)(?P<value>[bcdfghjklmnpqrstvwxz2456789]{5})\b", "id"),
    ];
    compile(table)
});

fn compile<const N: usize>(table: [(&str, &'static str); N]) -> Vec<(Regex, &'static str)> {
    table.into_iter().map(|(pattern, word)| (Regex::new(pattern).expect("a pattern"), word)).collect()
}

#[test]
fn equal_values_have_equal_names_which_stand_for_them() {
    let mut names = Names::new("t-x7k2p");
    let answer = serde_json::json!({
        "metadata": { "resourceVersion": "12", "namespace": "t-x7k2p", "name": "web-bcd24" },
        "status": "pod web-bcd24, ResourceVersion in object meta: 12",
    });
    let seen = names.value(answer.clone());
    assert_eq!(seen["metadata"]["resourceVersion"], "<rv:1>");
    assert_eq!(seen["status"], "pod web-<id:1>, ResourceVersion in object meta: <rv:1>");
    assert_eq!(names.substitute_in(seen), answer);
}

#[test]
fn a_list_that_is_older_than_its_items_shows() {
    let list = |version: &str| {
        let answer = serde_json::json!({
            "metadata": { "resourceVersion": version }, "items": [{ "metadata": { "resourceVersion": "20" } }],
        });
        Names::new("x").value(answer)["metadata"]["resourceVersion"].clone()
    };
    assert_eq!(list("21"), "<rv:list>");
    assert_eq!(list("19"), "<rv older than an item>");
}
