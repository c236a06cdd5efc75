//! Applications as they are watched: as far as they can be read.

use std::borrow::Cow;

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::NamespaceResourceScope;
use serde::{Deserialize, Deserializer};
use sluice_core::api::Application;
use sluice_core::info::application::stored::Stored;

/// An Application as far as it can be read: one that makes no sense does not hide the others.
#[derive(Clone, Debug)]
pub struct Known {
    /// Name, namespace and what else every object has.
    pub metadata: ObjectMeta,
    /// What it says, or why it cannot be read.
    pub said: Result<Application, String>,
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Known, D::Error> {
        let stored = Stored::deserialize(from)?;
        let said = stored.read();
        Ok(Known { metadata: stored.metadata, said })
    }
}

impl Resource for Known {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Application::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Application::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Application::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Application::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Without what no page shows.
pub fn trim(known: &mut Known) {
    known.metadata.managed_fields = None;
    if let Ok(application) = &mut known.said {
        application.metadata.managed_fields = None;
    }
}
