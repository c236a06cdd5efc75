//! Data planes that nobody can ask: their objects say when they were written last, and a given time later
//! (`propagationDelaySeconds`) they are believed to do what they were told.
//!
//! A router of such a data plane passes what it is about to write through [`Client::date`], and what it has observed through
//! [`Client::believe`].

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Routing;
use super::memory::{Memories, Memory};
use super::object::Seen;
use super::retold::leads;
use super::router::Observed;
use super::routers::Client;
use crate::time;

/// How much later than now an object may have been written, by clocks that differ. What is later still was written by nobody.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

impl Client {
    /// Has an object that is to read like `after` say when it was written, where it changes or a Service has moved since it was
    /// written last; `before` is null for one that comes into being.
    pub(super) fn date(&self, now: Timestamp, before: &Value, after: &mut Value, routing: &Routing) {
        let mut memories = Memories::of(after, self);
        let was = memories.get().cloned().unwrap_or_default();
        let leads = leads(routing);
        let next = match (self.delay, written(&was, now)) {
            (Some(_), Some(_)) if after == before && was.leads == leads => return,
            (Some(_), _) => Memory { at: Some(time::ceil_to_second(now)), leads, ..was },
            // Nobody waits for it any more.
            (None, _) if was.at.is_some() => Memory { at: None, leads: BTreeMap::new(), ..was },
            (None, _) => return,
        };
        memories.change(|memory| *memory = next);
        memories.write(after);
    }

    /// Adds whether the data plane is believed to do what these objects say; nothing where the manifest gives no delay.
    pub(super) fn believe<'a>(
        &self,
        observed: Observed,
        now: Timestamp,
        objects: impl IntoIterator<Item = &'a Seen>,
    ) -> Observed {
        let Some(delay) = self.delay else { return observed };
        let mut observed = observed;
        for (seen, object) in objects.into_iter().filter_map(|seen| Some((seen, seen.found().ok()?))) {
            let memory = Memories::of(object, self).get().cloned().unwrap_or_default();
            let until = written(&memory, now).map(|at| time::after(at, SignedDuration::from_secs(delay.max(0).into())));
            if until.is_some_and(|until| until <= now) {
                observed.verified = observed.verified.or(Some(true));
                continue;
            }
            observed.verified = Some(false);
            if observed.until.is_none_or(|latest| until.is_some_and(|until| until > latest)) {
                observed.until = until;
                observed.behind = Some(seen.reference());
            }
        }
        observed
    }
}

/// When an object was written last, as far as that can be true.
fn written(memory: &Memory, now: Timestamp) -> Option<Timestamp> {
    memory.at.filter(|at| *at <= time::after(now, SKEW))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::labels;
    use crate::traffic::{Destination, Weight};

    fn routing(hash: &str) -> Routing {
        Routing {
            canary: Destination { service: "canary".into(), hash: hash.into() },
            stable: Destination { service: "stable".into(), hash: "v1".into() },
            weight: Weight::new(20, 100),
            additional: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// An object after it was written at a time, where a router changes nothing else of it.
    fn dated(delay: Option<i32>, time: &str, before: &Value, hash: &str) -> Value {
        let client = Client { name: "web".into(), delay, ..Client::default() };
        let mut after = before.clone();
        client.date(time.parse().expect("a time"), before, &mut after, &routing(hash));
        after
    }

    fn memory(object: &Value) -> &str {
        object["metadata"]["annotations"][labels::ROUTED].as_str().unwrap_or_default()
    }

    #[test]
    fn an_object_is_dated_when_it_changes_or_a_service_moves_and_not_again() {
        let first = dated(Some(5), "2026-01-01T00:00:00.2Z", &json!({ "metadata": {} }), "v2");
        let leads = r#""leads":{"canary":"v2","stable":"v1"}"#;
        assert_eq!(memory(&first), format!(r#"{{"web":{{"at":"2026-01-01T00:00:01Z",{leads}}}}}"#), "rounded up");
        assert_eq!(dated(Some(5), "2026-01-01T00:01:00Z", &first, "v2"), first);
        let moved = dated(Some(5), "2026-01-01T00:01:00Z", &first, "v3");
        assert!(memory(&moved).contains(r#""at":"2026-01-01T00:01:00Z","leads":{"canary":"v3""#), "{moved}");
        let back = dated(Some(5), "2025-12-31T23:00:00Z", &first, "v2");
        assert!(memory(&back).contains("2025-12-31T23:00:00Z"), "a date an hour ahead is nobody's: {back}");
        assert_eq!(dated(Some(5), "2025-12-31T23:59:30Z", &first, "v2"), first, "clocks differ a little");
    }

    #[test]
    fn without_a_delay_nothing_is_dated_and_what_was_is_forgotten() {
        let plain = json!({ "metadata": { "annotations": {} } });
        assert_eq!(dated(None, "2026-01-01T00:00:00Z", &plain, "v2"), plain);
        let others = r#"{"api":{"busy":true},"web":{"at":"2026-01-01T00:00:00Z","busy":true,"leads":{"canary":"v2"}}}"#;
        let both = json!({ "metadata": { "annotations": { (labels::ROUTED): others } } });
        assert_eq!(
            memory(&dated(None, "2026-01-01T00:00:00Z", &both, "v2")),
            r#"{"api":{"busy":true},"web":{"busy":true}}"#
        );
    }
}
