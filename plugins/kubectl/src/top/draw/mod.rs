//! The state as a picture: a title, what is wrong, the table or one rollout, and a last line; a dialog over them.
//!
//! Everything is drawn within the area that there is, however small. Only what is on the screen is drawn.

pub mod detail;
pub mod dialog;
mod table;
mod text;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use sluice_core::info::age;
use sluice_core::info::badge::Tone;

use self::text::{span, style, width};
use super::feed::CONNECTION;
use super::state::State;

/// Draws everything.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut lines = vec![title(state)];
    if let Some(trouble) = trouble(state) {
        lines.push(trouble);
    }
    let height = usize::from(area.height).saturating_sub(lines.len() + 1);
    let middle = match &state.detail {
        Some(detail) => {
            let all = detail::lines(state);
            let from = detail.scroll.min(all.len().saturating_sub(height));
            all.into_iter().skip(from).take(height).collect()
        }
        None => table::lines(state, usize::from(area.width), height),
    };
    lines.extend(middle.into_iter().take(height));
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        frame.buffer_mut().set_line(area.left(), y, line, area.width);
    }
    if area.height > 1 {
        frame.buffer_mut().set_line(area.left(), area.bottom() - 1, &foot(state), area.width);
    }
    if let Some(dialog) = &state.dialog {
        dialog::draw(dialog, state.paint, frame);
    }
}

/// A line of an area, from its left.
fn put(frame: &mut Frame<'_>, area: Rect, y: u16, line: &Line<'_>) {
    if y < area.height {
        frame.buffer_mut().set_line(area.left(), area.top() + y, line, area.width);
    }
}

/// Where one looks and how much there is; in the order of what matters where it does not fit.
fn title(state: &State) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    if let Some(detail) = &state.detail {
        let what = format!("{}/{}", detail.key.namespace, detail.key.name);
        let gone = if detail.is_gone { "  ✖ was deleted" } else { "" };
        return Line::from(vec![
            span(&what, bold),
            span(gone, style(Tone::Bad, state.paint)),
            span(&format!("  context {}", state.place.context), Style::new()),
        ]);
    }
    let all = state.rows.as_deref().map_or(0, <[_]>::len);
    let count = match (&state.rows, state.shown.len()) {
        (None, _) => "reading".to_owned(),
        (Some(_), shown) if state.filter.is_empty() && !state.is_typing => shown.to_string(),
        (Some(_), shown) => format!("{shown} of {all}"),
    };
    let order = if state.order.is_reversed { ", reversed" } else { "" };
    let place = match &state.place.namespace {
        Some(namespace) => format!("  namespace {namespace}"),
        None => "  all namespaces".to_owned(),
    };
    let filter = if state.filter.is_empty() { String::new() } else { format!("  filter {}", state.filter) };
    Line::from(vec![
        span(&format!("Rollouts ({count})"), bold),
        span(&place, Style::new()),
        span(&format!("  context {}", state.place.context), Style::new()),
        span(&format!("  by {}{order}", state.order.column.name()), Style::new()),
        span(&filter, style(Tone::Marked, state.paint)),
    ])
}

/// What is not up to date, and since when: what matters most alone.
fn trouble(state: &State) -> Option<Line<'static>> {
    let first = [CONNECTION, "rollouts"].iter().find_map(|kind| state.troubles.get(*kind));
    let trouble = first.or_else(|| state.troubles.values().next())?;
    let since = age::human(state.now.duration_since(trouble.since));
    let text = format!("⚠ {since} old, trying again: {}", trouble.why);
    Some(Line::from(span(&text, style(Tone::Doubtful, state.paint))))
}

fn foot(state: &State) -> Line<'static> {
    if state.is_typing {
        // The block stands for the cursor.
        return Line::from(vec![
            span(&format!("/{}", state.filter), Style::new()),
            span(" ", Style::new().add_modifier(Modifier::REVERSED)),
        ]);
    }
    if let Some(notice) = &state.notice {
        let text = format!("{} {}", notice.tone.symbol(), notice.text);
        return Line::from(span(&text, style(notice.tone, state.paint)));
    }
    if let Some(what) = &state.under_way {
        return Line::from(span(&format!("{} {what}: under way", Tone::Busy.symbol()), style(Tone::Busy, state.paint)));
    }
    let hints: &[&str] = if state.detail.is_some() {
        &["? keys", "q back", "p promote", "P to the end", "a abort", "r retry", "z pause", "R restart", "u undo"]
    } else {
        &["? keys", "q end", "Enter look", "/ filter", "s sort", "p promote", "a abort", "r retry", "u undo"]
    };
    Line::from(span(&hinted(hints, usize::from(state.size.0)), Style::new().add_modifier(Modifier::DIM)))
}

/// As many hints as there is room for.
fn hinted(hints: &[&str], room: usize) -> String {
    let mut line = String::new();
    for hint in hints {
        let gap = if line.is_empty() { "" } else { "  " };
        if width(&line) + width(gap) + width(hint) > room {
            break;
        }
        line += gap;
        line += hint;
    }
    line
}
