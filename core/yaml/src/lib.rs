//! YAML as JSON, with the lines that each field is on.
//!
//! Read as kubectl reads it, as far as the reader can: legacy octal numbers, YAML 1.1 booleans, and the separators of documents
//! only at the beginning of a line, so that a broken document does not take the others with it. It differs where nobody goes: words
//! in mixed case (`yEs`, `nUll`) are booleans and nulls here, and keys that are no text keep their spelling.

mod ordered;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};
use sluice_core::validate::field_path;

pub use ordered::{Ordered, read_ordered};

/// A document of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What is in it.
    pub text: &'a str,
    /// How many lines come before it.
    pub offset: u64,
}

/// The documents of a text, without the empty ones.
pub fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut offset, mut at, mut line) = (0, 0, 0, 0);
    for one in text.split_inclusive('\n') {
        if is_separator(one) {
            parts.push(Part { text: &text[start..at], offset });
            (start, offset) = (at + one.len(), line + 1);
        }
        at += one.len();
        line += 1;
    }
    parts.push(Part { text: &text[start..], offset });
    parts.retain(|part| !part.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')));
    parts
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
}

/// A value, and the lines of its fields by their paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Located {
    /// The value.
    pub value: Value,
    lines: BTreeMap<String, u64>,
}

impl Located {
    /// A value of which no lines are known.
    pub fn unknown(value: Value) -> Located {
        Located { value, lines: BTreeMap::new() }
    }

    /// The line of a field, or where it is absent, of what it should be in.
    pub fn line(&self, field: &str) -> Option<u64> {
        let mut path = field;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// Why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why.
    pub why: String,
    /// The line.
    pub line: Option<u64>,
}

/// Reads one document.
pub fn read(part: Part<'_>) -> Result<Located, Unreadable> {
    let node = node(part)?;
    let mut lines = BTreeMap::new();
    let value = node.located("", part.offset, &mut lines);
    Ok(Located { value, lines })
}

/// Reads one long list of things, such as the index of a repository of charts, of which only some fields are kept, as they are written:
/// where text is wanted, `1.10` is that. References, which make much of little, are as limited as everywhere.
pub fn read_long<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 40_000_000, max_nodes: 20_000_000 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| unreadable(&error, 0))
}

fn unreadable(error: &serde_saphyr::Error, offset: u64) -> Unreadable {
    let line = error.location().map(|location| location.line() + offset);
    Unreadable { why: without_place(&error.to_string()), line }
}

fn node(part: Part<'_>) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(part.text, options).map_err(|error| unreadable(&error, part.offset))
}

/// The reader names the place within the document, for which the line in the file is told, and what its caller could change.
fn without_place(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    let ends = [" at line ", ", set DuplicateKeyPolicy"].into_iter().filter_map(|end| first.find(end));
    first[..ends.min().unwrap_or(first.len())].trim_end_matches(':').to_owned()
}

/// A float as JSON has it: Go writes a whole number without a fraction, whatever it was in YAML: `1e3` is 1000.
pub fn float(value: f64) -> Value {
    /// Up to here, every whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return (value as i64).into();
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A YAML node, with the lines of the keys in it.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    fn located(self, at: &str, offset: u64, lines: &mut BTreeMap<String, u64>) -> Value {
        match self {
            Node::Scalar(value) => value,
            Node::List(items) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let field = format!("{at}[{index}]");
                    lines.insert(field.clone(), item.referenced.line() + offset);
                    item.value.located(&field, offset, lines)
                });
                Value::Array(items.collect())
            }
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    let field = field_path(at, &key.value);
                    lines.insert(field.clone(), key.referenced.line() + offset);
                    let value = node.located(&field, offset, lines);
                    map.insert(key.value, value);
                }
                Value::Object(map)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(Part { text, offset: 0 }).expect(text).value
    }

    /// Compared with sigs.k8s.io/yaml 1.6.
    #[test]
    fn scalars_are_what_kubectl_takes_them_for() {
        for (text, expected) in [
            ("0644", json!(420)),
            ("-0644", json!(-420)),
            ("0777_7", json!(4095)),
            ("0o17", json!(15)),
            ("08", json!(8)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("1_000", json!(1000)),
            ("+5", json!(5)),
            ("-5", json!(-5)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("5.", json!(5)),
            (".5", json!(0.5)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("Y", json!(true)),
            ("n", json!(false)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("NULL", json!(null)),
            ("2001-01-01", json!("2001-01-01")),
            ("1:30", json!("1:30")),
            ("12e", json!("12e")),
            ("0x", json!("0x")),
            ("=", json!("=")),
            ("<<", json!("<<")),
            ("'no'", json!("no")),
            ("\"0644\"", json!("0644")),
        ] {
            assert_eq!(value(&format!("a: {text}"))["a"], expected, "{text}");
        }
    }

    #[test]
    fn anchors_and_merges_are_resolved() {
        let text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nlist: [*base]\n";
        assert_eq!(value(text)["other"], json!({"a": 1, "b": 3}));
        assert_eq!(value(text)["list"][0], json!({"a": 1, "b": 2}));
    }

    #[test]
    fn every_field_has_its_line() {
        let text = "a:\n  b:\n  - c: 1\n  - d: 2\n    e: {f: 3}\nlabels:\n  x/y.z: 1\n";
        let located = read(Part { text, offset: 10 }).expect("YAML");
        for (field, line) in [
            ("a", 11),
            ("a.b[0].c", 13),
            ("a.b[1].e", 15),
            ("a.b[1].e.f", 15),
            ("labels[x/y.z]", 17),
            ("a.b[1].missing", 14),
        ] {
            assert_eq!(located.line(field), Some(line), "{field}");
        }
        assert_eq!(located.line("nothing"), None);
    }

    #[test]
    fn documents_are_split_where_kubectl_splits_them() {
        let text = "---\n# only a comment\n--- # first\na: 1\n---\nb: |\n  text\n   ---\n---\n\n---\nc: ---x\n";
        let parts: Vec<_> = split(text).iter().map(|part| (part.text, part.offset)).collect();
        assert_eq!(parts, [("a: 1\n", 3), ("b: |\n  text\n   ---\n", 5), ("c: ---x\n", 11)]);
        assert_eq!(split("  \n# x\n"), []);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = read(Part { text: "a: 1\nb: [1\n", offset: 5 }).expect_err("no YAML");
        assert!(error.line.is_some_and(|line| (7..=9).contains(&line)), "{error:?}");
        assert!(!error.why.contains("line"), "{error:?}");
        let error = read(Part { text: "a: 1\na: 2\n", offset: 0 }).expect_err("a key twice");
        assert_eq!((error.why.as_str(), error.line), ("duplicate mapping key: a", Some(2)));
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let level = |level: usize| match level.checked_sub(1) {
            None => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
            Some(before) => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")),
        };
        let text: String = (0..12).map(level).collect();
        assert!(read(Part { text: &text, offset: 0 }).is_err());
        assert!(read(Part { text: &"[".repeat(100_000), offset: 0 }).is_err());
    }
}
