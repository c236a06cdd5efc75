//! The table of an Application's objects.

use sluice_core::gitops::key::Key;
use sluice_core::info::application::row::Row;
use sluice_core::info::badge::{Badge, Tone};

use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};

pub use sluice_core::info::application::row::rows;

/// The cells of a row.
pub fn cells(row: &Row) -> Vec<Cell> {
    let Key { group, kind, namespace, name } = row.key.clone();
    let toned = |badge: &Badge| Cell::toned(badge.tone, badge.word.clone());
    let message = row.message.clone();
    let message = if row.was_refused { Cell::toned(Tone::Bad, message) } else { message.into() };
    let mut cells: Vec<Cell> = [group, kind, namespace, name].into_iter().map(Cell::from).collect();
    cells.extend([toned(&row.status), toned(&row.health), row.hook.clone().into(), message]);
    cells
}

/// The titles over them.
pub fn titles() -> Vec<Cell> {
    ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"].map(Cell::from).to_vec()
}

/// The table; a wide one has versions and waves, too.
pub fn render(rows: &[Row], is_wide: bool, paint: Paint) -> String {
    let wide = |mut cells: Vec<Cell>, version: Cell, wave: Cell| {
        if is_wide {
            cells.insert(1, version);
            cells.insert(5, wave);
        }
        cells
    };
    let mut lines = vec![wide(titles(), "VERSION".into(), "WAVE".into())];
    lines.extend(rows.iter().map(|row| wide(cells(row), row.version.clone().into(), row.wave.to_string().into())));
    Layout::default().render(&lines, paint)
}
