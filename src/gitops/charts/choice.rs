//! Which version of a chart a revision stands for.

use sluice_core::gitops::range::{Range, Version};

/// Versions that a message names.
const SHOWN: usize = 5;
/// The range of all releases.
const ALL: &str = "*";

/// Whether whoever publishes may call that a version: it becomes a part of paths.
pub fn is_version(text: &str) -> bool {
    Version::read(text).is_some() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b".+_-".contains(&c))
}

/// The version that a revision stands for: the highest one in a range, the highest release where it is empty.
///
/// # Errors
/// That there is none, and which there are.
pub fn choose<'a>(revision: &str, versions: &[&'a str]) -> Result<&'a str, String> {
    let versions: Vec<&str> = versions.iter().copied().filter(|version| is_version(version)).collect();
    if let Some(same) = versions.iter().find(|version| **version == revision) {
        return Ok(same);
    }
    let revision = if revision.is_empty() { ALL } else { revision };
    // Later ones of the same version count less, as whoever publishes puts the newest first.
    let read = || versions.iter().rev().filter_map(|version| Some((Version::read(version)?, *version)));
    let found = match (Range::read(revision), Version::read(revision)) {
        (Some(range), _) => {
            read().filter(|(version, _)| range.has(version)).max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, name)| name)
        }
        (None, Some(one)) => read().rfind(|(version, _)| *version == one).map(|(_, name)| name),
        (None, None) => return Err(format!("{revision:?} is neither a version nor a range of versions")),
    };
    found.ok_or_else(|| {
        let mut known: Vec<(Version, &str)> = read().collect();
        known.sort_by(|(a, _), (b, _)| b.cmp(a));
        known.dedup_by(|(_, a), (_, b)| a == b);
        let names: Vec<&str> = known.iter().map(|(_, name)| *name).take(SHOWN).collect();
        let there = match names.as_slice() {
            [] => "there is none at all".to_owned(),
            [one] if known.len() == 1 => format!("there is {one}"),
            names => format!("the highest are {}", names.join(", ")),
        };
        let what = if Range::read(revision).is_some() { "no version in the range" } else { "no version" };
        format!("there is {what} {revision:?}: {there}")
    })
}

#[cfg(test)]
mod tests {
    use super::choose;

    const VERSIONS: [&str; 9] =
        ["1.10.0", "1.9.0", "v1.2.3", "2.0.0-rc.1", "1.0.0+b", "1.0.0+a", "odd", "1.0.0+x/../../y", "x/../.."];

    #[test]
    fn a_revision_stands_for_a_version() {
        for (revision, expected) in [
            ("", "1.10.0"),
            ("*", "1.10.0"),
            ("1.*", "1.10.0"),
            ("^1, <1.10", "1.9.0"),
            ("1.9.0", "1.9.0"),
            ("1.9", "1.9.0"),
            ("1.2.3", "v1.2.3"),
            ("v1.9.0", "1.9.0"),
            (">=2.0.0-0", "2.0.0-rc.1"),
            ("2.0.0-rc.1", "2.0.0-rc.1"),
            ("1.0.0+a", "1.0.0+a"),
            ("1.0.0", "1.0.0+b"),
            ("1.0.0+x/../../y", "1.0.0+b"),
        ] {
            assert_eq!(choose(revision, &VERSIONS), Ok(expected), "{revision}");
        }
    }

    #[test]
    fn what_there_is_instead_is_told() {
        for (revision, expected) in [
            ("3.x", "no version in the range \"3.x\": the highest are 2.0.0-rc.1, 1.10.0, 1.9.0, v1.2.3, 1.0.0+"),
            ("3.0.0", "no version \"3.0.0\": the highest are 2.0.0-rc.1"),
            ("main", "\"main\" is neither a version nor a range"),
            ("odd", "\"odd\" is neither a version nor a range"),
            ("x/../..", "is neither a version"),
        ] {
            let why = choose(revision, &VERSIONS).expect_err("there is none");
            assert!(why.contains(expected), "{why}");
        }
        assert!(choose("1", &["2.0.0"]).expect_err("there is none").contains("there is 2.0.0"));
        assert!(choose("", &["2.0.0-rc.1"]).expect_err("a pre-release alone").contains("there is 2.0.0-rc.1"));
        assert!(choose("1", &[]).expect_err("there is none").contains("none at all"));
    }
}
