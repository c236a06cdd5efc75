//! The index of a Helm repository: which charts it has, in which versions, and where their archives are.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Bytes that an index may have.
pub const LARGEST: u64 = 50 << 20;
/// Charts and versions of them that an index may have.
const MOST: usize = 100_000;
/// Names that a message tells at most.
const SHOWN: usize = 3;
/// How far a name may be from the one that was meant.
const NEAR: usize = 3;

/// An index.
#[derive(Debug, Default, Deserialize)]
pub struct Index {
    #[serde(default)]
    entries: Option<Entries>,
}

/// Versions by the names of charts: those that can be had.
#[derive(Debug)]
struct Entries(BTreeMap<String, Versions>);

/// The versions of one chart.
#[derive(Debug, Default)]
struct Versions(Vec<Entry>);

/// One version of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Its version, as it is written.
    pub version: String,
    /// Where its archive is, from the repository on.
    urls: Option<First>,
    /// The SHA-256 of its archive, if it was written down.
    pub digest: Option<String>,
    /// Whether it was taken away.
    removed: Option<bool>,
}

/// The first text of a list; the others are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct First(Option<String>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Entries, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("charts with their versions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let (mut all, mut count) = (BTreeMap::new(), 0);
                while let Some((name, versions)) = map.next_entry::<String, Option<Versions>>()? {
                    let versions = versions.unwrap_or_default();
                    count += 1 + versions.0.len();
                    if count > MOST {
                        return Err(A::Error::custom(format!("it has more than {MOST} charts and versions")));
                    }
                    all.insert(name, versions);
                }
                Ok(Entries(all))
            }
        }
        from.deserialize_map(All)
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Versions, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Versions;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a list of versions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Versions, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = list.next_element::<Entry>()? {
                    if entry.is_there() {
                        all.push(entry);
                    }
                    if all.len() > MOST {
                        return Err(A::Error::custom(format!("a chart has more than {MOST} versions")));
                    }
                }
                Ok(Versions(all))
            }
        }
        from.deserialize_seq(All)
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<First, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = First;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a list of texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        from.deserialize_seq(All)
    }
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(content: &[u8]) -> Result<Index, String> {
        let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
        let index: Index = sluice_yaml::read_long(text).map_err(|wrong| {
            let line = wrong.line.map_or_else(String::new, |line| format!("line {line}: "));
            format!("{line}{}", wrong.why)
        })?;
        if index.entries.is_none() { Err("it has no entries".to_owned()) } else { Ok(index) }
    }

    /// The versions of a chart that can be had.
    ///
    /// # Errors
    /// That there is no such chart, and which have a similar name.
    pub fn versions(&self, chart: &str) -> Result<Vec<&Entry>, String> {
        let entries = || self.entries.iter().flat_map(|entries| &entries.0);
        let Some((_, found)) = entries().find(|(name, _)| *name == chart) else {
            let mut near: Vec<(usize, &str)> = entries()
                .map(|(name, _)| (strsim::osa_distance(chart, name), name.as_str()))
                .filter(|(distance, name)| *distance <= NEAR || name.contains(chart))
                .collect();
            near.sort_unstable();
            let near: Vec<&str> = near.into_iter().map(|(_, name)| name).take(SHOWN).collect();
            let hint = if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) };
            return Err(format!("the repository has no chart {chart:?}{hint}"));
        };
        Ok(found.0.iter().collect())
    }
}

impl Entry {
    /// Whether it can be had.
    fn is_there(&self) -> bool {
        !self.version.is_empty() && self.url().is_some() && !self.removed.unwrap_or(false)
    }

    /// Where its archive is.
    pub fn url(&self) -> Option<&str> {
        self.urls.as_ref()?.0.as_deref()
    }

    /// Its digest, in small letters and without the name of how it was made; nothing where it has none.
    pub fn sha256(&self) -> Option<String> {
        let digest = self.digest.as_ref()?.trim().to_ascii_lowercase();
        let digest = digest.strip_prefix("sha256:").unwrap_or(&digest);
        (!digest.is_empty()).then(|| digest.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "
apiVersion: v1
entries:
  web:
  - name: web
    version: 1.10
    created: 2026-01-01T00:00:00Z
    keywords: [a, b]
    maintainers: [{name: somebody}]
    digest: SHA256:AB12
    urls: [web-1.10.tgz, https://other.example.com/web-1.10.tgz]
  - {name: web, version: 1.2.3, urls: ['https://other.example.com/web-1.2.3.tgz']}
  - {name: web, version: 1.2.2, removed: true, urls: [web-1.2.2.tgz]}
  - {name: web, version: 1.2.1}
  - {name: web, urls: [web.tgz]}
  web-ui: []
  database: ~
generated: 2026-01-01T00:00:00Z
";

    #[test]
    fn an_index_says_which_versions_there_are() {
        let index = Index::read(INDEX.as_bytes()).expect("an index");
        let versions = index.versions("web").expect("a chart");
        let read: Vec<_> = versions.iter().map(|entry| (entry.version.as_str(), entry.url(), entry.sha256())).collect();
        assert_eq!(
            read,
            [
                ("1.10", Some("web-1.10.tgz"), Some("ab12".to_owned())),
                ("1.2.3", Some("https://other.example.com/web-1.2.3.tgz"), None),
            ]
        );
        assert_eq!(index.versions("web-ui"), Ok(vec![]));
    }

    #[test]
    fn similar_names_are_told() {
        let index = Index::read(INDEX.as_bytes()).expect("an index");
        for (name, expected) in [
            ("wbe", "no chart \"wbe\"; there is web"),
            ("databases", "; there is database"),
            ("ui", "; there is web, web-ui"),
            ("nothing-like-it", "no chart \"nothing-like-it\""),
        ] {
            let why = index.versions(name).expect_err("there is none");
            assert!(why.ends_with(expected), "{name}: {why}");
        }
    }

    #[test]
    fn json_is_read_too() {
        let text = br#"{"entries": {"web": [{"version": "1.0.0", "urls": ["web.tgz"], "digest": null}]}}"#;
        assert_eq!(Index::read(text).expect("an index").versions("web").expect("a chart").len(), 1);
    }

    #[test]
    fn what_is_no_index_is_told() {
        let level = |level: usize| match level.checked_sub(1) {
            None => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
            Some(before) => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")),
        };
        let bomb: String = (0..12).map(level).collect();
        for text in [
            "<html>Sign in</html>",
            "",
            "a: 1",
            "entries: 1",
            "entries: {web: 1}",
            "\u{0}",
            &bomb,
            &"[".repeat(100_000),
        ] {
            assert!(Index::read(text.as_bytes()).is_err(), "{}", &text[..text.len().min(20)]);
        }
        assert!(Index::read(&[0xff, 0xfe]).is_err());
    }

    #[test]
    fn an_index_of_too_much_is_refused() {
        let entry = "  - {version: 1.0.0, urls: [a]}\n";
        let one = format!("entries:\n  web:\n{}", entry.repeat(MOST + 1));
        let many =
            (0..3).map(|chart| format!("  web-{chart}:\n{}", entry.repeat(MOST / 2))).collect::<Vec<_>>().concat();
        let names = (0..=MOST).map(|chart| format!("  a{chart}:\n")).collect::<Vec<_>>().concat();
        for text in [one, format!("entries:\n{many}"), format!("entries:\n{names}")] {
            let why = Index::read(text.as_bytes()).expect_err("it is too much");
            assert!(why.contains("more than 100000"), "{why}");
        }
        // What cannot be had is not kept.
        let text = format!("entries:\n  web:\n{}{entry}", "  - {version: 1.0.0}\n".repeat(MOST + 1));
        assert_eq!(Index::read(text.as_bytes()).expect("an index").versions("web").expect("a chart").len(), 1);
    }

    #[test]
    fn a_long_index_is_read() {
        let version = |chart: usize, version: usize| {
            format!(
                "  - apiVersion: v2\n    description: A chart\n    digest: {chart:064}\n    keywords: [a, b, c, d]\n    \
                 name: chart-{chart}\n    version: 1.{version}.0\n    urls:\n    - https://charts.example.com/{chart}-{version}.tgz\n"
            )
        };
        let chart = |chart: usize| {
            let versions: String = (0..100).map(|number| version(chart, number)).collect();
            format!("  chart-{chart}:\n{versions}")
        };
        let text = format!("entries:\n{}", (0..200).map(chart).collect::<String>());
        let index = Index::read(text.as_bytes()).expect("an index");
        assert_eq!(index.versions("chart-7").expect("a chart").len(), 100);
    }
}
