//! One rollout: how it stands, its tree, what is measured of it, and its events.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use sluice_core::info::analysis_run::RunInfo;
use sluice_core::info::badge::Tone;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::strategy::Strategy;

use super::text::{padded, painted, span, style, width, wrap};
use crate::top::state::{State, Told};
use crate::view::measurements;
use crate::view::paint::Paint;
use crate::view::table::Cell;
use crate::view::tree::{self, Node};

/// Where the values of the first lines begin.
const LABEL: usize = 11;
/// Space between two columns of the tree.
const GAP: usize = 2;
/// Columns of the tree that are given up first where there is no room: the kinds, then the ages.
const LESS: [usize; 2] = [1, 3];
/// The fewest columns for names in the tree.
const LEAST_NAME: usize = 8;

/// The whole page.
pub fn lines(state: &State) -> Vec<Line<'static>> {
    let Some(detail) = &state.detail else { return Vec::new() };
    let Some(picture) = &detail.picture else { return vec![Line::from("Reading what belongs to it.")] };
    let (info, room, paint) = (&picture.info, usize::from(state.size.0), state.paint);
    let mut lines = summary(info, room, paint);
    lines.push(Line::default());
    lines.extend(trunk(info, room, paint));
    for run in runs(info) {
        lines.push(Line::default());
        lines.extend(measured(run, room, paint));
    }
    lines.push(Line::default());
    lines.extend(told(&picture.events, room, paint));
    lines
}

/// The first lines.
fn summary(info: &RolloutInfo, room: usize, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        span(&padded("Status:", LABEL), Style::new()),
        span(&info.status.text(), style(info.status.tone, paint)),
    ])];
    let mut add = |label: &str, value: &str| lines.extend(labelled(label, value, room));
    if !info.message.is_empty() {
        add("Message:", &info.message);
    }
    if let Some(waiting) = &info.waiting {
        add("Waiting:", waiting);
    }
    let strategy = match info.strategy {
        Strategy::Canary { step, set_weight, actual_weight } => {
            let step = step.map(|(step, steps)| format!(", step {step}/{steps}")).unwrap_or_default();
            format!("Canary{step}, weight {set_weight} set, {actual_weight} actual")
        }
        Strategy::BlueGreen | Strategy::Unknown => info.strategy.name().to_owned(),
    };
    add("Strategy:", &strategy);
    for (image, roles) in &info.images {
        let roles = if roles.is_empty() { String::new() } else { format!(" ({})", roles.join(", ")) };
        add("Image:", &format!("{image}{roles}"));
    }
    let counts = info.replicas;
    let (desired, current, updated) = (counts.desired, counts.current, counts.updated);
    let (ready, available) = (counts.ready, counts.available);
    let replicas =
        format!("{desired} desired, {current} current, {updated} updated, {ready} ready, {available} available");
    add("Replicas:", &replicas);
    lines
}

/// A value in lines, the first of them after its label.
fn labelled(label: &str, value: &str, room: usize) -> Vec<Line<'static>> {
    let values = wrap(value, room.saturating_sub(LABEL));
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    let both = labels.zip(&values);
    both.map(|(label, value)| Line::from(span(&(padded(label, LABEL) + value), Style::new()))).collect()
}

/// The tree, in columns. Where they do not fit, some of them go, and then the ends of names.
fn trunk(info: &RolloutInfo, room: usize, paint: Paint) -> Vec<Line<'static>> {
    let rows = tree::rows(&Node::from(info), &tree::TITLES);
    let mut columns: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).collect();
    let mut widths: Vec<usize> = columns.iter().map(|column| widest(&rows, *column)).collect();
    let beside = |columns: &[usize]| columns.iter().skip(1).map(|column| widths[*column] + GAP).sum::<usize>();
    for column in LESS {
        if widths[0] + beside(&columns) > room {
            columns.retain(|known| *known != column);
        }
    }
    widths[0] = widths[0].min(room.saturating_sub(beside(&columns))).max(LEAST_NAME);
    let mut lines: Vec<Line<'static>> = rows.iter().map(|row| branch(row, &columns, &widths, paint)).collect();
    if let Some(titles) = lines.first_mut() {
        *titles = std::mem::take(titles).style(Style::new().add_modifier(Modifier::BOLD));
    }
    lines
}

fn widest(rows: &[Vec<Cell>], column: usize) -> usize {
    rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell.text())).max().unwrap_or(0)
}

fn branch(row: &[Cell], columns: &[usize], widths: &[usize], paint: Paint) -> Line<'static> {
    let cells = columns.iter().filter_map(|column| Some((row.get(*column)?, widths[*column])));
    let spans = cells.flat_map(|(cell, columns)| {
        let style = cell.tone().map_or_else(Style::new, |tone| style(tone, paint));
        [span(&padded(cell.text(), columns), style), Span::raw(" ".repeat(GAP))]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// The analysis runs of the newest revision that has any.
fn runs(info: &RolloutInfo) -> Vec<&RunInfo> {
    let of_each = info.revisions.iter().map(|revision| {
        let of_experiments = revision.experiments.iter().flat_map(|experiment| &experiment.runs);
        of_experiments.chain(&revision.runs).collect::<Vec<_>>()
    });
    of_each.into_iter().find(|runs| !runs.is_empty()).unwrap_or_default()
}

/// What a run measured, as charts beside their conditions.
fn measured(run: &RunInfo, room: usize, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        span(&format!("α {}  ", run.name), Style::new().add_modifier(Modifier::BOLD)),
        span(&run.status.text(), style(run.status.tone, paint)),
    ])];
    if !run.message.is_empty() {
        lines.extend(labelled("Message:", &run.message, room));
    }
    let charts = measurements::render(&run.metrics, paint);
    lines.extend(charts.lines().filter(|line| !line.is_empty()).map(painted));
    lines
}

fn told(events: &[Told], room: usize, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(span("EVENTS", Style::new().add_modifier(Modifier::BOLD)))];
    if events.is_empty() {
        lines.push(Line::from("None."));
    }
    for event in events {
        let (symbol, tone) = if event.is_warning { ("⚠", Tone::Doubtful) } else { (" ", Tone::Idle) };
        let count = if event.count > 1 { format!(" (×{})", event.count) } else { String::new() };
        let text = format!("{}: {}{count}", event.reason, event.message);
        let lead = format!("{symbol} {}", padded(&event.age, 6));
        let indent = " ".repeat(width(&lead));
        for (position, part) in wrap(&text, room.saturating_sub(width(&lead))).iter().enumerate() {
            let lead = if position == 0 { &lead } else { &indent };
            let tone = if event.is_warning { style(tone, paint) } else { Style::new() };
            lines.push(Line::from(span(&format!("{lead}{part}"), tone)));
        }
    }
    lines
}
