//! Health that people write themselves, in CEL, for kinds that nobody else knows: in the ConfigMap `argocd-cm`, under the keys that
//! Argo CD has its scripts under, and in the shape that Flux has its expressions in.
//!
//! What cannot be used is kept as such: objects of its kinds are `Unknown`, and say why, unless it is a script of Argo CD for a kind
//! that is known anyway.

mod rule;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use self::rule::Rule;
use self::text::is_script;
use super::{UNKNOWN, Verdict};
use crate::gitops::glob;

/// The ConfigMap.
pub const CONFIG_MAP: &str = "argocd-cm";
/// The key of all rules together; each by itself has it before its kind.
const ALL: &str = "resource.customizations";
/// What comes before the kind that a key is about.
const ONE: &str = "resource.customizations.health.";
/// Within all rules, the fields that are about health.
const FIELDS: [&str; 2] = ["health.cel", "health.lua"];
/// The most rules that there may be.
const MOST: usize = 200;
/// The longest text that is read of all rules together.
const LONGEST: usize = 1 << 20;

/// Reads YAML, which this crate does not know.
pub type Yaml<'a> = &'a dyn Fn(&str) -> Result<Value, String>;

/// The rules, compiled.
#[derive(Debug, Default)]
pub struct Rules {
    /// By group and kind.
    exact: HashMap<(String, String), Entry>,
    /// By patterns of a group and a kind; the longest come first.
    patterns: Vec<(String, String, Entry)>,
}

/// What is written for a kind.
#[derive(Debug)]
enum Entry {
    Rule(Rule),
    /// A script of Argo CD, which nobody runs, and what to do about it.
    Script(String),
    /// Why it is no rule.
    Broken(String),
}

impl Entry {
    fn read(key: &str, text: Option<String>, yaml: Yaml<'_>) -> Entry {
        let Some(text) = text else { return Entry::Broken(useless(key, "it is no text")) };
        match Rule::read(&text, yaml) {
            Ok(rule) => Entry::Rule(rule),
            Err(why) if !is_script(&text) || is_map(&text, yaml) => Entry::Broken(useless(key, &why)),
            Err(why) => Entry::Script(useless(key, &why)),
        }
    }

    fn problem(&self) -> Option<&str> {
        match self {
            Entry::Rule(_) => None,
            Entry::Script(why) | Entry::Broken(why) => Some(why),
        }
    }
}

fn is_map(text: &str, yaml: Yaml<'_>) -> bool {
    yaml(text).is_ok_and(|value| value.is_object())
}

impl Rules {
    /// The rules that the data of the ConfigMap has.
    pub fn read(data: &BTreeMap<String, String>, yaml: Yaml<'_>) -> Rules {
        let mut written = BTreeMap::new();
        if let Some(text) = data.get(ALL)
            && let Err(why) = together(text, yaml, &mut written)
        {
            return Rules::broken(&useless(ALL, &why));
        }
        for (key, text) in data {
            if let Some(kind) = key.strip_prefix(ONE) {
                let (group, kind) = kind.rsplit_once('_').unwrap_or(("", kind));
                written.insert((group.to_owned(), kind.to_owned()), (key.clone(), Some(text.clone())));
            }
        }
        if written.len() > MOST {
            return Rules::broken(&useless(ALL, &format!("there are {} rules, more than {MOST}", written.len())));
        }
        let mut rules = Rules::default();
        for ((group, kind), (key, text)) in written {
            rules.add(group, kind, Entry::read(&key, text, yaml));
        }
        rules.patterns.sort_by_key(|(group, kind, _)| std::cmp::Reverse(group.len() + kind.len()));
        rules
    }

    /// Whether the ConfigMap has rules under a key.
    pub fn are_in(key: &str) -> bool {
        key == ALL || key.starts_with(ONE)
    }

    /// Of no kind it can be said what its rule is.
    fn broken(why: &str) -> Rules {
        let mut rules = Rules::default();
        rules.add("*".to_owned(), "*".to_owned(), Entry::Broken(why.to_owned()));
        rules
    }

    fn add(&mut self, group: String, kind: String, entry: Entry) {
        if is_pattern(&group) || is_pattern(&kind) {
            self.patterns.push((group, kind, entry));
        } else {
            self.exact.insert((group, kind), entry);
        }
    }

    /// What cannot be used, and why.
    pub fn problems(&self) -> Vec<&str> {
        let entries = self.exact.values().chain(self.patterns.iter().map(|(_, _, entry)| entry));
        let mut problems: Vec<&str> = entries.filter_map(Entry::problem).collect();
        problems.sort_unstable();
        problems
    }

    /// What the rule of its kind says of an object; nothing where there is none, or a script alone and the kind is known anyway.
    pub(super) fn verdict(&self, (group, kind): (&str, &str), is_known: bool, object: &Value) -> Option<Verdict> {
        if self.exact.is_empty() && self.patterns.is_empty() {
            return None;
        }
        let exact = self.exact.get(&(group.to_owned(), kind.to_owned()));
        let is_of =
            |(groups, kinds, _): &&(String, String, Entry)| glob::matches(groups, group) && glob::matches(kinds, kind);
        let entry = exact.or_else(|| self.patterns.iter().find(is_of).map(|(_, _, entry)| entry))?;
        match entry {
            Entry::Rule(rule) => Some(rule.verdict(object)),
            Entry::Script(_) if is_known => None,
            Entry::Script(why) | Entry::Broken(why) => Some((UNKNOWN, why.clone())),
        }
    }
}

/// By group and kind, the place of a rule and what it says there.
type Written = BTreeMap<(String, String), (String, Option<String>)>;

/// Adds what is written in one text for all kinds: `group/kind`, and of each the customizations.
fn together(text: &str, yaml: Yaml<'_>, written: &mut Written) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST >> 10));
    }
    let read = match yaml(text)? {
        Value::Null => return Ok(()),
        Value::Object(read) => read,
        _ => return Err("it is no map of kinds".to_owned()),
    };
    for (kind, customizations) in read {
        let found = FIELDS.iter().find_map(|field| Some((*field, customizations.get(*field)?)));
        if let Some((field, value)) = found {
            let (group, name) = kind.split_once('/').unwrap_or(("", &kind));
            let place = format!("{ALL} ({kind}: {field})");
            written.insert((group.to_owned(), name.to_owned()), (place, value.as_str().map(str::to_owned)));
        }
    }
    Ok(())
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn useless(key: &str, why: &str) -> String {
    format!(
        "the health rule {key} of ConfigMap {CONFIG_MAP} cannot be used: {why}; write it in CEL, see \
         docs/guide/gitops.md#health-of-other-kinds"
    )
}
