//! Pages that keep themselves up to date: what is different about them is sent as it changes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::stream;
use maud::{Markup, html};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::Dashboard;

/// Changes come in bursts; this long after the first of them a page is made again.
const SETTLE: Duration = Duration::from_millis(150);
/// Ages change without anything else.
const AGES: Duration = Duration::from_secs(1);

/// A part of a page: an element with an id.
#[derive(Debug)]
pub struct Part {
    /// The id.
    pub id: String,
    /// The element.
    pub html: Markup,
    /// The elements in it, which are changed one by one as long as they are the same ones. It is the parent of all of them.
    pub rows: Vec<(String, Markup)>,
}

impl Part {
    /// A part that changes as a whole.
    pub fn whole(id: &str, html: Markup) -> Part {
        Part { id: id.to_owned(), html, rows: Vec::new() }
    }
}

/// What is wrong with what a page shows. It is on every page.
pub fn notices(dashboard: &Dashboard) -> Part {
    let notices = dashboard.book.notices();
    let html = html! {
        div id="notices" role="status" hidden[notices.is_empty()] { @for notice in &notices { p class="bad" { (notice) } } }
    };
    Part::whole("notices", html)
}

/// What a browser has.
#[derive(Debug, Default)]
struct Shown {
    parts: HashMap<String, u64>,
    /// Which rows there are, and in which order.
    order: HashMap<String, u64>,
}

fn hash(text: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Shown {
    /// What a browser lacks that has what was shown before: elements to replace, by their ids.
    fn lacks(&mut self, parts: Vec<Part>) -> Vec<(String, String)> {
        let mut changes = Vec::new();
        let mut known = HashMap::new();
        for Part { id, html, rows } in parts {
            if rows.is_empty() {
                let now = hash(&html.0);
                if self.parts.get(&id) != Some(&now) {
                    changes.push((id.clone(), html.0));
                }
                self.order.remove(&id);
                known.insert(id, now);
                continue;
            }
            let order = hash(rows.iter().map(|(row, _)| row).collect::<Vec<_>>());
            let is_same = self.order.insert(id.clone(), order) == Some(order);
            if !is_same {
                changes.push((id, html.0));
            }
            for (row, html) in rows {
                let now = hash(&html.0);
                if is_same && self.parts.get(&row) != Some(&now) {
                    changes.push((row.clone(), html.0));
                }
                known.insert(row, now);
            }
        }
        self.parts = known;
        changes
    }
}

/// Keeps a page up to date: `make` makes its parts; `None` ends it, as its object is gone or its viewer may not see it any more.
pub fn stream<F, M>(dashboard: Arc<Dashboard>, make: M) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    M: Fn(Arc<Dashboard>) -> F + Send + 'static,
    F: Future<Output = Option<Vec<Part>>> + Send,
{
    let bell = dashboard.book.bell();
    let start = Some((dashboard, make, bell, Shown::default(), true));
    let events = stream::unfold(start, |state| async move {
        let (dashboard, make, mut bell, mut shown, mut is_first) = state?;
        loop {
            if !is_first {
                let tick = Instant::now() + AGES;
                tokio::select! {
                    rung = bell.changed() => {
                        rung.ok()?;
                        sleep(SETTLE).await;
                        bell.mark_unchanged();
                    }
                    () = sleep_until(tick) => {}
                }
            }
            is_first = false;
            let Some(mut parts) = make(Arc::clone(&dashboard)).await else {
                return Some((Ok(Event::default().event("gone").data("")), None));
            };
            parts.push(notices(&dashboard));
            let changes = shown.lacks(parts);
            if changes.is_empty() {
                continue;
            }
            let data = changes.into_iter().map(|(id, html)| json!({"id": id, "html": html})).collect::<Vec<_>>();
            let event = Event::default().event("change").data(serde_json::Value::Array(data).to_string());
            return Some((Ok(event), Some((dashboard, make, bell, shown, false))));
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

#[cfg(test)]
mod tests {
    use maud::PreEscaped;

    use super::*;

    fn table(rows: &[(&str, &str)]) -> Vec<Part> {
        let rows: Vec<(String, Markup)> =
            rows.iter().map(|(id, text)| ((*id).to_owned(), PreEscaped((*text).to_owned()))).collect();
        let html = PreEscaped(rows.iter().map(|(_, html)| html.0.as_str()).collect::<String>());
        vec![Part { id: "table".to_owned(), html, rows }, Part::whole("count", PreEscaped("2".to_owned()))]
    }

    #[test]
    fn only_what_changed_is_sent() {
        let mut shown = Shown::default();
        let ids = |changes: Vec<(String, String)>| changes.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(shown.lacks(table(&[("a", "1"), ("b", "1")]))), ["table", "count"]);
        assert_eq!(ids(shown.lacks(table(&[("a", "1"), ("b", "1")]))), [""; 0]);
        assert_eq!(ids(shown.lacks(table(&[("a", "1"), ("b", "2")]))), ["b"]);
        // Rows that come, go or change places are for the table.
        assert_eq!(ids(shown.lacks(table(&[("b", "2"), ("a", "1")]))), ["table"]);
        assert_eq!(ids(shown.lacks(table(&[("b", "2")]))), ["table"]);
        assert_eq!(ids(shown.lacks(table(&[]))), ["table"]);
        assert_eq!(ids(shown.lacks(table(&[("a", "1")]))), ["table"]);
    }
}
