//! The table of rollouts: as many columns as there is room for, the more important ones first.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use sluice_core::info::age;
use sluice_core::info::strategy::Strategy;

use super::text::{fit, padded, span, style};
use crate::top::order::{Column, longest};
use crate::top::state::{Row, State};

/// Space between two columns.
const GAP: usize = 2;
/// The fewest columns for what a rollout waits on; with less it says nothing.
const LEAST_WAITS: usize = 12;
/// So many it takes before anything less important.
const FAIR_WAITS: usize = 20;
/// The most that names take, of the whole width.
const NAME_SHARE: usize = 3;

/// What can be told of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Namespace,
    Name,
    Strategy,
    Status,
    Step,
    Weight,
    Ready,
    Waits,
    Age,
}

/// In the order in which they stand.
const FIELDS: [Field; 9] = [
    Field::Namespace,
    Field::Name,
    Field::Strategy,
    Field::Status,
    Field::Step,
    Field::Weight,
    Field::Ready,
    Field::Waits,
    Field::Age,
];

/// In the order in which they are given room, after the name.
const IMPORTANT: [Field; 8] = [
    Field::Status,
    Field::Weight,
    Field::Ready,
    Field::Namespace,
    Field::Step,
    Field::Waits,
    Field::Age,
    Field::Strategy,
];

/// The titles and the rollouts from the first on the screen on.
pub fn lines(state: &State, width: usize, height: usize) -> Vec<Line<'static>> {
    let columns = columns(state, width);
    let header = Style::new().add_modifier(Modifier::BOLD);
    let titles = columns.iter().map(|(field, columns)| padded(&field.title(state), *columns));
    let titles = titles.collect::<Vec<_>>().join(&" ".repeat(GAP));
    let mut lines = vec![Line::from(span(&titles, header))];
    let room = height.saturating_sub(1);
    for (position, row) in state.visible().enumerate().skip(state.scroll).take(room) {
        lines.push(line(row, state, &columns, position == state.cursor));
    }
    if state.shown.is_empty() {
        let text = match &state.rows {
            None => "Reading the rollouts.",
            Some(rows) if rows.is_empty() => "There are no rollouts here.",
            Some(_) => "No rollout fits the filter.",
        };
        lines.push(Line::from(span(text, Style::new())));
    }
    lines
}

/// The columns that there is room for, each with its width.
fn columns(state: &State, width: usize) -> Vec<(Field, usize)> {
    let rows = state.rows.as_deref().unwrap_or_default();
    let share = (width / NAME_SHARE).max(12);
    let name = longest(rows, |row| &row.key.name).clamp(5, share).min(width);
    let mut given = vec![(Field::Name, name)];
    let mut left = width - name;
    for field in IMPORTANT {
        let wanted = match field {
            Field::Namespace if state.place.namespace.is_some() => continue,
            Field::Namespace => longest(rows, |row| &row.key.namespace).clamp(10, share),
            Field::Waits => left.saturating_sub(GAP).clamp(LEAST_WAITS, FAIR_WAITS),
            Field::Name => name,
            Field::Strategy => 9,
            Field::Status => 13,
            Field::Step | Field::Age => 5,
            Field::Weight => 7,
            Field::Ready => 6,
        };
        if wanted + GAP <= left {
            given.push((field, wanted));
            left -= wanted + GAP;
        }
    }
    if let Some((_, columns)) = given.iter_mut().find(|(field, _)| *field == Field::Waits) {
        *columns += left;
    }
    given.sort_by_key(|(field, _)| FIELDS.iter().position(|known| known == field));
    given
}

fn line(row: &Row, state: &State, columns: &[(Field, usize)], is_chosen: bool) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (position, (field, columns)) in columns.iter().enumerate() {
        if position > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        let style = if *field == Field::Status { style(row.status.tone, state.paint) } else { Style::new() };
        spans.push(span(&padded(&field.cell(row, state), *columns), style));
    }
    let whole = if is_chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    Line::from(spans).style(whole)
}

impl Field {
    /// With an arrow where the table is sorted by it.
    fn title(self, state: &State) -> String {
        let (title, column) = match self {
            Field::Namespace => ("NAMESPACE", Some(Column::Namespace)),
            Field::Name => ("NAME", Some(Column::Name)),
            Field::Strategy => ("STRATEGY", None),
            Field::Status => ("STATUS", Some(Column::Need)),
            Field::Step => ("STEP", None),
            Field::Weight => ("WEIGHT", Some(Column::Weight)),
            Field::Ready => ("READY", Some(Column::Ready)),
            Field::Waits => ("WAITS ON", None),
            Field::Age => ("AGE", Some(Column::Age)),
        };
        let arrow = if state.order.is_reversed { "▲" } else { "▼" };
        if column == Some(state.order.column) { format!("{title}{arrow}") } else { title.to_owned() }
    }

    fn cell(self, row: &Row, state: &State) -> String {
        let Row { strategy, counts, .. } = row;
        match (self, strategy) {
            (Field::Namespace, _) => row.key.namespace.clone(),
            (Field::Name, _) => row.key.name.clone(),
            (Field::Strategy, strategy) => strategy.name().to_owned(),
            (Field::Status, _) => row.status.text(),
            (Field::Step, Strategy::Canary { step: Some((step, steps)), .. }) => format!("{step}/{steps}"),
            (Field::Weight, Strategy::Canary { set_weight, actual_weight, .. }) => {
                let actual = if row.is_weighed { actual_weight.to_string() } else { "?".to_owned() };
                format!("{set_weight}/{actual}")
            }
            (Field::Step | Field::Weight, _) => "-".to_owned(),
            (Field::Ready, _) => format!("{}/{}", counts.ready, counts.desired),
            // Long enough for every screen, and no longer: it is measured anew with each picture.
            (Field::Waits, _) => fit(&row.waits, usize::from(state.size.0).max(LEAST_WAITS)),
            (Field::Age, _) => age::age(row.created, state.now),
        }
    }
}
