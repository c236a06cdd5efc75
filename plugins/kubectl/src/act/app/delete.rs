//! Deletion: what becomes of an Application's objects is a finalizer, which is set or taken away before.

use serde_json::{Value, json};
use sluice_core::api::Application;

/// Objects go with their Application, in the foreground.
const FOREGROUND: &str = "resources-finalizer.argocd.argoproj.io";
/// The same, said in full.
const FOREGROUND_IN_FULL: &str = "resources-finalizer.argocd.argoproj.io/foreground";
/// Objects go with their Application, in the background.
const BACKGROUND: &str = "resources-finalizer.argocd.argoproj.io/background";

/// How objects that an object owns go with it.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Before it.
    Foreground,
    /// After it.
    Background,
}

/// What becomes of an Application's objects when it goes: they stay, or go in this way.
pub type Cascade = Option<Propagation>;

/// The finalizers that an Application should have before it is deleted, if others than it has. Those that are for something else
/// are kept.
pub fn finalizers(application: &Application, cascade: Cascade) -> Result<Option<Vec<String>>, String> {
    let before = application.metadata.finalizers.clone().unwrap_or_default();
    let wanted: &[&str] = match cascade {
        None => &[],
        Some(Propagation::Foreground) => &[FOREGROUND, FOREGROUND_IN_FULL],
        Some(Propagation::Background) => &[BACKGROUND],
    };
    let all = [FOREGROUND, FOREGROUND_IN_FULL, BACKGROUND];
    let is_cascade = |name: &&String| all.contains(&name.as_str());
    let said: Vec<&String> = before.iter().filter(is_cascade).collect();
    let is_right = match said.as_slice() {
        [] => wanted.is_empty(),
        [one] => wanted.contains(&one.as_str()),
        _ => false,
    };
    if is_right {
        return Ok(None);
    }
    let others = before.iter().filter(|name| !is_cascade(name)).map(String::as_str);
    let kept = said.into_iter().map(String::as_str).find(|name| wanted.contains(name));
    if let (None, Some(first), Some(_)) = (kept, wanted.first(), &application.metadata.deletion_timestamp) {
        return Err(format!(
            "it is being deleted already, without the finalizer {first}, which cannot be given to it any more"
        ));
    }
    Ok(Some(others.chain(kept.or(wanted.first().copied())).map(str::to_owned).collect()))
}

/// Writes finalizers, on the version of the Application that was read: a hook's may have come meanwhile.
pub fn patch(application: &Application, finalizers: &[String]) -> Value {
    let version = &application.metadata.resource_version;
    json!({"metadata": {"resourceVersion": version, "finalizers": finalizers}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::sample::application;

    const HOOKS: &str = "pre-delete-finalizer.argocd.argoproj.io";

    fn of(before: &[&str], cascade: Cascade, is_going: bool) -> Result<Option<Vec<String>>, String> {
        let going = is_going.then_some("2026-01-01T00:00:00Z");
        finalizers(&application(&json!({"metadata": {"finalizers": before, "deletionTimestamp": going}})), cascade)
    }

    #[test]
    fn objects_go_or_stay_as_one_says_and_other_finalizers_are_kept() {
        let (fore, back) = (Some(Propagation::Foreground), Some(Propagation::Background));
        for (before, cascade, expected) in [
            (&[][..], fore, Some(&[FOREGROUND][..])),
            (&[], back, Some(&[BACKGROUND])),
            (&[], None, None),
            (&[FOREGROUND], fore, None),
            (&[FOREGROUND_IN_FULL], fore, None),
            (&[FOREGROUND], back, Some(&[BACKGROUND])),
            (&[BACKGROUND, HOOKS], fore, Some(&[HOOKS, FOREGROUND])),
            (&[HOOKS], fore, Some(&[HOOKS, FOREGROUND])),
            (&[FOREGROUND, HOOKS], None, Some(&[HOOKS])),
            (&[FOREGROUND, BACKGROUND], None, Some(&[])),
            (&[FOREGROUND, BACKGROUND], back, Some(&[BACKGROUND])),
        ] {
            let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(of(before, cascade, false), Ok(expected), "{before:?} {cascade:?}");
        }
    }

    #[test]
    fn one_that_is_going_can_leave_its_objects_behind_but_not_take_them_along_any_more() {
        assert_eq!(of(&[FOREGROUND], None, true), Ok(Some(Vec::new())));
        assert_eq!(of(&[FOREGROUND], Some(Propagation::Foreground), true), Ok(None));
        let why = of(&[HOOKS], Some(Propagation::Foreground), true).expect_err("a problem");
        assert!(why.starts_with("it is being deleted already, without the finalizer"), "{why}");
        assert!(of(&[FOREGROUND], Some(Propagation::Background), true).is_err());
    }

    #[test]
    fn they_are_written_on_the_version_that_was_read() {
        let patch = patch(&application(&json!({})), &[HOOKS.to_owned()]);
        assert_eq!(patch, json!({"metadata": {"resourceVersion": "7", "finalizers": [HOOKS]}}));
    }
}
