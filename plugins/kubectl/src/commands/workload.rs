//! Reading and patching the object that holds a rollout's pod template.

use kube::api::{Api, DynamicObject, Patch};
use kube::core::ApiResource;
use serde_json::Value;
use sluice_core::api::Rollout;

use crate::act::template::Home;
use crate::client::{Session, writing};
use crate::problem::Problem;

/// The object that holds the template.
pub struct Workload<'a> {
    session: &'a Session,
    rollout: &'a Rollout,
    /// Where the template is.
    pub home: Home,
}

impl<'a> Workload<'a> {
    /// The object that holds the template of `rollout`.
    pub fn of(rollout: &'a Rollout, session: &'a Session) -> Workload<'a> {
        Workload { session, rollout, home: Home::of(rollout) }
    }

    /// The template as it is now.
    pub async fn template(&self) -> Result<Value, Problem> {
        let missing = || Problem::new(format!("{} has no pod template", self.name()));
        match &self.home {
            Home::Rollout => self.rollout.spec.template.clone().ok_or_else(missing),
            Home::Workload { name, .. } => {
                let read = self.api().get(name).await;
                let object = read.map_err(|error| self.session.explain(&error, &format!("read {}", self.name())))?;
                let pointer = self.home.path();
                object.data.pointer(pointer).cloned().ok_or_else(missing)
            }
        }
    }

    /// Applies a JSON Patch.
    pub async fn patch(&self, patch: json_patch::Patch) -> Result<(), kube::Error> {
        let name = match &self.home {
            Home::Rollout => self.rollout.metadata.name.as_deref().unwrap_or_default(),
            Home::Workload { name, .. } => name,
        };
        self.api().patch(name, &writing(), &Patch::<()>::Json(patch)).await.map(|_| ())
    }

    /// What it is, for messages.
    pub fn name(&self) -> String {
        match &self.home {
            Home::Rollout => format!("rollout '{}'", self.rollout.metadata.name.as_deref().unwrap_or_default()),
            Home::Workload { kind, name } => format!("{} '{name}'", kind.kind),
        }
    }

    fn api(&self) -> Api<DynamicObject> {
        let resource = match &self.home {
            Home::Rollout => ApiResource::erase::<Rollout>(&()),
            Home::Workload { kind, .. } => ApiResource::from_gvk(kind),
        };
        Api::namespaced_with(self.session.client.clone(), &self.session.namespace, &resource)
    }
}
