//! What stands over the view: a box in its middle.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear};
use sluice_core::info::badge::Tone;

use super::put;
use super::text::{fit, span, style, width, wrap};
use crate::top::action::Question;
use crate::top::keys::BINDINGS;
use crate::top::state::Dialog;
use crate::view::paint::Paint;

/// Lines longer than this are hard to read.
const WIDEST: usize = 76;
/// Border and space at both sides.
const FRAME: usize = 4;
/// Fewer columns show nothing that one could read.
const LEAST: usize = 16;

/// Lines of border above and below.
const BORDER: usize = 2;

/// Draws a dialog.
pub fn draw(dialog: &Dialog, paint: Paint, frame: &mut Frame<'_>) {
    let area = frame.area();
    let room = room(area.width);
    let (title, lines) = match dialog {
        Dialog::Help => (" Keys ", help(room)),
        Dialog::Confirm(question) => {
            let bold = Style::new().add_modifier(Modifier::BOLD);
            let answers = if fits(question, (area.width, area.height)) {
                "y: do it, n: leave it"
            } else {
                "n: leave it; make the window larger to say yes"
            };
            let answers = Line::from(span(&fit(answers, room), bold));
            (" Sure? ", asked(question, room, paint).into_iter().chain([answers]).collect())
        }
        Dialog::Failed(texts) => {
            let texts = texts.iter().flat_map(|text| wrapped(text, room, style(Tone::Bad, paint)));
            (" Not done ", texts.chain([Line::from(fit("Any key goes on.", room))]).collect::<Vec<_>>())
        }
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(width(title));
    let inner = |all: u16, wanted: usize| u16::try_from(wanted).unwrap_or(u16::MAX).min(all);
    let (columns, rows) = (inner(area.width, widest + FRAME), inner(area.height, lines.len() + BORDER));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    };
    frame.render_widget(Clear, place);
    // What asks is worth more than the frame around it.
    if rows < 4 || columns < 8 {
        for (y, line) in (0..rows).zip(&lines) {
            put(frame, place, y, line);
        }
        return;
    }
    let block = Block::bordered().title(title);
    let within = block.inner(place);
    frame.render_widget(block, place);
    let within = Rect { x: within.x + 1, width: within.width.saturating_sub(2), ..within };
    // Where not all fits, the answers stay in sight.
    let shown = usize::from(within.height);
    let (first, last) = lines.split_at(lines.len().saturating_sub(1));
    let fitting = first.iter().take(shown.saturating_sub(last.len())).chain(last);
    for (y, line) in (0..within.height).zip(fitting) {
        put(frame, within, y, line);
    }
}

/// Whether a terminal of so many columns and lines shows all that is asked.
pub fn fits(question: &Question, (columns, lines): (u16, u16)) -> bool {
    let room = room(columns);
    let needed = asked(question, room, Paint::Plain).len() + 1 + BORDER;
    room >= LEAST && needed <= usize::from(lines)
}

/// Columns for text.
fn room(columns: u16) -> usize {
    usize::from(columns).saturating_sub(FRAME).min(WIDEST)
}

/// What is asked: everything but the answers.
fn asked(question: &Question, room: usize, paint: Paint) -> Vec<Line<'static>> {
    let changed = question.is_changed.then_some("It has changed meanwhile; this is what happens now:");
    let texts = [
        (Some(question.title.as_str()), Style::new().add_modifier(Modifier::BOLD)),
        (changed, style(Tone::Doubtful, paint)),
        (Some(&question.effect), Style::new()),
        (Some(&question.object), Style::new()),
    ];
    let texts = texts.into_iter().filter_map(|(text, style)| Some((text?, style)));
    texts.flat_map(|(text, style)| wrapped(text, room, style)).collect()
}

fn wrapped(text: &str, room: usize, style: Style) -> Vec<Line<'static>> {
    wrap(text, room).iter().map(|line| Line::from(span(line, style))).collect()
}

fn help(room: usize) -> Vec<Line<'static>> {
    let column = BINDINGS.iter().map(|binding| width(binding.label)).max().unwrap_or(0) + 2;
    let lines = BINDINGS.iter().map(|binding| {
        let space = " ".repeat(column - width(binding.label));
        Line::from(span(&fit(&format!("{}{space}{}", binding.label, binding.help), room), Style::new()))
    });
    lines.chain([Line::from("Ctrl-C ends always.")]).collect()
}
