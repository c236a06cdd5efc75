//! Expressions, parsed.

use regex::Regex;

use super::signature::Overload;

/// An expression, and where it is: the place of its operator, of its opening bracket, or of itself.
#[derive(Debug)]
pub struct Expr {
    pub at: usize,
    /// How many expressions stand within each other here, this one included.
    pub height: usize,
    pub kind: Kind,
}

/// What kind of expression.
#[derive(Debug)]
pub enum Kind {
    Const(Const),
    Ident(String),
    Select(Box<Select>),
    Call(Box<Call>),
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// If the first, the second, else the third.
    If(Box<[Expr; 3]>),
    List(Vec<Item>),
    Map(Vec<Entry>),
    Loop(Box<Loop>),
    /// `optMap` and `optFlatMap`.
    IfThere(Box<IfThere>),
}

/// A value that stands in the text.
#[derive(Clone, Debug)]
pub enum Const {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// `of.field`, `of.?field` or `has(of.field)`.
#[derive(Debug)]
pub struct Select {
    pub of: Expr,
    pub field: String,
    pub optional: bool,
    pub test: bool,
}

/// A call of a function or an operator; the target, if there is one, is the first argument.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    pub member: bool,
    pub args: Vec<Expr>,
    /// What it may call, once that is known.
    pub overloads: Vec<&'static Overload>,
    /// The pattern, where it stands in the text.
    pub pattern: Option<Regex>,
}

/// An item of a list; with `optional`, one that may be missing.
#[derive(Debug)]
pub struct Item {
    pub optional: bool,
    pub value: Expr,
}

/// An entry of a map; with `optional`, one that may be missing.
#[derive(Debug)]
pub struct Entry {
    pub optional: bool,
    pub key: Expr,
    pub value: Expr,
}

/// What a loop makes of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Whether the body holds for all.
    All,
    /// Whether it holds for one or more.
    Exists,
    /// Whether it holds for one.
    ExistsOne,
    /// The items for which it holds.
    Filter,
    /// What it makes of each.
    List,
    /// The keys with what it makes of each.
    Map,
    /// The maps that it makes of each, as one.
    Entries,
}

/// A macro that goes through a list or a map.
#[derive(Debug)]
pub struct Loop {
    pub made: Made,
    pub range: Expr,
    pub variable: String,
    /// The value, where the first variable is the index or the key.
    pub second: Option<String>,
    pub filter: Option<Expr>,
    pub body: Expr,
}

/// Something made of a value that may be missing.
#[derive(Debug)]
pub struct IfThere {
    pub of: Expr,
    pub variable: String,
    pub body: Expr,
    /// The body says itself whether there is something.
    pub flat: bool,
}
