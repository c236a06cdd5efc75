//! A Rollout as the watch delivers it: whatever is stored decodes, so that one odd object never stops the others.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sluice_core::api::{Rollout, decode};

/// A decoded Rollout, with what did not decode.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The Rollout.
    pub rollout: Rollout,
    /// Parts of the manifest that are absent from it because they did not decode, in words.
    pub problems: Vec<String>,
}

impl<'de> Deserialize<'de> for Observed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Observed, D::Error> {
        let stored = Value::deserialize(deserializer)?;
        let (mut rollout, problems) = decode::rollout(stored);
        // Nobody plans on field ownership, and it is the larger half of many objects.
        rollout.metadata.managed_fields = None;
        // A status that does not decode is written anew; a manifest that does not is the user's to mend.
        let of_manifest = problems.iter().filter(|problem| !problem.field.starts_with("status"));
        let problems = of_manifest.map(ToString::to_string).collect();
        Ok(Observed { rollout, problems })
    }
}

impl Resource for Observed {
    type DynamicType = ();
    type Scope = <Rollout as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        Rollout::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Rollout::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Rollout::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Rollout::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.rollout.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.rollout.metadata
    }
}
