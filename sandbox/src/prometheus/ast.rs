//! Queries as trees.

use super::matching::Matcher;

/// An expression. Its type is known: a parsed one never mixes them up.
#[derive(Clone, Debug)]
pub enum Expr {
    /// `0.95`.
    Number(f64),
    /// `http_requests_total{code="200"}`.
    Selector(Vec<Matcher>),
    /// `rate(x[5s])` and `increase(x[5s])`.
    Rise {
        /// Of which series.
        of: Vec<Matcher>,
        /// In the last so many milliseconds.
        range: i64,
        /// Divided by the seconds of the range.
        per_second: bool,
    },
    /// `vector(0)`.
    Vector(Box<Expr>),
    /// `-x`.
    Negative(Box<Expr>),
    /// `sum by (code) (x)`.
    Aggregate {
        /// What is made of many values.
        how: Aggregation,
        /// The labels that are kept.
        by: Vec<String>,
        /// Of what.
        of: Box<Expr>,
    },
    /// `a / b`.
    Binary {
        /// Which.
        operator: Operator,
        /// On its left.
        left: Box<Expr>,
        /// On its right.
        right: Box<Expr>,
    },
}

/// What is made of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are Prometheus' own names")]
pub enum Aggregation {
    Sum,
    Avg,
    Max,
    Min,
    Count,
}

/// Operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Operator {
    Or,
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// The operator that is written so.
    pub(super) fn of(text: &str) -> Option<Operator> {
        Some(match text {
            "or" => Operator::Or,
            "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" => Operator::AtLeast,
            "<=" => Operator::AtMost,
            "+" => Operator::Add,
            "-" => Operator::Subtract,
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            _ => return None,
        })
    }

    /// How strongly it binds.
    pub(super) fn strength(self) -> u8 {
        match self {
            Operator::Or => 1,
            _ if self.compares() => 2,
            Operator::Add | Operator::Subtract => 3,
            _ => 4,
        }
    }

    /// Whether it filters: what does not hold is not in its result.
    pub fn compares(self) -> bool {
        !matches!(self, Operator::Or | Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide)
    }

    /// What comes of two numbers; of a comparison that does not hold, nothing.
    pub fn apply(self, left: f64, right: f64) -> Option<f64> {
        #[allow(clippy::float_cmp, reason = "Prometheus compares as exactly")]
        let holds = match self {
            Operator::Add => return Some(left + right),
            Operator::Subtract => return Some(left - right),
            Operator::Multiply => return Some(left * right),
            Operator::Divide => return Some(left / right),
            Operator::Or => true,
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Greater => left > right,
            Operator::Less => left < right,
            Operator::AtLeast => left >= right,
            Operator::AtMost => left <= right,
        };
        holds.then_some(left)
    }
}

impl Expr {
    /// Whether it is one number, and not a list of series.
    pub fn is_scalar(&self) -> bool {
        match self {
            Expr::Number(_) => true,
            Expr::Negative(of) => of.is_scalar(),
            Expr::Binary { left, right, .. } => left.is_scalar() && right.is_scalar(),
            Expr::Selector(_) | Expr::Rise { .. } | Expr::Vector(_) | Expr::Aggregate { .. } => false,
        }
    }
}
