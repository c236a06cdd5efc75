//! Output for programs: JSON and YAML.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use serde_json::Value;

use crate::problem::Problem;

/// In which form something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A table with more columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Names alone.
    Name,
    /// Numbers alone.
    Id,
}

impl Output {
    fn name(self) -> &'static str {
        match self {
            Output::Wide => "wide",
            Output::Json => "json",
            Output::Yaml => "yaml",
            Output::Name => "name",
            Output::Id => "id",
        }
    }

    /// Of a flag that knows some forms. The first stands for all that it does not know, which clap keeps out.
    pub fn among(known: &'static [Output]) -> impl TypedValueParser<Value = Output> {
        PossibleValuesParser::new(known.iter().map(|output| output.name()))
            .map(|name| known.iter().copied().find(|output| output.name() == name).unwrap_or(known[0]))
    }

    /// A value in this form, if it is one for programs.
    pub fn structured(self, value: &Value) -> Option<Result<String, Problem>> {
        match self {
            Output::Json => Some(Ok(format!("{value:#}\n"))),
            Output::Yaml => Some(yaml(value)),
            Output::Wide | Output::Name | Output::Id => None,
        }
    }
}

/// What something is to programs.
pub fn of(value: &impl Serialize) -> Value {
    // Of our own models and of objects that came as JSON: there is nothing in them that JSON does not have.
    serde_json::to_value(value).unwrap_or_default()
}

/// A value as YAML, which reads as it whoever reads it: what looks like something else is quoted.
pub fn yaml(value: &Value) -> Result<String, Problem> {
    // Long lines stay lines, as kubectl writes them.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Problem::new(format!("cannot write YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sluice_yaml as reader;

    #[test]
    fn yaml_reads_as_what_was_written() {
        let long = "word ".repeat(60);
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "null",
            "~",
            "",
            " ",
            "true",
            "0644",
            "0x1F",
            "1e3",
            "1_000",
            "12:30:45",
            ".5",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a",
            "[a",
            "'a'",
            "\"a\"",
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "line\nline\n",
            "line\nline",
            "\nline",
            "  line\n more",
            "tab\there",
            "\u{1b}[2J",
            "=",
            "<<",
            "---",
            "...",
            "é ☃",
            "a\\b",
            "trailing ",
            "{{ .Values.a }}",
            "\u{feff}a",
            "a\r\nb",
            "Infinity",
            ".nan",
            &long,
        ] {
            let value = json!({"a": text, text: "b", "list": [text, {"c": text}]});
            let written = yaml(&value).expect("YAML");
            let parts = reader::split(&written);
            assert_eq!(parts.len(), 1, "{written}");
            let read = reader::read(parts[0]).expect(&written).value;
            assert_eq!(read, value, "{written}");
        }
    }

    #[test]
    fn yaml_looks_as_kubectl_writes_it() {
        let value = json!({
            "metadata": {"name": "web", "labels": {}}, "list": [{"a": 1, "b": "x"}, "c"], "none": null, "yes": true,
            "text": "one\ntwo\n", "quoted": "0644",
        });
        let expected = "\
list:
- a: 1
  b: x
- c
metadata:
  labels: {}
  name: web
none: null
quoted: \"0644\"
text: |
  one
  two
\"yes\": true
";
        assert_eq!(yaml(&value).expect("YAML"), expected);
        assert_eq!(Output::Json.structured(&json!({"a": 1})).expect("JSON").expect("JSON"), "{\n  \"a\": 1\n}\n");
    }
}
