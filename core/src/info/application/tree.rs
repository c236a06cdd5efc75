//! The objects of an Application as a tree that stays readable when there are many: in groups of a kind in a namespace, each with the
//! count of what is wrong in it.

use std::collections::BTreeMap;

use super::row::Row;

/// Which objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// All.
    All,
    /// Those that are not as Git says.
    Differs,
    /// Those that are not healthy.
    Ails,
}

/// How many objects there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Those that are not as Git says.
    pub differ: usize,
    /// Those that are not healthy.
    pub ail: usize,
}

/// Objects of a kind in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The API group, the kind and the namespace.
    pub name: [&'a str; 3],
    /// How many of it are searched for, whichever are shown.
    pub counts: Counts,
    /// Those that are shown.
    pub rows: Vec<&'a Row>,
}

impl Counts {
    fn add(&mut self, row: &Row) {
        self.all += 1;
        self.differ += usize::from(row.differs);
        self.ail += usize::from(row.ails);
    }
}

impl Show {
    /// What is shown where nobody has said: what differs, where something does.
    pub fn usual(counts: Counts) -> Show {
        if counts.differ > 0 { Show::Differs } else { Show::All }
    }

    fn has(self, row: &Row) -> bool {
        match self {
            Show::All => true,
            Show::Differs => row.differs,
            Show::Ails => row.ails,
        }
    }
}

impl Group<'_> {
    /// What it is called where one is chosen.
    pub fn id(&self) -> String {
        self.name.join("/")
    }
}

/// How many objects there are that have all words of `search` in them.
pub fn count(rows: &[Row], search: &str) -> Counts {
    let words = words(search);
    let mut counts = Counts::default();
    rows.iter().filter(|row| has_words(row, &words)).for_each(|row| counts.add(row));
    counts
}

/// The groups that have something to show, in order; the objects of each by name.
pub fn groups<'a>(rows: &'a [Row], search: &str, show: Show) -> Vec<Group<'a>> {
    let words = words(search);
    let mut groups: BTreeMap<[&str; 3], (Counts, Vec<&Row>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| has_words(row, &words)) {
        // Kinds first: that is what people look for.
        let (counts, shown) = groups.entry([&row.key.kind, &row.key.group, &row.key.namespace]).or_default();
        counts.add(row);
        if show.has(row) {
            shown.push(row);
        }
    }
    let groups = groups.into_iter().filter(|(_, (_, rows))| !rows.is_empty());
    groups
        .map(|([kind, group, namespace], (counts, mut rows))| {
            rows.sort_by(|a, b| (&a.key.name, &a.hook).cmp(&(&b.key.name, &b.hook)));
            Group { name: [group, kind, namespace], counts, rows }
        })
        .collect()
}

fn words(search: &str) -> Vec<String> {
    search.split_whitespace().map(str::to_lowercase).collect()
}

fn has_words(row: &Row, words: &[String]) -> bool {
    let key = &row.key;
    let text = || format!("{}/{}/{}/{}", key.group, key.kind, key.namespace, key.name).to_lowercase();
    words.is_empty() || {
        let text = text();
        words.iter().all(|word| text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::info::application::row::rows;
    use crate::info::application::sample::application;

    fn object(kind: &str, namespace: &str, name: &str, status: &str, health: &str) -> Value {
        let health = (!health.is_empty()).then(|| json!({"status": health}));
        json!({"version": "v1", "kind": kind, "namespace": namespace, "name": name, "status": status, "health": health})
    }

    fn some() -> Vec<Row> {
        rows(&application(&json!({"status": {"resources": [
            object("Service", "shop", "web", "Synced", "Healthy"),
            object("ConfigMap", "shop", "web-2", "OutOfSync", ""),
            object("ConfigMap", "shop", "web-1", "Synced", ""),
            object("ConfigMap", "bank", "web", "Synced", ""),
            object("Pod", "shop", "api", "Synced", "Degraded"),
        ]}})))
    }

    #[track_caller]
    fn shows(search: &str, show: Show, expected: &[&str]) {
        let rows = some();
        let names = |group: &Group<'_>| {
            let names: Vec<&str> = group.rows.iter().map(|row| row.key.name.as_str()).collect();
            format!("{} {}: {}", group.id(), group.counts.all, names.join(" "))
        };
        let groups: Vec<String> = groups(&rows, search, show).iter().map(names).collect();
        assert_eq!(groups, expected, "{search} {show:?}");
    }

    #[test]
    fn objects_stand_in_groups_of_a_kind_in_a_namespace() {
        let all =
            ["/ConfigMap/bank 1: web", "/ConfigMap/shop 2: web-1 web-2", "/Pod/shop 1: api", "/Service/shop 1: web"];
        shows("", Show::All, &all);
        shows(" SHOP configmap ", Show::All, &["/ConfigMap/shop 2: web-1 web-2"]);
        shows("nothing", Show::All, &[]);
    }

    #[test]
    fn only_what_is_wrong_is_shown_and_all_is_counted() {
        shows("", Show::Differs, &["/ConfigMap/shop 2: web-2"]);
        shows("", Show::Ails, &["/Pod/shop 1: api"]);
        assert_eq!(count(&some(), ""), Counts { all: 5, differ: 1, ail: 1 });
        assert_eq!(count(&some(), "pod"), Counts { all: 1, differ: 0, ail: 1 });
    }

    #[test]
    fn what_differs_is_shown_first_where_something_does() {
        assert_eq!(Show::usual(Counts { all: 2, differ: 1, ail: 0 }), Show::Differs);
        assert_eq!(Show::usual(Counts { all: 2, differ: 0, ail: 2 }), Show::All);
    }
}
