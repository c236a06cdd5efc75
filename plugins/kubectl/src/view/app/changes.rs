//! What changes while one waits: a line for every object, and for the Application itself, each time it is another.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_core::api::Application;
use sluice_core::gitops::key::Key;
use sluice_core::info::application::row::Row;
use sluice_core::time::floor_to_second;

use super::resources::{cells, rows, titles};
use super::words;
use crate::application::operation::{Progress, progress};
use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};

/// Lines that were told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    objects: BTreeMap<(Key, String), Row>,
    own: Option<Vec<Cell>>,
    layout: Layout,
}

impl Told {
    /// The lines that are new; with titles over the first ones.
    pub fn news(&mut self, application: &Application, now: Timestamp, paint: Paint) -> String {
        let mut lines = Vec::new();
        if self.own.is_none() {
            lines.push(std::iter::once("TIMESTAMP".into()).chain(titles()).collect());
        }
        let time = floor_to_second(now).to_string();
        let timed = |cells: Vec<Cell>| std::iter::once(time.as_str().into()).chain(cells).collect();
        for row in rows(application) {
            let id = (row.key.clone(), row.hook.clone());
            if self.objects.get(&id) != Some(&row) {
                lines.push(timed(cells(&row)));
                self.objects.insert(id, row);
            }
        }
        let own = own(application);
        if self.own.as_ref() != Some(&own) {
            lines.push(timed(own.clone()));
            self.own = Some(own);
        }
        self.layout.render(&lines, paint)
    }
}

/// The Application itself: while an operation goes on, how far that is and what it waits for.
fn own(application: &Application) -> Vec<Cell> {
    let (metadata, status) = (&application.metadata, application.status());
    let sync = words::sync(status.sync.as_ref().map_or("", |sync| &sync.status));
    let health = words::health(status.health.as_ref().map_or("", |health| &health.status));
    let (state, message) = match progress(application) {
        Progress::Asked => (words::phase("Pending"), "the operation has not begun".to_owned()),
        Progress::Running(state) => (words::phase(&state.phase), words::line(&state.message)),
        Progress::Idle(Some(state)) | Progress::Settling(state) => (sync, words::line(&state.message)),
        Progress::Idle(None) => (sync, String::new()),
    };
    let message = match &metadata.deletion_timestamp {
        Some(_) => status.conditions.first().map_or_else(
            || "it is being deleted".to_owned(),
            |condition| words::line(&format!("{}: {}", condition.type_, condition.message)),
        ),
        None => message,
    };
    let text = |text: Option<&String>| Cell::from(words::line(text.map_or("", String::as_str)));
    vec![
        "argoproj.io".into(),
        "Application".into(),
        text(metadata.namespace.as_ref()),
        text(metadata.name.as_ref()),
        Cell::toned(state.tone, state.word),
        Cell::toned(health.tone, health.word),
        Cell::default(),
        message.into(),
    ]
}
