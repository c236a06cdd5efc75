//! Events of both groups, which hold the same under different names.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::name;
use super::duration::{since, time};
use crate::read::{at, number, text};

/// The cells of an Event.
pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_core = text(object, "apiVersion") == "v1";
    let field = |core: &'static str, new: &'static str| if is_core { core } else { new };
    let ago = |path: &str| since(time(object, path), now);
    let unknown = || "<unknown>".to_owned();

    let first =
        ago(field("firstTimestamp", "deprecatedFirstTimestamp")).or_else(|| ago("eventTime")).unwrap_or_else(unknown);
    let series = at(object, "series");
    let (last, count) = if series.is_null() {
        let last = ago(field("lastTimestamp", "deprecatedLastTimestamp")).unwrap_or_else(|| first.clone());
        (last, number(object, field("count", "deprecatedCount")).filter(|count| *count != 0).unwrap_or(1))
    } else {
        (ago("series.lastObservedTime").unwrap_or_else(unknown), number(series, "count").unwrap_or_default())
    };
    let about = at(object, field("involvedObject", "regarding"));
    vec![
        json!(last),
        json!(text(object, "type")),
        json!(text(object, "reason")),
        json!(target(about)),
        json!(text(about, "fieldPath")),
        json!(source(object, field("source", "deprecatedSource"), field("reportingComponent", "reportingController"))),
        json!(text(object, field("message", "note")).trim()),
        json!(first),
        json!(count),
        name(object),
    ]
}

fn target(about: &Value) -> String {
    let kind = text(about, "kind").to_lowercase();
    match text(about, "name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

/// Who reports, and from where.
fn source(event: &Value, old: &str, new: &str) -> String {
    let old = at(event, old);
    let (who, place) = match text(old, "component") {
        "" => (text(event, new), text(event, "reportingInstance")),
        component => (component, text(old, "host")),
    };
    if place.is_empty() { who.to_owned() } else { format!("{who}, {place}") }
}
