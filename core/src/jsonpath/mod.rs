//! JSONPath as kubectl writes it, and as templates of web metrics do: `{$.data.items[0].value}`.
//!
//! It is the dialect of client-go, which no library of RFC 9535 speaks: paths stand in braces, and what is outside of them is text;
//! a key that is not there is an error; `['a.b']` is `a` and then `b`, and a dot within a key is written `\.`; items of a filter are
//! the root of what it compares.
//!
//! `tests/jsonpath` asks client-go for the answers that `core/tests/jsonpath.rs` compares with. What differs on purpose:
//!
//! - Numbers are numbers. In client-go `?(@.x > 1)` is an error for every number of JSON, because `1` is an integer and `@.x` a float.
//! - An item for which the path of a filter like `?(@.xs[5])` is an error does not have it. client-go keeps such items where
//!   the error is about an index.
//! - The order of keys decides what `*` and `..` give first of an object; in client-go it is another one each time.
//! - `null` as the whole document is a value like any other; client-go panics.
//! - `{range}` and `{end}`, which make a text of many values, are refused: a measurement is one value.
//! - A `}` within brackets, an operator that there is not, and a word that is neither `true` nor `false` are errors of the path. client-go
//!   drops what follows the first, and says so of the others only once it meets them.
//!
//! Nothing here panics, and what a path costs is bounded: its length, how deep its parts stand within each other, and how many values
//! it walks through.

mod filter;
mod find;
mod parse;
mod quote;

use std::borrow::Cow;

use serde_json::Value;

use filter::Filter;

/// The longest path, in bytes.
pub const LONGEST: usize = 4096;
/// A path may walk through so many values of a document.
pub const MOST_VALUES: usize = 1_000_000;

/// Why a path gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    /// It does not read, whatever the document is.
    #[error("{0}")]
    Syntax(String),
    /// It does not lead through this document.
    #[error("{0}")]
    Document(String),
}

/// A path that has been read.
///
/// ```
/// use sluice_core::jsonpath::Path;
///
/// let document = serde_json::json!({"items": [{"name": "a", "value": 0.5}, {"name": "b", "value": 0.9}]});
/// let path = Path::parse(r#"{$.items[?(@.name == "b")].value}"#).unwrap();
/// assert_eq!(*path.find(&document).unwrap()[0], 0.9);
/// ```
#[derive(Clone, Debug)]
pub struct Path {
    text: String,
    blocks: Vec<Block>,
}

/// A part of a path: text, or what stands in braces.
#[derive(Clone, Debug)]
enum Block {
    Text(Value),
    Walk(Vec<Step>),
}

/// From some values to others.
#[derive(Clone, Debug)]
enum Step {
    /// `.a`
    Key(String),
    /// `.*`
    Every,
    /// `..`: the values and all that is in them.
    Descend,
    /// `[1]`, `[0:2]`, `[*]`
    Slice(Slice),
    /// `[0,2]`
    Union(Vec<Vec<Step>>),
    /// `[?(@.a == 1)]`
    Filter(Box<Filter>),
    /// `"a"`: one value, from however many.
    Text(Value),
    /// `1`, `true`: one value from each.
    Constant(Value),
}

/// Part of a list. What is negative counts from its end.
#[derive(Clone, Copy, Debug)]
struct Slice {
    start: Option<i64>,
    end: End,
    step: Option<i64>,
}

/// Where a part of a list ends, exclusively.
#[derive(Clone, Copy, Debug)]
enum End {
    /// After the first one.
    One,
    /// With the list.
    Open,
    At(i64),
}

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Path, JsonPathError> {
        let blocks = parse::parse(text).map_err(JsonPathError::Syntax)?;
        Ok(Path { text: text.to_owned(), blocks })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values that it leads to, in order.
    pub fn find<'a>(&'a self, document: &'a Value) -> Result<Vec<Cow<'a, Value>>, JsonPathError> {
        find::find(&self.blocks, document).map_err(JsonPathError::Document)
    }
}
