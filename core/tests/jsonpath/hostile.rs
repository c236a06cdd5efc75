//! Whatever is written, there is an answer, and soon.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_core::jsonpath::{LONGEST, Path};

use super::golden::cases;

const TOKENS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "[?(",
    ")]",
    "@",
    "$",
    ".",
    "..",
    "*",
    "'",
    "\"",
    "\\",
    ",",
    ":",
    "-",
    "+",
    "0",
    "1",
    "2.5",
    "9",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "a",
    "b",
    "['a']",
    "[*]",
    "[0]",
    "[-1]",
    "range",
    "end",
    "true",
    "ü",
    " ",
    "\n",
    "\u{7f}",
    "99999999999",
];

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-b]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-b]{0,2}", inner, 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn tried(path: &str, document: &Value) {
    if let Ok(path) = Path::parse(path) {
        let _ = path.find(document);
    }
}

proptest! {
    #[test]
    fn no_sequence_of_tokens_panics(
        tokens in prop::collection::vec(prop::sample::select(TOKENS.as_slice()), 0..24),
        document in documents(),
    ) {
        tried(&tokens.concat(), &document);
        tried(&format!("{{{}}}", tokens.concat()), &document);
    }

    #[test]
    fn no_mutation_of_a_path_panics(
        (which, at, token) in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::sample::select(TOKENS.as_slice())),
        (cut, document) in (0..4_usize, documents()),
    ) {
        let cases = cases();
        let case = which.get(&cases);
        let chars: Vec<char> = case.path.chars().collect();
        let at = at.index(chars.len() + 1);
        let rest = chars.iter().skip(at + cut);
        let path: String = chars[..at].iter().copied().chain(token.chars()).chain(rest.copied()).collect();
        tried(&path, &case.document);
        tried(&path, &document);
    }

    #[test]
    fn no_text_panics(path in ".{0,40}", document in documents()) {
        tried(&path, &document);
    }
}

#[test]
fn a_path_has_an_end() {
    let error = Path::parse(&format!("{{{}}}", ".a".repeat(LONGEST))).expect_err("it is too long").to_string();
    assert_eq!(error, "it has 8194 bytes, and 4096 are allowed");
    let longest = format!("{{{}}}", ".a".repeat(LONGEST / 2 - 1));
    assert!(Path::parse(&longest).is_ok());
}

#[test]
fn brackets_within_brackets_have_an_end() {
    for nested in ["['", "[?('", "[?(\"", "[0,['"] {
        let _ = Path::parse(&format!("{{{}", nested.repeat(LONGEST / nested.len() - 1)));
    }
}

#[test]
fn a_walk_that_grows_is_stopped() {
    let mut document = json!(0);
    for _ in 0..100 {
        document = json!([document, "text"]);
    }
    let path = Path::parse("{...*...*...*...*}").expect("a path");
    let error = path.find(&document).expect_err("it grows").to_string();
    assert_eq!(error, "the path leads through more than 1000000 values");
}

#[test]
fn a_large_document_is_walked_where_the_path_leads() {
    let document = json!({"rest": vec![0; 2_000_000], "value": 1});
    let path = Path::parse("{.value}").expect("a path");
    assert_eq!(*path.find(&document).expect("a value")[0], 1);
    let all = Path::parse("{.rest[*]}").expect("a path");
    assert!(all.find(&document).is_err());
}
