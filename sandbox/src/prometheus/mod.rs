//! What Prometheus would know of the pods: counters of the requests that they have answered, and its API over them.
//!
//! Nothing is scraped. A counter remembers when it rose, so a query sees what a Prometheus that scrapes all the time would; a rate is not
//! extrapolated. Of PromQL there is the part that decides about releases, and anything else is refused by name.
//!
//! [`counters`] are fed by the pods of [`crate::network`]; a query is read by [`parse`] and evaluated by [`eval`], which are pure;
//! [`serve`] is HTTP.

pub mod answer;
pub mod ast;
pub mod counters;
pub mod eval;
mod lex;
mod matching;
pub mod parse;
pub mod serve;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The labels of a series, `__name__` included.
pub type Labels = Arc<BTreeMap<String, String>>;

/// The label that is the name of the metric.
pub const NAME: &str = "__name__";

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Characters before it.
    pub at: usize,
    /// What it is, in words.
    pub why: String,
}

impl Mistake {
    fn new(at: usize, why: impl Into<String>) -> Mistake {
        Mistake { at, why: why.into() }
    }

    /// Something that Prometheus may know.
    fn not_understood(at: usize, what: impl fmt::Display) -> Mistake {
        Mistake::new(at, format!("this sandbox does not understand {what}"))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1:{}: parse error: {}", self.at + 1, self.why)
    }
}
