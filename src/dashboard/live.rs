//! Pages that keep themselves up to date: what is different about them is sent as it changes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use maud::{Markup, html};
use serde_json::json;

use super::Dashboard;
use super::access::Caller;
use super::refused::Refused;
pub use super::turns::CALM;
use super::turns::Turns;

/// How often a page is made again where something on it counts down.
pub const COUNTING: Duration = Duration::from_secs(1);

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

/// Who keeps a page up to date.
#[derive(Debug)]
pub struct Viewer {
    headers: HeaderMap,
    /// What they have already, by its mark.
    at: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Viewer, Infallible> {
        let mut said = parts.uri.query().unwrap_or_default().split('&');
        // What came last counts for a browser that connects anew: the page has changed since it was loaded.
        let at = match parts.headers.get("last-event-id") {
            Some(last) => last.to_str().ok().and_then(|last| last.parse().ok()),
            None => said.find_map(|part| part.strip_prefix("at=")?.parse().ok()),
        };
        Ok(Viewer { headers: parts.headers.clone(), at })
    }
}

/// From where a page is kept up to date that is made of these parts; `base` may have a query. It says what the page has, so that nothing
/// is sent twice.
pub fn path(dashboard: &Dashboard, base: &str, parts: &[Part]) -> String {
    let separator = if base.contains('?') { '&' } else { '?' };
    let mut shown = Shown::default();
    shown.lacks(parts.iter().chain([&notices(dashboard)]));
    format!("{base}{separator}at={}", shown.mark())
}

/// What is wrong with what a page shows; it is on every page.
pub fn notices(dashboard: &Dashboard) -> Part {
    let notices = dashboard.book.notices();
    let html = html! {
        div id="notices" role="status" hidden[notices.is_empty()] { @for notice in &notices { p class="bad" { (notice) } } }
    };
    Part::whole("notices", html)
}

/// What a browser has.
#[derive(Debug, Default, Hash)]
struct Shown {
    parts: BTreeMap<String, u64>,
    /// Which rows there are, and in which order.
    order: BTreeMap<String, u64>,
}

/// What is the same as long as nothing but ages change: browsers count these themselves.
fn steady(html: &Markup) -> u64 {
    let mut rest = html.0.as_str();
    let mut parts = Vec::new();
    while let Some((before, age)) =
        rest.split_once("<time ").and_then(|(before, time)| Some((before, time.split_once('>')?)))
    {
        parts.push((before, age.0));
        rest = age.1.split_once('<').map_or("", |(_, after)| after);
    }
    hash((parts, rest))
}

fn hash(text: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Shown {
    /// What a browser lacks that has what was shown before: elements to replace, by their ids.
    fn lacks<'a>(&mut self, parts: impl IntoIterator<Item = &'a Part>) -> Vec<(String, String)> {
        let mut changes = Vec::new();
        let mut known = BTreeMap::new();
        for Part { id, html, rows } in parts {
            if rows.is_empty() {
                let now = steady(html);
                if self.parts.get(id) != Some(&now) {
                    changes.push((id.clone(), html.0.clone()));
                }
                self.order.remove(id);
                known.insert(id.clone(), now);
                continue;
            }
            let order = hash(rows.iter().map(|(row, _)| row).collect::<Vec<_>>());
            let is_same = self.order.insert(id.clone(), order) == Some(order);
            if !is_same {
                changes.push((id.clone(), html.0.clone()));
            }
            for (row, html) in rows {
                let now = steady(html);
                if is_same && self.parts.get(row) != Some(&now) {
                    changes.push((row.clone(), html.0.clone()));
                }
                known.insert(row.clone(), now);
            }
        }
        self.parts = known;
        changes
    }

    /// The same for whoever has the same.
    fn mark(&self) -> u64 {
        hash(self)
    }
}

/// What a stream goes on with.
struct Going<M> {
    turns: Turns<M>,
    shown: Shown,
    /// What the browser was told of why nothing comes.
    trouble: String,
    /// What is to be sent before anything else.
    first: Option<Event>,
}

/// Keeps a page up to date: `make` makes its parts for who asks, at every change and, without any, every so often. What is refused at
/// once is no stream.
pub async fn stream<F, M>(
    dashboard: Arc<Dashboard>,
    viewer: Viewer,
    every: Duration,
    make: M,
) -> Result<Response, Refused>
where
    M: Fn(Arc<Dashboard>, Caller) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<Part>, Refused>> + Send,
{
    let make = move |dashboard: Arc<Dashboard>, caller| {
        let own = make(Arc::clone(&dashboard), caller);
        async move {
            let mut parts = own.await?;
            parts.push(notices(&dashboard));
            Ok(parts)
        }
    };
    let (turns, parts) = Turns::begin(dashboard, viewer.headers, every, make).await?;
    let mut shown = Shown::default();
    let changes = shown.lacks(&parts);
    let first = (viewer.at != Some(shown.mark())).then(|| changed(changes, shown.mark()));
    let going = Going { turns, shown, trouble: String::new(), first };
    let events = stream::unfold(Some(going), |going| async move { next(going?).await });
    // A proxy that gathers what it passes on would make it late.
    Ok(([("x-accel-buffering", "no")], Sse::new(events)).into_response())
}

/// The next event, and what the stream goes on with; without the latter it ends.
async fn next<F, M>(mut going: Going<M>) -> Option<(Result<Event, Infallible>, Option<Going<M>>)>
where
    M: Fn(Arc<Dashboard>, Caller) -> F + Send + Sync,
    F: Future<Output = Result<Vec<Part>, Refused>> + Send,
{
    if let Some(first) = going.first.take() {
        return Some((Ok(first), Some(going)));
    }
    loop {
        let news = match going.turns.next().await? {
            Ok(parts) => {
                let changes = going.shown.lacks(&parts);
                let was_in_trouble = !std::mem::take(&mut going.trouble).is_empty();
                // Whatever comes means that all is well again.
                (!changes.is_empty() || was_in_trouble).then(|| changed(changes, going.shown.mark()))
            }
            Err(refused) => match refused.status {
                StatusCode::UNAUTHORIZED => return Some((Ok(word("login")), None)),
                StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    return Some((Ok(word("gone")), None));
                }
                // It may pass: what is shown stays, and people know that it is old.
                _ if refused.why == going.trouble => None,
                _ => {
                    let said = json!(refused.why).to_string();
                    going.trouble = refused.why;
                    Some(Event::default().event("trouble").data(said))
                }
            },
        };
        // Comments would keep the connection, but scripts do not see them.
        if let Some(event) = going.turns.said(news, || word("beat")) {
            return Some((Ok(event), Some(going)));
        }
    }
}

/// An event that says all by its name. Browsers give scripts none that has no data.
fn word(name: &str) -> Event {
    Event::default().event(name).data("-")
}

/// Elements to replace, and the mark of what a browser has then.
fn changed(changes: Vec<(String, String)>, mark: u64) -> Event {
    let data = changes.into_iter().map(|(id, html)| json!({"id": id, "html": html})).collect::<Vec<_>>();
    Event::default().event("change").id(mark.to_string()).data(serde_json::Value::Array(data).to_string())
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
        assert_eq!(ids(shown.lacks(&table(&[("a", "1"), ("b", "1")]))), ["table", "count"]);
        assert_eq!(ids(shown.lacks(&table(&[("a", "1"), ("b", "1")]))), [""; 0]);
        assert_eq!(ids(shown.lacks(&table(&[("a", "1"), ("b", "2")]))), ["b"]);
        // Rows that come, go or change places are for the table.
        assert_eq!(ids(shown.lacks(&table(&[("b", "2"), ("a", "1")]))), ["table"]);
        assert_eq!(ids(shown.lacks(&table(&[("b", "2")]))), ["table"]);
        assert_eq!(ids(shown.lacks(&table(&[]))), ["table"]);
        assert_eq!(ids(shown.lacks(&table(&[("a", "1")]))), ["table"]);
    }
}
