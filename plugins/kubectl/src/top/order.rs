//! The order of the table, and which rollouts are in it.

use std::cmp::Ordering;

use sluice_core::info::badge::Tone;
use sluice_core::info::strategy::Strategy;

use super::state::Row;

/// The longest filter, in characters.
pub const LONGEST_FILTER: usize = 200;

/// What the rollouts are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// What needs a person first.
    #[default]
    Need,
    /// The namespace.
    Namespace,
    /// The name.
    Name,
    /// The weight that the steps ask for.
    Weight,
    /// How many pods are missing.
    Ready,
    /// The newest first.
    Age,
}

impl Column {
    /// The next one.
    pub fn next(self) -> Column {
        match self {
            Column::Need => Column::Namespace,
            Column::Namespace => Column::Name,
            Column::Name => Column::Weight,
            Column::Weight => Column::Ready,
            Column::Ready => Column::Age,
            Column::Age => Column::Need,
        }
    }

    /// For the title.
    pub fn name(self) -> &'static str {
        match self {
            Column::Need => "need",
            Column::Namespace => "namespace",
            Column::Name => "name",
            Column::Weight => "weight",
            Column::Ready => "missing pods",
            Column::Age => "age",
        }
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Column::Need => need(a).cmp(&need(b)),
            Column::Namespace => a.key.namespace.cmp(&b.key.namespace),
            Column::Name => a.key.name.cmp(&b.key.name),
            Column::Weight => weight(b).cmp(&weight(a)),
            Column::Ready => missing(b).cmp(&missing(a)),
            Column::Age => b.created.cmp(&a.created),
        }
    }
}

/// How soon a person should look.
fn need(row: &Row) -> u8 {
    match row.status.tone {
        Tone::Bad | Tone::Doubtful => 0,
        Tone::Held | Tone::Open => 1,
        Tone::Busy => 2,
        Tone::Good | Tone::Idle | Tone::Marked => 3,
    }
}

fn weight(row: &Row) -> Option<i32> {
    match row.strategy {
        Strategy::Canary { set_weight, .. } => Some(set_weight),
        Strategy::BlueGreen | Strategy::Unknown => None,
    }
}

fn missing(row: &Row) -> i32 {
    row.counts.desired.saturating_sub(row.counts.ready)
}

/// A column, forwards or backwards. What it leaves open is sorted by namespace and name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: Column,
    /// Whether the last comes first.
    pub is_reversed: bool,
}

/// The places of the rows that the filter lets through, in order.
pub fn arrange(rows: &[Row], filter: &str, order: Order) -> Vec<usize> {
    let filter = Filter::read(filter);
    let mut shown: Vec<usize> = (0..rows.len()).filter(|index| filter.fits(&rows[*index])).collect();
    shown.sort_by(|a, b| {
        let (a, b) = (&rows[*a], &rows[*b]);
        let by_column = order.column.compare(a, b);
        let by_column = if order.is_reversed { by_column.reverse() } else { by_column };
        by_column.then_with(|| a.key.cmp(&b.key))
    });
    shown
}

/// Words that must all fit.
struct Filter {
    terms: Vec<Term>,
}

/// One word, in small letters.
enum Term {
    /// Somewhere in the namespace.
    Namespace(String),
    /// Somewhere in the name.
    Name(String),
    /// At the beginning of the status.
    Status(String),
    /// Anywhere of these.
    Any(String),
}

impl Filter {
    fn read(text: &str) -> Filter {
        let term = |word: String| match word.split_once(':') {
            Some(("ns" | "namespace", rest)) => Term::Namespace(rest.to_owned()),
            Some(("name", rest)) => Term::Name(rest.to_owned()),
            Some(("status", rest)) => Term::Status(rest.to_owned()),
            _ => Term::Any(word),
        };
        Filter { terms: text.to_lowercase().split_whitespace().map(|word| term(word.to_owned())).collect() }
    }

    fn fits(&self, row: &Row) -> bool {
        // Names in Kubernetes are in small letters.
        let (namespace, name) = (&row.key.namespace, &row.key.name);
        let status = row.status.word.to_lowercase();
        self.terms.iter().all(|term| match term {
            Term::Namespace(word) => namespace.contains(word),
            Term::Name(word) => name.contains(word),
            Term::Status(word) => status.starts_with(word),
            Term::Any(word) => namespace.contains(word) || name.contains(word) || status.starts_with(word),
        })
    }
}

/// The length of the longest name, for widths that do not change as one scrolls.
pub fn longest<'a>(rows: &'a [Row], text: impl Fn(&'a Row) -> &'a str) -> usize {
    rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0)
}
