//! Which Applications are listed, and in which order.

use std::cmp::Reverse;

use serde::Deserialize;
use sluice_core::gitops::health::{DEGRADED, HEALTHY, MISSING, PROGRESSING, SUSPENDED};
use sluice_core::gitops::report::{OUT_OF_SYNC, SYNCED};
use sluice_core::info::application::summary::Summary;

use crate::dashboard::html;

/// How a list is put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// What is out of sync comes first.
    Sync,
    /// What is not healthy comes first.
    Health,
    /// What was synced last comes first.
    Synced,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// In this namespace; empty for all.
    pub namespace: String,
    /// With this in the name, the namespace, the project or the source.
    pub search: String,
    /// That stand like this to Git; empty for all.
    pub sync: String,
    /// That are like this; empty for all.
    pub health: String,
    /// In this order.
    pub sort: Order,
}

/// How they can stand to Git, those that need a person first.
pub const SYNCS: [&str; 3] = [OUT_OF_SYNC, "Unknown", SYNCED];
/// How they can be, those that need a person first.
pub const HEALTHS: [&str; 6] = [DEGRADED, MISSING, "Unknown", SUSPENDED, PROGRESSING, HEALTHY];

/// How many there are of each, whichever is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// For each of [`SYNCS`].
    pub syncs: [usize; 3],
    /// For each of [`HEALTHS`].
    pub healths: [usize; 6],
}

fn rank(known: &[&str], word: &str) -> usize {
    // What nobody knows counts as unknown.
    known.iter().position(|it| *it == word).or_else(|| known.iter().position(|it| *it == "Unknown")).unwrap_or(0)
}

fn sync_rank(summary: &Summary) -> usize {
    rank(&SYNCS, &summary.sync.word)
}

fn health_rank(summary: &Summary) -> usize {
    rank(&HEALTHS, &summary.health.word)
}

impl Query {
    /// Whether one is asked for, apart from how it stands.
    fn concerns(&self, summary: &Summary, words: &[String]) -> bool {
        if !self.namespace.is_empty() && self.namespace != summary.namespace {
            return false;
        }
        if words.is_empty() {
            return true;
        }
        let Summary { namespace, name, project, repository, path, .. } = summary;
        let text = format!("{namespace}/{name} {project} {repository} {path}").to_lowercase();
        words.iter().all(|word| text.contains(word))
    }

    /// Those that are asked for, in order, and how many there are.
    pub fn select(&self, all: impl Iterator<Item = Summary>) -> (Vec<Summary>, Counts) {
        let words: Vec<String> = self.search.split_whitespace().map(str::to_lowercase).collect();
        let (mut found, mut counts) = (Vec::new(), Counts::default());
        for summary in all.filter(|summary| self.concerns(summary, &words)) {
            let (sync, health) = (sync_rank(&summary), health_rank(&summary));
            counts.syncs[sync] += 1;
            counts.healths[health] += 1;
            let fits = |wanted: &str, word: &str| wanted.is_empty() || wanted == word;
            if fits(&self.sync, SYNCS[sync]) && fits(&self.health, HEALTHS[health]) {
                found.push(summary);
            }
        }
        found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        match self.sort {
            Order::Name => {}
            Order::Sync => found.sort_by_key(sync_rank),
            Order::Health => found.sort_by_key(health_rank),
            Order::Synced => found.sort_by_key(|summary| Reverse(summary.synced.as_ref().map(|(at, _)| *at))),
        }
        (found, counts)
    }

    /// The same as part of a path.
    pub fn to_text(&self) -> String {
        let sort = match self.sort {
            Order::Name => "",
            Order::Sync => "sync",
            Order::Health => "health",
            Order::Synced => "synced",
        };
        said(&[
            ("namespace", &self.namespace),
            ("search", &self.search),
            ("sync", &self.sync),
            ("health", &self.health),
            ("sort", sort),
        ])
    }
}

/// What is said, as part of a path.
pub fn said(parts: &[(&str, &str)]) -> String {
    let said: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", html::query(value)))
        .collect();
    if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::api::Application;

    use super::*;

    fn some() -> Vec<Summary> {
        let each = [
            ("shop", "web", SYNCED, DEGRADED, 3),
            ("shop", "api", OUT_OF_SYNC, HEALTHY, 1),
            ("bank", "web", SYNCED, HEALTHY, 2),
            ("bank", "new", "", "", 0),
        ];
        let one = |(namespace, name, sync, health, day): (&str, &str, &str, &str, i64)| {
            let at = format!("2026-01-0{day}T00:00:00Z");
            let history = if day > 0 { json!([{"id": day, "deployedAt": at}]) } else { json!([]) };
            let application: Application = serde_json::from_value(json!({
                "metadata": {"namespace": namespace, "name": name},
                "spec": {"destination": {}, "source": {"repoURL": "https://git.example.com/team", "path": name}},
                "status": {"sync": {"status": sync}, "health": {"status": health}, "history": history},
            }))
            .expect("an Application");
            Summary::of(&application)
        };
        each.map(one).to_vec()
    }

    #[track_caller]
    fn lists(query: &Query, expected: &[&str]) -> Counts {
        let (found, counts) = query.select(some().into_iter());
        let names: Vec<String> = found.iter().map(|it| format!("{}/{}", it.namespace, it.name)).collect();
        assert_eq!(names, expected, "{query:?}");
        counts
    }

    #[test]
    fn a_list_has_what_is_asked_for_in_order() {
        let all = Query::default;
        lists(&all(), &["bank/new", "bank/web", "shop/api", "shop/web"]);
        lists(&Query { namespace: "shop".to_owned(), ..all() }, &["shop/api", "shop/web"]);
        lists(&Query { search: " WEB team ".to_owned(), ..all() }, &["bank/web", "shop/web"]);
        lists(&Query { sync: SYNCED.to_owned(), health: HEALTHY.to_owned(), ..all() }, &["bank/web"]);
        lists(&Query { sync: "Unknown".to_owned(), ..all() }, &["bank/new"]);
        lists(&Query { sort: Order::Sync, ..all() }, &["shop/api", "bank/new", "bank/web", "shop/web"]);
        lists(&Query { sort: Order::Health, ..all() }, &["shop/web", "bank/new", "bank/web", "shop/api"]);
        lists(&Query { sort: Order::Synced, ..all() }, &["shop/web", "bank/web", "shop/api", "bank/new"]);
    }

    #[test]
    fn how_they_stand_leaves_the_counts_of_the_others() {
        let counts = lists(&Query { sync: OUT_OF_SYNC.to_owned(), ..Query::default() }, &["shop/api"]);
        assert_eq!(counts, Counts { syncs: [1, 1, 2], healths: [1, 0, 1, 0, 0, 2] });
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let query = Query { search: "a&b".to_owned(), sort: Order::Sync, ..Query::default() };
        assert_eq!(query.to_text(), "?search=a%26b&sort=sync");
        assert_eq!(Query::default().to_text(), "");
    }
}
