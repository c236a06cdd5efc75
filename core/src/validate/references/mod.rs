//! What a Rollout refers to: whether it is there, and whether it can serve the purpose.
//!
//! The objects come from a lookup that may know the whole cluster or only a folder of manifests. What is known to be missing is an
//! error in the API server's words; what is out of sight and may be there is a warning.

mod analysis;
mod ingress;
mod istio;
mod objects;
mod other;
mod services;

use std::borrow::Cow;

use serde_json::Value;

use super::problem::{Problem, Problems};
use crate::api::Rollout;
use crate::workload::WorkloadKind;

pub use objects::Objects;

/// What a lookup says of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup<'a> {
    /// This is it, or the parts of it that are known.
    Found(Cow<'a, Value>),
    /// There is none.
    Missing,
    /// It is not where the lookup looks, in these words, and may well be elsewhere or come later.
    Absent(&'static str),
    /// Nothing is known of such objects.
    Unknown,
}

/// An object by what identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Its group; empty for the core group.
    pub group: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace; `None` where the manifest that refers to it has none, or where the kind has no namespaces.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

impl Reference<'_> {
    /// How the API server says that it is not there.
    fn not_found(&self) -> String {
        let Reference { group, kind, name, .. } = self;
        if let Some(workload) = WorkloadKind::named(kind).filter(|workload| workload.object_kind().group == *group) {
            return workload.not_found(name);
        }
        match *kind {
            // Argo Rollouts' own words.
            "AnalysisTemplate" | "ClusterAnalysisTemplate" => format!("{kind} '{name}' not found"),
            _ if group.is_empty() => format!("{} {name:?} not found", kind.to_lowercase()),
            _ => format!("{}.{group} {name:?} not found", kind.to_lowercase()),
        }
    }
}

/// The objects around a Rollout.
pub trait Surroundings {
    /// Looks for an object.
    fn find(&self, wanted: &Reference<'_>) -> Lookup<'_>;
}

/// A lookup that knows of no object.
#[derive(Clone, Copy, Debug)]
pub struct OutOfSight;

impl Surroundings for OutOfSight {
    fn find(&self, _: &Reference<'_>) -> Lookup<'_> {
        Lookup::Unknown
    }
}

/// Everything that is wrong or doubtful about what a Rollout refers to.
pub fn problems(rollout: &Rollout, around: &dyn Surroundings) -> Vec<Problem> {
    let mut found = Problems::default();
    check(rollout, around, &mut found);
    found.into_vec()
}

pub(super) fn check(rollout: &Rollout, around: &dyn Surroundings, found: &mut Problems) {
    let mut search = Search { rollout, around, found };
    let template = other::pod_template(&mut search);
    services::check(&mut search, template.as_ref());
    ingress::check(&mut search);
    istio::check(&mut search);
    other::check(&mut search);
    analysis::check(&mut search);
}

/// A Rollout whose references are looked up.
struct Search<'a> {
    rollout: &'a Rollout,
    around: &'a dyn Surroundings,
    found: &'a mut Problems,
}

impl<'a> Search<'a> {
    /// Looks for an object of the Rollout's namespace, and reports what is missing under the field that names it.
    fn find(&mut self, field: &str, group: &str, kind: &str, name: &str) -> Option<Cow<'a, Value>> {
        let namespace = self.rollout.metadata.namespace.as_deref();
        self.find_in(field, Reference { group, kind, namespace, name })
    }

    /// The same of an object that may be of one kind or another, as its API has moved from one group to the next.
    fn find_one_of(&mut self, field: &str, kinds: &[(&str, &str)], name: &str) -> Option<Cow<'a, Value>> {
        let namespace = self.rollout.metadata.namespace.as_deref();
        let wanted = kinds.iter().map(|(group, kind)| Reference { group, kind, namespace, name });
        let there = wanted.clone().find_map(|wanted| match self.around.find(&wanted) {
            Lookup::Found(object) => Some(object),
            Lookup::Missing | Lookup::Absent(_) | Lookup::Unknown => None,
        });
        there.or_else(|| self.find_in(field, wanted.into_iter().next()?))
    }

    fn find_in(&mut self, field: &str, wanted: Reference<'_>) -> Option<Cow<'a, Value>> {
        match self.around.find(&wanted) {
            Lookup::Found(object) => return Some(object),
            Lookup::Missing => self.found.invalid(field, &wanted.name, &wanted.not_found()),
            Lookup::Absent(how) => self.found.warn(field, format!("{} {:?} {how}", wanted.kind, wanted.name)),
            Lookup::Unknown => {}
        }
        None
    }
}

#[cfg(test)]
mod tests;
