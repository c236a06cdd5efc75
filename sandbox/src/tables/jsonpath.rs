//! The `JSONPath` that columns of CRDs are written in: names, indexes, wildcards and comparing filters.

use serde_json::Value;

/// A path, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A field of an object.
    Field(String),
    /// An item of a list, counted from the end when it is negative.
    Index(i64),
    /// All items or fields.
    All,
    /// The items whose field compares to a text.
    Filter { path: JsonPath, equal: bool, value: String },
}

impl JsonPath {
    /// Reads a path such as `.status.conditions[?(@.type=="Ready")].status`.
    pub(super) fn parse(text: &str) -> Option<JsonPath> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let step;
            (step, rest) = if let Some(inside) = rest.strip_prefix('[') {
                let end = closing_bracket(inside)?;
                (bracket(&inside[..end])?, &inside[end + 1..])
            } else {
                name(rest.strip_prefix('.')?)
            };
            steps.push(step);
        }
        Some(JsonPath(steps))
    }

    /// All values at the path.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        self.0
            .iter()
            .fold(vec![value], |values, step| values.into_iter().flat_map(|value| step.follow(value)).collect())
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Step::Field(name) => value.get(name).into_iter().collect(),
            Step::Index(index) => {
                let Some(items) = value.as_array() else { return Vec::new() };
                let index = if *index < 0 { index + items.len() as i64 } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
            }
            Step::All => children(value),
            Step::Filter { path, equal, value: wanted } => {
                let is_wanted = |found: &&Value| (printed(found) == *wanted) == *equal;
                children(value).into_iter().filter(|item| path.find(item).first().is_some_and(is_wanted)).collect()
            }
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A name up to the next dot or bracket; a backslash makes either a part of it.
fn name(text: &str) -> (Step, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (field(name), &text[at..]),
            other => name.push(other),
        }
    }
    (field(name), "")
}

fn field(name: String) -> Step {
    if name == "*" { Step::All } else { Step::Field(name) }
}

/// Where a bracket closes that is not within quotes.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, character)| {
        match (quote, character) {
            (None, ']') => return Some(at),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        None
    })
}

fn bracket(text: &str) -> Option<Step> {
    if let Some(condition) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        let (at, equal) = match (condition.find("=="), condition.find("!=")) {
            (Some(at), _) => (at, true),
            (None, Some(at)) => (at, false),
            (None, None) => return None,
        };
        let path = JsonPath::parse(condition[..at].trim().strip_prefix('@')?)?;
        let value = condition[at + 2..].trim();
        return Some(Step::Filter { path, equal, value: unquoted(value).unwrap_or_else(|| value.to_owned()) });
    }
    if text == "*" {
        return Some(Step::All);
    }
    match unquoted(text) {
        Some(name) => Some(Step::Field(name)),
        None => text.parse().ok().map(Step::Index),
    }
}

fn unquoted(text: &str) -> Option<String> {
    let inside = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    Some(inside.replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn finds(path: &str, value: &Value, expected: &[Value]) {
        let path = JsonPath::parse(path).expect("a path");
        assert_eq!(path.find(value), expected.iter().collect::<Vec<_>>(), "{path:?}");
    }

    #[test]
    fn a_filter_picks_items_by_a_field() {
        let object = json!({ "list": [{ "type": "A", "n": 1 }, { "type": "B", "n": 2 }, { "n": 3 }] });
        finds(".list[?(@.type==\"B\")].n", &object, &[json!(2)]);
        finds(".list[?(@.type != 'B')].n", &object, &[json!(1)]);
        finds(".list[?(@.type=='].)')].n", &object, &[]);
        finds(".list[*].type", &object, &[json!("A"), json!("B")]);
    }

    #[test]
    fn a_backslash_keeps_a_dot_in_a_name() {
        let object = json!({ "labels": { "a.b/c": "v" } });
        finds(".labels.a\\.b/c", &object, &[json!("v")]);
        finds(".labels['a\\.b/c']", &object, &[json!("v")]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["spec", ".a[", ".a[x]", ".a[?(@.b)]"] {
            assert_eq!(JsonPath::parse(text), None, "{text}");
        }
    }
}
