//! The keys: one list, from which they are read and explained.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use sluice_core::act::action::Action;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Up or down by so many lines.
    Move(isize),
    /// Up or down by so many screens.
    Turn(isize),
    /// To the beginning.
    First,
    /// To the end.
    Last,
    /// Look closely.
    Open,
    /// Go back, or end.
    Back,
    /// End.
    Quit,
    /// Type a filter.
    Filter,
    /// Sort by the next column.
    Sort,
    /// Sort the other way.
    Reverse,
    /// Show the keys.
    Help,
    /// Do something to a rollout.
    Do(Action),
}

/// What some keys do.
pub struct Binding {
    /// The keys.
    codes: &'static [KeyCode],
    /// What they ask for.
    wish: Wish,
    /// Their names.
    pub label: &'static str,
    /// What they do.
    pub help: &'static str,
}

const fn bind(codes: &'static [KeyCode], wish: Wish, label: &'static str, help: &'static str) -> Binding {
    Binding { codes, wish, label, help }
}

use KeyCode::{Char, Down, End, Enter, Esc, Home, PageDown, PageUp, Up};

/// All of them, in the order in which they are explained. Those without a name are others for the same.
pub const BINDINGS: &[Binding] = &[
    bind(&[Up, Char('k')], Wish::Move(-1), "↑ k", "up"),
    bind(&[Down, Char('j')], Wish::Move(1), "↓ j", "down"),
    bind(&[PageUp], Wish::Turn(-1), "PgUp", "a screen up"),
    bind(&[PageDown, Char(' ')], Wish::Turn(1), "PgDn", "a screen down"),
    bind(&[Home, Char('g')], Wish::First, "Home g", "to the beginning"),
    bind(&[End, Char('G')], Wish::Last, "End G", "to the end"),
    bind(&[Enter], Wish::Open, "Enter", "look at one rollout"),
    bind(&[Char('/')], Wish::Filter, "/", "filter: web ns:shop name:web status:paused"),
    bind(&[Char('s')], Wish::Sort, "s", "sort by the next column"),
    bind(&[Char('S')], Wish::Reverse, "S", "sort the other way"),
    bind(&[Char('p')], Wish::Do(Action::Promote), "p", "promote: to the next step"),
    bind(&[Char('P')], Wish::Do(Action::PromoteFull), "P", "promote to the end"),
    bind(&[Char('a')], Wish::Do(Action::Abort), "a", "abort the update"),
    bind(&[Char('r')], Wish::Do(Action::Retry), "r", "retry an aborted update"),
    bind(&[Char('z')], Wish::Do(Action::Pause), "z", "pause"),
    bind(&[Char('R')], Wish::Do(Action::Restart), "R", "restart the pods"),
    bind(&[Char('u')], Wish::Do(Action::Undo), "u", "undo: back to the revision before"),
    bind(&[Char('?')], Wish::Help, "?", "these keys"),
    bind(&[Esc], Wish::Back, "Esc", "back"),
    bind(&[Char('q')], Wish::Quit, "q", "back, or end"),
];

/// What a key asks for, if anything.
pub fn wish(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    BINDINGS.iter().find(|binding| binding.codes.contains(&key.code)).map(|binding| binding.wish)
}

/// Whether it is Ctrl-C, which ends everything.
pub fn is_interrupt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, Char('c' | 'C'))
}
