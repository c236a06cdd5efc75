//! What somebody meant who wrote a field that does not exist.

use super::places::Places;

/// What to say to somebody who wrote `key` under `parent`, if there is an idea.
pub(super) fn hint<'a>(
    parent: &str,
    key: &str,
    siblings: impl Iterator<Item = &'a str>,
    places: &Places,
) -> Option<String> {
    if let Some(name) = near(key, siblings) {
        return Some(format!("did you mean `{name}`?"));
    }
    let place = places.best(key, parent)?;
    Some(format!("that field belongs under {place}"))
}

/// The name that `key` is a slip of: but for upper and lower case the same, or at most a third of it typed wrongly.
pub(super) fn near<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Nobody mistypes a name into something as long as this, and comparing takes time.
    const LONGEST: usize = 100;
    if key.len() > LONGEST {
        return None;
    }
    let lower = key.to_lowercase();
    let distances = names.map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name));
    let (distance, name) = distances.min()?;
    let allowed = (name.chars().count().min(key.chars().count()) / 3).min(3);
    (distance <= allowed).then_some(name)
}
