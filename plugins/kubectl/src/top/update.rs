//! What comes of a key or of news: the next state, and what is to be done.

use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use sluice_core::act::action::Action;
use sluice_core::info::badge::Tone;
use sluice_core::info::text::printable;

use super::action;
use super::draw;
use super::keys::{self, Wish};
use super::order::{LONGEST_FILTER, Order, arrange};
use super::state::{Detail, Dialog, Key, Notice, Picture, Request, Row, State, Trouble};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Time passes.
    Tick(Timestamp),
    /// These are the rollouts now.
    Rollouts(Vec<Row>),
    /// The rollout that is looked at; `None` before everything of it is listed.
    Picture(Key, Option<Box<Picture>>),
    /// A kind of objects cannot be followed just now.
    Lost(String, String),
    /// It is followed again.
    Found(String),
    /// Something was done, or refused.
    Done(Result<String, Vec<String>>),
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// End.
    Quit,
    /// End at once, as somebody has interrupted it.
    Interrupt,
    /// Follow what belongs to this rollout.
    Look(Key),
    /// Follow it no longer.
    Leave,
    /// Do something to a rollout.
    Act(Request),
}

/// Brings the state up to date.
pub fn update(state: &mut State, event: Event) -> Vec<Command> {
    match event {
        Event::Key(key) => return press(state, key),
        // Elsewhere its letters would be commands that nobody has given.
        Event::Paste(text) if state.is_typing && state.dialog.is_none() => {
            extend_filter(state, &text);
            rearrange(state);
        }
        Event::Paste(_) => {}
        Event::Resize(columns, lines) => state.size = (columns, lines),
        Event::Tick(now) => state.now = now,
        Event::Rollouts(rows) => replace(state, rows),
        Event::Picture(key, picture) => {
            if let Some(detail) = state.detail.as_mut().filter(|detail| detail.key == key) {
                detail.picture = picture.map(|picture| *picture).or(detail.picture.take());
            }
        }
        Event::Lost(kind, why) => {
            let since = state.troubles.get(&kind).map_or(state.now, |trouble| trouble.since);
            state.troubles.insert(kind, Trouble { since, why });
        }
        Event::Found(kind) => {
            state.troubles.remove(&kind);
        }
        Event::Done(done) => {
            state.under_way = None;
            match done {
                Ok(text) => state.notice = Some(Notice { tone: Tone::Good, text }),
                Err(lines) => state.dialog = Some(Dialog::Failed(lines)),
            }
        }
    }
    follow_cursor(state);
    Vec::new()
}

fn replace(state: &mut State, rows: Vec<Row>) {
    if let Some(detail) = &mut state.detail {
        detail.is_gone = rows.iter().all(|row| row.key != detail.key);
    }
    state.rows = Some(rows);
    rearrange(state);
}

/// Filters and sorts; the chosen rollout stays the chosen one, wherever it goes.
fn rearrange(state: &mut State) {
    let rows = state.rows.as_deref().unwrap_or_default();
    state.shown = arrange(rows, &state.filter, state.order);
    let found = state.selected.as_ref().and_then(|key| state.visible().position(|row| row.key == *key));
    choose(state, found.unwrap_or(state.cursor));
}

/// Chooses what is at this place among those that are shown.
fn choose(state: &mut State, place: usize) {
    state.cursor = place.min(state.shown.len().saturating_sub(1));
    let chosen = state.visible().nth(state.cursor).map(|row| row.key.clone());
    state.selected = chosen;
    follow_cursor(state);
}

/// Keeps the chosen rollout on the screen, and the screen full.
fn follow_cursor(state: &mut State) {
    let page = state.page();
    let end = state.shown.len().saturating_sub(page);
    let least = (state.cursor + 1).saturating_sub(page);
    state.scroll = state.scroll.clamp(least, state.cursor).min(end);
}

fn press(state: &mut State, key: KeyEvent) -> Vec<Command> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if keys::is_interrupt(key) {
        return vec![Command::Interrupt];
    }
    state.notice = None;
    if let Some(dialog) = state.dialog.take() {
        return answer(state, dialog, key);
    }
    if state.is_typing {
        type_filter(state, key);
        return Vec::new();
    }
    keys::wish(key).map_or_else(Vec::new, |wish| grant(state, wish))
}

/// A key while something stands over the view: only a `y` is a yes.
fn answer(state: &mut State, dialog: Dialog, key: KeyEvent) -> Vec<Command> {
    let Dialog::Confirm(asked) = dialog else { return Vec::new() };
    // Esc and a letter right after it come as the letter with Alt: that is no answer.
    let is_plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        // Nobody says yes to what is not in sight.
        KeyCode::Char('y' | 'Y') if is_plain && draw::dialog::fits(&asked, state.size) => {}
        KeyCode::Char('n' | 'N' | 'q') if is_plain => return Vec::new(),
        KeyCode::Esc => return Vec::new(),
        // What is neither is a slip of the finger.
        _ => {
            state.dialog = Some(Dialog::Confirm(asked));
            return Vec::new();
        }
    }
    let key = &asked.request.key;
    let Some(row) = state.row(key) else {
        state.notice = Some(bad(format!("rollout '{}' was deleted meanwhile", printable(&key.name))));
        return Vec::new();
    };
    // A yes is to what was read, not to what has become of it since.
    match action::ask(row, asked.request.action, &state.place) {
        Ok(now) if now == (action::Question { is_changed: false, ..asked.clone() }) => {
            state.under_way = Some(format!("{} rollout '{}'", asked.request.action.label(), printable(&key.name)));
            return vec![Command::Act(asked.request)];
        }
        Ok(now) => state.dialog = Some(Dialog::Confirm(action::Question { is_changed: true, ..now })),
        Err(why) => state.notice = Some(bad(why)),
    }
    Vec::new()
}

fn bad(text: String) -> Notice {
    Notice { tone: Tone::Doubtful, text }
}

fn type_filter(state: &mut State, key: KeyEvent) {
    match key.code {
        KeyCode::Enter => state.is_typing = false,
        KeyCode::Esc => {
            state.is_typing = false;
            state.filter.clear();
        }
        KeyCode::Backspace => {
            state.filter.pop();
        }
        KeyCode::Char(letter) => extend_filter(state, letter.encode_utf8(&mut [0; 4])),
        _ => return,
    }
    rearrange(state);
}

fn extend_filter(state: &mut State, text: &str) {
    let room = LONGEST_FILTER.saturating_sub(state.filter.chars().count());
    state.filter.extend(text.chars().filter(|letter| !letter.is_control()).take(room));
}

fn grant(state: &mut State, wish: Wish) -> Vec<Command> {
    let page = isize::try_from(state.page()).unwrap_or(1);
    match wish {
        Wish::Quit if state.detail.is_none() => return vec![Command::Quit],
        Wish::Quit | Wish::Back => return back(state),
        Wish::Help => state.dialog = Some(Dialog::Help),
        Wish::Do(action) => wonder(state, action),
        Wish::Move(lines) => go(state, lines),
        Wish::Turn(pages) => go(state, pages.saturating_mul(page)),
        Wish::First => go(state, isize::MIN),
        Wish::Last => go(state, isize::MAX),
        // The others are for the table.
        _ if state.detail.is_some() => {}
        Wish::Open => return open(state),
        Wish::Filter => state.is_typing = true,
        Wish::Sort => {
            state.order = Order { column: state.order.column.next(), is_reversed: false };
            rearrange(state);
        }
        Wish::Reverse => {
            state.order.is_reversed = !state.order.is_reversed;
            rearrange(state);
        }
    }
    Vec::new()
}

fn back(state: &mut State) -> Vec<Command> {
    if state.detail.take().is_some() {
        return vec![Command::Leave];
    }
    if state.filter.is_empty() {
        return vec![Command::Quit];
    }
    state.filter.clear();
    rearrange(state);
    Vec::new()
}

fn open(state: &mut State) -> Vec<Command> {
    let Some(key) = state.selected.clone() else { return Vec::new() };
    state.detail = Some(Detail { key: key.clone(), picture: None, is_gone: false, scroll: 0 });
    vec![Command::Look(key)]
}

fn wonder(state: &mut State, action: Action) {
    // What it will do depends on what has just been done.
    if let Some(what) = &state.under_way {
        state.notice = Some(bad(format!("wait for what was confirmed: {what}")));
        return;
    }
    let Some(row) = state.subject() else {
        state.notice = Some(bad("there is no rollout to act on".to_owned()));
        return;
    };
    match action::ask(row, action, &state.place) {
        Ok(question) => state.dialog = Some(Dialog::Confirm(question)),
        Err(why) => state.notice = Some(bad(why)),
    }
}

/// Moves the choice, or the page of the rollout that is looked at.
fn go(state: &mut State, lines: isize) {
    if state.detail.is_none() {
        let place = state.cursor.saturating_add_signed(lines);
        return choose(state, place);
    }
    let last = draw::detail::lines(state).len().saturating_sub(state.height());
    if let Some(detail) = &mut state.detail {
        detail.scroll = detail.scroll.min(last).saturating_add_signed(lines).min(last);
    }
}
