//! The differences between what the cluster has and what it would have, as text.

use serde_json::Value;
use similar::TextDiff;
use sluice::gitops::preview::Sight;
use sluice_core::gitops::key::Key;
use sluice_core::info::application::live;

use crate::output::yaml;
use crate::problem::Problem;
use crate::view::paint::Paint;
use sluice_core::info::badge::Tone;
use sluice_core::info::text::printable;

/// Lines around a change.
const AROUND: usize = 3;

/// The two sides of an object that differs, as YAML; one is empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// As it is.
    pub live: String,
    /// As it would be.
    pub target: String,
}

/// The line before the differences of an object.
pub fn header(key: &Key) -> String {
    let Key { group, kind, namespace, name } = key;
    printable(&format!("===== {group}/{kind} {namespace}/{name} ======"))
}

/// The sides of an object, without what Secrets hold.
pub fn sides(sight: &Sight) -> Result<Sides, Problem> {
    let (mut now, mut then) = (sight.now.clone(), sight.then.clone());
    if live::is_secret(&sight.key) {
        live::mask(now.as_mut(), then.as_mut());
    }
    let text = |side: Option<Value>| side.map_or(Ok(String::new()), |side| yaml(&side));
    Ok(Sides { live: text(now)?, target: text(then)? })
}

/// The lines that differ, with some around them.
pub fn unified(sides: &Sides, paint: Paint) -> String {
    let diff = TextDiff::from_lines(&sides.live, &sides.target);
    let text = diff.unified_diff().context_radius(AROUND).header("live", "target").to_string();
    text.lines().map(|line| paint.apply(tone(line), &printable(line)) + "\n").collect()
}

fn tone(line: &str) -> Option<Tone> {
    match line.as_bytes().first() {
        Some(b'+') => Some(Tone::Good),
        Some(b'-') => Some(Tone::Bad),
        Some(b'@') => Some(Tone::Busy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice::gitops::preview::Stand;
    use sluice_core::info::application::live::LAST_APPLIED;

    use super::*;

    fn sight(kind: &str, stand: Stand, now: Value, then: Value) -> Sight {
        let some = |value: Value| Some(value).filter(|value| !value.is_null());
        let key = Key { kind: kind.to_owned(), namespace: "shop".to_owned(), name: "it".to_owned(), ..Key::default() };
        Sight { key, now: some(now), then: some(then), stand }
    }

    fn shown(sight: &Sight) -> String {
        unified(&sides(sight).expect("YAML"), Paint::Plain)
    }

    #[test]
    fn lines_that_differ_stand_between_those_that_do_not() {
        let map = |color: &str| json!({"a": 1, "b": 2, "c": 3, "color": color, "d": 4, "kind": "ConfigMap"});
        let sight = sight("ConfigMap", Stand::Differs, map("blue"), map("gr\u{1b}een"));
        assert_eq!(header(&sight.key), "===== /ConfigMap shop/it ======");
        let expected = "--- live\n+++ target\n@@ -1,6 +1,6 @@\n a: 1\n b: 2\n c: 3\n-color: blue\n+color: \"gr\\eeen\"\n d: 4\n kind: ConfigMap\n";
        assert_eq!(shown(&sight), expected);
        let coloured = unified(&sides(&sight).expect("YAML"), Paint::Colour);
        assert!(coloured.contains("\x1b[31m-color: blue\x1b[0m\n"), "{coloured:?}");
    }

    #[test]
    fn what_comes_and_what_goes_is_whole() {
        let map = json!({"kind": "ConfigMap"});
        let comes = shown(&sight("ConfigMap", Stand::New, Value::Null, map.clone()));
        assert_eq!(comes, "--- live\n+++ target\n@@ -0,0 +1 @@\n+kind: ConfigMap\n");
        let goes = shown(&sight("ConfigMap", Stand::Goes, map, Value::Null));
        assert_eq!(goes, "--- live\n+++ target\n@@ -1 +0,0 @@\n-kind: ConfigMap\n");
    }

    #[test]
    fn of_a_secret_one_sees_which_values_differ_and_not_what_they_are() {
        let secret = |password: &str, more: &str| {
            let data = json!({"password": password, "user": "amFuZQ==", more: "eA=="});
            let annotations = json!({LAST_APPLIED: format!("{{\"data\":\"{password}\"}}"), "team": "a"});
            json!({"data": data, "metadata": {"annotations": annotations}})
        };
        let shown = shown(&sight("Secret", Stand::Differs, secret("b25l", "old"), secret("dHdv", "new")));
        for expected in
            ["-  old: ++++++++\n", "+  new: ++++++++\n", "-  password: ++++++++\n", "+  password: ++++++++++++\n"]
        {
            assert!(shown.contains(expected), "{expected:?} is not in\n{shown}");
        }
        assert!(shown.contains("   user: ++++++++\n") || !shown.contains("user"), "{shown}");
        for secret in ["b25l", "dHdv", "amFuZQ"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
