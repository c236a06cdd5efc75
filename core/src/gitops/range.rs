//! Ranges of versions, such as `1.2.*` or `>=1.2, <2`, as revisions and charts name them. What they mean is what Helm and Argo CD
//! take them for.

use std::cmp::Ordering;

/// The longest range or version that is looked at.
const LONGEST: usize = 256;

/// A version: `v1.2.3-rc.1`; what is missing is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// What comes before the release; empty for the release itself.
    before: String,
}

impl Version {
    /// Reads a version; nothing where it is none.
    pub fn read(text: &str) -> Option<Version> {
        let (parts, before) = parts(text)?;
        let numbers = parts.map(|part| part.unwrap_or(0));
        (text.len() <= LONGEST && parts[0].is_some()).then_some(Version { numbers, before })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let before = match (self.before.as_str(), other.before.as_str()) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => identifiers(a, b),
        };
        self.numbers.cmp(&other.numbers).then(before)
    }
}

/// Which of two pre-releases comes first: numbers by their value, before words, and fewer before more.
fn identifiers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (one, other) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => (one, other),
        };
        let order = match (one.parse::<u64>(), other.parse::<u64>()) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => one.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range(Vec<Vec<Rule>>);

/// From the first version on, and before the second one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    from: Option<Version>,
    until: Option<Version>,
    /// Whether it is everything else that is meant.
    is_not: bool,
    /// Whether what comes before a release is meant, too.
    has_before: bool,
}

impl Range {
    /// Reads a range; nothing where it is none. The name of a single version is none.
    pub fn read(text: &str) -> Option<Range> {
        let is_pattern = |c: char| "*^~<>=!|, xX".contains(c);
        if text.len() > LONGEST || !text.contains(is_pattern) {
            return None;
        }
        let either: Option<Vec<Vec<Rule>>> = text.split("||").map(all_of).collect();
        either.map(Range)
    }

    /// Whether a version is in it. A pre-release is only in a range that names one.
    pub fn has(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let names_before = all.iter().any(|rule| rule.has_before);
            (version.before.is_empty() || names_before) && all.iter().all(|rule| rule.has(version))
        })
    }
}

impl Rule {
    fn has(&self, version: &Version) -> bool {
        let is_in = self.from.as_ref().is_none_or(|from| version >= from)
            && self.until.as_ref().is_none_or(|until| version < until);
        is_in != self.is_not
    }
}

/// Rules that hold together: `>=1.2, <2`, `>=1.2 <2`, `1.2 - 1.4`.
fn all_of(text: &str) -> Option<Vec<Rule>> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        return Some(vec![rule(">=", low.trim())?, rule("<=", high.trim())?]);
    }
    let is_sign = |c: char| "^~<>=!".contains(c);
    let (mut rules, mut sign) = (Vec::new(), "");
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        let at = word.find(|c| !is_sign(c)).unwrap_or(word.len());
        let (signs, version) = word.split_at(at);
        match (signs, version) {
            // The sign stands alone: `>= 1.2`.
            (signs, "") if sign.is_empty() => sign = signs,
            (_, "") => return None,
            ("", version) => rules.push(rule(std::mem::take(&mut sign), version)?),
            (signs, version) if sign.is_empty() => rules.push(rule(signs, version)?),
            _ => return None,
        }
    }
    (sign.is_empty() && !rules.is_empty()).then_some(rules)
}

fn rule(sign: &str, text: &str) -> Option<Rule> {
    let (parts, before) = parts(text)?;
    let has_before = !before.is_empty();
    let given = parts.iter().take_while(|part| part.is_some()).count();
    let numbers = parts.map(|part| part.unwrap_or(0));
    let first = Version { numbers, before };
    // The first version after all that begin with so many numbers of this one.
    let after = |count: usize| -> Option<Version> {
        let at = count.checked_sub(1)?;
        let mut next = numbers;
        next[at] = next[at].checked_add(1)?;
        next[at + 1..].fill(0);
        Some(Version { numbers: next, before: "0".to_owned() })
    };
    // A single version is what lies between it and the next one that there can be.
    let beyond = || match given {
        3 if has_before => Some(Version { before: format!("{}.0", first.before), ..first.clone() }),
        3 => Some(Version { numbers: [numbers[0], numbers[1], numbers[2].checked_add(1)?], before: "0".to_owned() }),
        given => after(given),
    };
    let rule = |from: Option<Version>, until: Option<Version>| Rule { from, until, is_not: false, has_before };
    let low = Some(first.clone()).filter(|_| given > 0);
    Some(match sign {
        "" | "=" | "==" => rule(low, beyond()),
        "!=" => Rule { is_not: true, ..rule(low, beyond()) },
        ">" => rule(Some(beyond()?), None),
        ">=" | "=>" => rule(low, None),
        "<" => rule(None, Some(first)),
        "<=" | "=<" => rule(None, beyond()),
        "~" | "~>" => rule(low, after(given.min(2))),
        // What must not change is the first number that is not zero.
        "^" => {
            let kept = numbers.iter().take(given).position(|number| *number > 0).map_or(given, |at| at + 1);
            rule(low, after(kept))
        }
        _ => return None,
    })
}

/// The numbers of a version, as far as they are given and no `*` or `x`, and its pre-release.
fn parts(text: &str) -> Option<([Option<u64>; 3], String)> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let (numbers, before) = text.split_once('-').unwrap_or((text, ""));
    let mut parts = [None; 3];
    let mut is_open = false;
    for (index, part) in numbers.split('.').enumerate() {
        let place = parts.get_mut(index)?;
        match part {
            "*" | "x" | "X" => is_open = true,
            number if is_open || !number.bytes().all(|c| c.is_ascii_digit()) => return None,
            number => *place = Some(number.parse().ok()?),
        }
    }
    let is_named = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_good = before.is_empty() && !text.ends_with('-') || before.split('.').all(is_named);
    is_good.then(|| (parts, before.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_version_is_in_a_range_or_not() {
        let cases = [
            ("*", "1.2.3", true),
            ("*", "1.2.3-rc.1", false),
            ("1.x", "1.9.0", true),
            ("1.2.*", "1.3.0", false),
            ("v1.2.x", "v1.2.9", true),
            ("^1.2.3", "1.9.9", true),
            ("^1.2.3", "2.0.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            ("^0", "0.9.0", true),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.0", true),
            ("~1", "2.0.0", false),
            (">=1.2, <2", "1.9.9", true),
            (">=1.2 <2", "2.0.0", false),
            (">= 1.2", "3.0.0", true),
            (">1.2", "1.2.9", false),
            (">1.2", "1.3.0", true),
            ("<=1.2", "1.2.9", true),
            ("<1.2", "1.1.9", true),
            ("<1.2", "1.2.0", false),
            ("=1.2.3", "1.2.3", true),
            ("=1.2.3", "1.2.4", false),
            ("!=1.2.3", "1.2.4", true),
            ("!=1.2.3", "1.2.3", false),
            ("!=1.2", "1.2.3", false),
            ("1.2 - 1.4", "1.4.9", true),
            ("1.2 - 1.4.5", "1.4.6", false),
            ("<1 || >=2", "2.1.0", true),
            ("<1 || >=2", "1.1.0", false),
            (">=1.0.0-0", "1.2.3-rc.1", true),
            ("^1.2.0-beta", "1.2.0-alpha", false),
            ("^1.2.0-beta.2", "1.2.0-beta.11", true),
            ("=1.2.3-rc.1", "1.2.3-rc.1", true),
            ("=1.2.3-rc.1", "1.2.3", false),
            ("^1.2.3", "2.0.0-rc.1", false),
        ];
        for (range, version, expected) in cases {
            let read = Range::read(range).unwrap_or_else(|| panic!("{range} is a range"));
            assert_eq!(read.has(&Version::read(version).expect("a version")), expected, "{version} in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_a_name() {
        for name in
            ["main", "1.2.3", "v1", "", "feature/x", "x/y", ">=", ">>1", "1.*.2 ||", "^a", "=1.2.3.4", "fix, it"]
        {
            assert_eq!(Range::read(name), None, "{name}");
        }
        for name in ["main", "", "1.2.3.4", "1.a", "1.2.3-", "1.2.3-a..b", "99999999999999999999"] {
            assert_eq!(Version::read(name), None, "{name}");
        }
    }

    #[test]
    fn versions_have_an_order() {
        let order = [
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-rc.2",
            "1.0.0-rc.11",
            "1",
            "1.0.1",
            "1.10",
        ];
        let order: Vec<Version> = order.iter().map(|text| Version::read(text).expect("a version")).collect();
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".{0,40}", version in "[0-9v.x*+a-]{0,20}") {
            let _ = (Range::read(&text), Range::read(&version).map(|range| range.has(&Version { numbers: [1, 2, 3], before: String::new() })), Version::read(&version));
        }
    }
}
