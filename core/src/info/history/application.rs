//! Which Application brings a rollout.
//!
//! A rollout says whose it is, and a copy of it says the same: the Application has the last word, by what it lists as its own.

use kube_core::Resource as _;

use crate::api::{Application, Rollout};
use crate::gitops::tracking::{TRACKING_ID, of_object};

/// Label: the Application, where an installation tracks by label.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// An Application as a rollout names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its namespace; `None` is the controller's own, which nothing here knows.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether nothing but an Application says so. The label is one that charts have without any.
    pub is_certain: bool,
}

/// The Application that a rollout says it is of.
pub fn named(rollout: &Rollout) -> Option<Named> {
    let metadata = &rollout.metadata;
    if let Some(id) = metadata.annotations.as_ref().and_then(|map| map.get(TRACKING_ID)) {
        let (namespace, name) = (metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        let (namespace, name) = of_object(id, &format!("argoproj.io/Rollout:{namespace}/{name}"), "")?;
        return Some(Named {
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            name,
            is_certain: true,
        });
    }
    let label = metadata.labels.as_ref()?.get(INSTANCE)?;
    Some(Named { namespace: None, name: label.clone(), is_certain: false })
}

/// The one of these Applications that lists a rollout among its objects; none where several do.
pub fn of<'a>(rollout: &Rollout, applications: &'a [Application]) -> Option<&'a Application> {
    let lists = |application: &&Application| {
        application.status.iter().flat_map(|status| &status.resources).any(|resource| {
            resource.group == Rollout::group(&())
                && resource.kind == Rollout::kind(&())
                && Some(resource.namespace.as_str()) == rollout.metadata.namespace.as_deref()
                && Some(resource.name.as_str()) == rollout.metadata.name.as_deref()
        })
    };
    let mut found = applications.iter().filter(lists);
    found.next().filter(|_| found.next().is_none())
}
