//! Reading and patching the pod template of a rollout, in whichever object it is.

use kube::api::{Api, DynamicObject, Patch};
use kube::core::ApiResource;
use serde_json::Value;
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;

use super::{Refusal, Rollouts};

/// The object that holds the template.
pub(super) struct Template<'a> {
    rollouts: &'a Rollouts,
    rollout: &'a Rollout,
    /// Where the template is.
    pub home: Home,
}

impl<'a> Template<'a> {
    /// The object that holds the template of `rollout`.
    pub fn of(rollout: &'a Rollout, rollouts: &'a Rollouts) -> Template<'a> {
        Template { rollouts, rollout, home: Home::of(rollout) }
    }

    /// The template as it is now, and the generation of the object that it is in, where that is another one than the rollout.
    pub async fn read(&self) -> Result<(Value, Option<i64>), Refusal> {
        let attempted = || format!("read the pod template of {}", self.name());
        let missing = || Refusal::unfit(&attempted())("it has none".to_owned());
        match &self.home {
            Home::Rollout => self.rollout.spec.template.clone().map(|template| (template, None)).ok_or_else(missing),
            Home::Workload { name, .. } => {
                let object = self.api().get(name).await.map_err(Refusal::to(format!("read {}", self.name())))?;
                let template = object.data.pointer(self.home.path()).cloned().ok_or_else(missing)?;
                Ok((template, object.metadata.generation))
            }
        }
    }

    /// Applies a JSON Patch.
    pub async fn patch(&self, patch: json_patch::Patch) -> Result<(), kube::Error> {
        let name = match &self.home {
            Home::Rollout => self.rollout.metadata.name.as_deref().unwrap_or_default(),
            Home::Workload { name, .. } => name,
        };
        self.api().patch(name, &self.rollouts.writing(), &Patch::<()>::Json(patch)).await.map(|_| ())
    }

    /// What it is, for messages.
    fn name(&self) -> String {
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
        Api::namespaced_with(self.rollouts.client.clone(), &self.rollouts.namespace, &resource)
    }
}
