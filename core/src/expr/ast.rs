//! What an expression is made of.

use std::sync::Arc;

use super::builtins::Builtin;

/// An expression at a place in the text, counted in characters.
#[derive(Debug)]
pub struct Expr {
    pub at: usize,
    /// How many expressions stand within each other here.
    pub height: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Arc<str>),
    /// A variable.
    Name(String),
    /// `#`, `#index`, `#acc`: what a loop is at; empty for `#`.
    Pointer(String),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<[Expr; 2]>),
    /// `a.b` and `a[b]`; with `?.`, nil gives nil and ends the chain.
    Member(Box<Member>),
    /// Everything that a `?.` within it may leave out.
    Chain(Box<Expr>),
    Slice(Box<Slice>),
    /// A function of the environment, such as `asFloat`.
    Call(String, Vec<Expr>),
    /// A function of the language.
    Builtin(&'static Builtin, Vec<Expr>),
    Method(Box<Method>),
    Loop(Box<Loop>),
    /// `let name = value; body`
    Let(Box<Let>),
    If(Box<If>),
    /// `a < b <= c`: the terms, and the operators between them.
    Between(Vec<Expr>, Vec<Binary>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    /// `a; b`: all are computed, the last one counts.
    Sequence(Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Not,
    Minus,
    Plus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Or,
    And,
    Equal,
    Differ,
    Less,
    Greater,
    AtMost,
    AtLeast,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    /// `??`
    Coalesce,
}

#[derive(Debug)]
pub struct Member {
    pub of: Expr,
    pub key: Expr,
    pub optional: bool,
}

#[derive(Debug)]
pub struct Slice {
    pub of: Expr,
    pub from: Option<Expr>,
    pub to: Option<Expr>,
}

#[derive(Debug)]
pub struct Method {
    pub of: Expr,
    pub name: String,
    pub args: Vec<Expr>,
    pub optional: bool,
}

/// A function that runs an expression for every item of a list.
#[derive(Debug)]
pub struct Loop {
    pub what: What,
    pub of: Expr,
    pub body: Option<Expr>,
    /// The first `#acc` of a `reduce`, the order of a `sortBy`.
    pub more: Option<Expr>,
}

/// What a loop makes of what its body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    All,
    None,
    Any,
    One,
    Filter,
    Map,
    Find,
    FindIndex,
    FindLast,
    FindLastIndex,
    Count,
    Sum,
    GroupBy,
    SortBy,
    Reduce,
}

#[derive(Debug)]
pub struct Let {
    pub name: String,
    pub value: Expr,
    pub body: Expr,
}

/// `condition ? one : other`, and `if`; without `one` it is the condition itself.
#[derive(Debug)]
pub struct If {
    pub condition: Expr,
    pub one: Option<Expr>,
    pub other: Expr,
}

impl Expr {
    /// The expressions right below it.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Nil
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Float(_)
            | Kind::String(_)
            | Kind::Name(_)
            | Kind::Pointer(_) => Vec::new(),
            Kind::Unary(_, of) | Kind::Chain(of) => vec![of],
            Kind::Binary(_, two) => two.iter().collect(),
            Kind::Member(member) => vec![&member.of, &member.key],
            Kind::Slice(slice) => {
                [Some(&slice.of), slice.from.as_ref(), slice.to.as_ref()].into_iter().flatten().collect()
            }
            Kind::Call(_, all)
            | Kind::Builtin(_, all)
            | Kind::List(all)
            | Kind::Sequence(all)
            | Kind::Between(all, _) => all.iter().collect(),
            Kind::Method(method) => std::iter::once(&method.of).chain(&method.args).collect(),
            Kind::Loop(of) => [Some(&of.of), of.body.as_ref(), of.more.as_ref()].into_iter().flatten().collect(),
            Kind::Let(of) => vec![&of.value, &of.body],
            Kind::If(of) => [Some(&of.condition), of.one.as_ref(), Some(&of.other)].into_iter().flatten().collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        }
    }

    /// Whether it, or an expression within it, is such a one.
    pub fn any(&self, such: &dyn Fn(&Expr) -> bool) -> bool {
        such(self) || self.parts().into_iter().any(|part| part.any(such))
    }
}

impl Unary {
    pub fn sign(self) -> &'static str {
        match self {
            Unary::Not => "!",
            Unary::Minus => "-",
            Unary::Plus => "+",
        }
    }
}

/// How strongly an operator binds; what binds to the right; its signs; itself.
const BINARY: [(u16, bool, &[&str], Binary); 21] = [
    (10, false, &["||", "or"], Binary::Or),
    (15, false, &["&&", "and"], Binary::And),
    (20, false, &["=="], Binary::Equal),
    (20, false, &["!="], Binary::Differ),
    (20, false, &["<"], Binary::Less),
    (20, false, &[">"], Binary::Greater),
    (20, false, &["<="], Binary::AtMost),
    (20, false, &[">="], Binary::AtLeast),
    (20, false, &["in"], Binary::In),
    (20, false, &["matches"], Binary::Matches),
    (20, false, &["contains"], Binary::Contains),
    (20, false, &["startsWith"], Binary::StartsWith),
    (20, false, &["endsWith"], Binary::EndsWith),
    (25, false, &[".."], Binary::Range),
    (30, false, &["+"], Binary::Add),
    (30, false, &["-"], Binary::Subtract),
    (60, false, &["*"], Binary::Multiply),
    (60, false, &["/"], Binary::Divide),
    (60, false, &["%"], Binary::Modulo),
    (100, true, &["**", "^"], Binary::Power),
    (500, false, &["??"], Binary::Coalesce),
];

impl Binary {
    /// The operator with this sign, how strongly it binds, and whether it binds to the right.
    pub fn with_sign(sign: &str) -> Option<(Binary, u16, bool)> {
        let row = BINARY.iter().find(|(_, _, signs, _)| signs.contains(&sign))?;
        Some((row.3, row.0, row.1))
    }

    pub fn sign(self) -> &'static str {
        BINARY.iter().find(|(.., binary)| *binary == self).map_or("", |(_, _, signs, _)| signs[0])
    }

    /// Whether `not` may stand before it: `not in`.
    pub fn takes_not(self) -> bool {
        use Binary::{Contains, EndsWith, In, Matches, StartsWith};
        matches!(self, In | Matches | Contains | StartsWith | EndsWith)
    }

    pub fn is_order(self) -> bool {
        matches!(self, Binary::Less | Binary::Greater | Binary::AtMost | Binary::AtLeast)
    }
}

/// The loops by their names.
const LOOPS: [(&str, What); 15] = [
    ("all", What::All),
    ("none", What::None),
    ("any", What::Any),
    ("one", What::One),
    ("filter", What::Filter),
    ("map", What::Map),
    ("find", What::Find),
    ("findIndex", What::FindIndex),
    ("findLast", What::FindLast),
    ("findLastIndex", What::FindLastIndex),
    ("count", What::Count),
    ("sum", What::Sum),
    ("groupBy", What::GroupBy),
    ("sortBy", What::SortBy),
    ("reduce", What::Reduce),
];

impl What {
    pub fn named(name: &str) -> Option<What> {
        LOOPS.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
    }

    pub fn name(self) -> &'static str {
        LOOPS.iter().find(|(_, what)| *what == self).map_or("", |(name, _)| name)
    }
}
