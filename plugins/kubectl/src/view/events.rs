//! Events, one a line, the oldest first.

use jiff::Timestamp;
use sluice_core::info::age;
use sluice_core::info::badge::Tone;
use sluice_core::info::event::EventInfo;

use super::paint::Paint;
use super::table::{Cell, Layout};

/// The titles of the columns.
pub fn titles() -> Vec<Cell> {
    ["AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"].map(Cell::from).to_vec()
}

/// One event.
pub fn row(event: &EventInfo, now: Timestamp) -> Vec<Cell> {
    let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
    let severity = event.severity.as_str();
    vec![
        format!("{}{times}", age::age(event.at, now)).into(),
        if event.is_warning() { Cell::toned(Tone::Doubtful, severity) } else { severity.into() },
        event.reason.as_str().into(),
        event.object.as_str().into(),
        event.message.as_str().into(),
    ]
}

/// The table, without titles.
pub fn render(events: &[EventInfo], now: Timestamp, paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = events.iter().map(|event| row(event, now)).collect();
    Layout::default().render(&rows, paint)
}
