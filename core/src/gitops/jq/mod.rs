//! Places in an object, as `ignoreDifferences` names them by paths of jq: `.spec.containers[] | select(.name == "proxy")`.
//!
//! This is the part of jq that leads to places: fields, items, `..`, `select` and what conditions are made of. It takes no longer than
//! a number of steps, whatever the expression is, which an interpreter of all of jq cannot promise. What is beyond it is an error
//! that names it.

mod eval;
mod lex;
mod parse;

use serde_json::Value;

use eval::Work;
use parse::Expr;

/// The longest expression that is read.
const LONGEST: usize = 2_000;

/// An expression that leads to places.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(Expr);

/// One step to a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a field of an object.
    Field(String),
    /// To an item of a list.
    Item(usize),
}

impl Path {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or not understood.
    pub fn read(text: &str) -> Result<Path, String> {
        if text.len() > LONGEST {
            return Err(format!("an expression has more than {LONGEST} bytes"));
        }
        parse::read(text).map(Path)
    }

    /// The places in an object. None where the expression asks for what the object does not have, such as the items of a number.
    ///
    /// # Errors
    /// That it takes too long, or leads to no place at all.
    pub fn places(&self, object: &Value) -> Result<Vec<Vec<Step>>, String> {
        Work::new().places(&self.0, object)
    }
}

/// A place as a JSON pointer.
pub fn pointer(place: &[Step]) -> String {
    place.iter().fold(String::new(), |text, step| match step {
        Step::Field(name) => format!("{text}/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Item(index) => format!("{text}/{index}"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": { "annotations": { "a/b": "1", "c": "2" } },
            "spec": {
                "replicas": 3,
                "containers": [
                    { "name": "web", "image": "web:1", "ports": [80, 443] },
                    { "name": "proxy", "image": "proxy:2", "env": null },
                ],
            },
        })
    }

    fn places(text: &str) -> Vec<String> {
        let path = Path::read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        path.places(&object()).expect("places").iter().map(|place| pointer(place)).collect()
    }

    #[test]
    fn an_expression_leads_to_places() {
        for (text, expected) in [
            (".", &[""][..]),
            (".spec.replicas", &["/spec/replicas"]),
            (".spec[\"replicas\"]", &["/spec/replicas"]),
            (".spec.\"replicas\"", &["/spec/replicas"]),
            (".metadata.annotations[\"a/b\"]", &["/metadata/annotations/a~1b"]),
            (".spec.containers[].image", &["/spec/containers/0/image", "/spec/containers/1/image"]),
            (".spec.containers[0].ports[-1]", &["/spec/containers/0/ports/1"]),
            (".spec.containers[] | select(.name == \"proxy\") | .image", &["/spec/containers/1/image"]),
            (
                ".spec.containers[] | select(.name != \"proxy\" and (.image | startswith(\"web\"))).image",
                &["/spec/containers/0/image"],
            ),
            (".spec.containers[] | select(.name | test(\"^P\"; \"i\"))", &["/spec/containers/1"]),
            (".spec.containers[] | select(.ports | not)", &["/spec/containers/1"]),
            (".spec.containers[] | select(has(\"env\"))", &["/spec/containers/1"]),
            (".spec.containers[] | select(.ports[]? > 100)", &["/spec/containers/0"]),
            (".spec.replicas, .metadata.annotations", &["/spec/replicas", "/metadata/annotations"]),
            (".spec.missing.deep", &["/spec/missing/deep"]),
            (".spec.missing[]?", &[]),
            (".spec.missing[]", &[]),
            (".spec.replicas.deep", &[]),
        ] {
            assert_eq!(places(text), expected, "{text}");
        }
        assert!(places("..|.ports?").contains(&"/spec/containers/0/ports".to_owned()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, part) in [
            ("", "nothing"),
            (".spec[", "end"),
            (".spec | ", "end"),
            ("del(.a)", "del"),
            (".a as $x | $x", "as"),
            (".a | to_entries", "to_entries"),
            (".a[1:2]", ":"),
            (".a + 1", "+"),
            (".a)", ")"),
            ("select(.a; .b)", "select"),
            (".a | test(\"(\")", "test"),
            (".\"a", "end"),
        ] {
            let why = Path::read(text).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
        let value = Path::read("1, .a").expect("an expression").places(&object());
        assert!(value.is_err_and(|why| why.contains("no place")));
    }

    #[test]
    fn no_expression_takes_longer_than_it_may() {
        let deep = "(".repeat(1_900);
        assert!(Path::read(&deep).is_err());
        let wide = vec![".."; 60].join("|");
        let why = Path::read(&wide).expect("an expression").places(&object()).expect_err("too long");
        assert!(why.contains("steps"), "{why}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in "[].a\\[\\]|,()\"? =<!0-9selct:;-]{0,30}") {
            if let Ok(path) = Path::read(&text) {
                let _ = path.places(&object());
            }
        }
    }
}
