//! The objects that a data plane reads: which of them a router asks for, what is known of them, and what is done to them.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;
use sluice_plugin::Subject;

use super::plugin::Tell;
use crate::object_kind::ObjectKind;
use crate::sight::Sight;

/// Objects that a router asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Their kind.
    pub kind: ObjectKind,
    /// Their namespace.
    pub namespace: String,
    /// Which of them.
    pub pick: Pick,
}

/// Which objects of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// The one of this name.
    Named(String),
    /// Those with these labels.
    Labelled(LabelSelector),
    /// Those on which something is remembered under this key; see [`remembered_keys`](super::remembered_keys).
    Remembered(String),
    /// What is known of the data plane of a plugin: see [`super::ROUTER_PLUGIN`].
    Plugin(Box<Plane>),
}

/// A data plane behind a plugin. With another configuration it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plane {
    /// The plugin's name.
    pub plugin: String,
    /// The rollout.
    pub rollout: Subject,
    /// What the manifest says below the plugin's name, as JSON.
    pub config: String,
}

/// An object that a router asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name; a selector on one line where nothing has its labels.
    pub name: String,
    /// The object, in the version in which it was read.
    pub object: Sight<Value>,
}

impl Seen {
    /// As `waitingOn` names it.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind.kind, self.name)
    }

    /// Whether it is the same object, whatever is known of it.
    pub fn is_same(&self, other: &Seen) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name == other.name
    }

    /// The object, or what keeps it from being there.
    pub fn found(&self) -> Result<&Value, Trouble> {
        let (resource, name) = (self.kind.resource(), &self.name);
        match &self.object {
            Sight::Found(object) => Ok(object),
            Sight::Missing => {
                Err(self.trouble(format!("{resource} {name:?} not found in namespace {:?}", self.namespace)))
            }
            Sight::Absent(why) | Sight::Unreadable(why) => Err(self.trouble(format!("cannot watch {resource}: {why}"))),
        }
    }

    /// The object, where there is one; trouble where nobody can say.
    pub fn found_or_none(&self) -> Result<Option<&Value>, Trouble> {
        if self.object == Sight::Missing { Ok(None) } else { self.found().map(Some) }
    }

    /// Something that is wrong with it.
    pub fn trouble(&self, message: impl Into<String>) -> Trouble {
        Trouble { object: self.reference(), message: message.into() }
    }

    /// A write that makes the object read like this; `None` where it does already.
    pub fn turned_into(&self, before: &Value, after: &Value) -> Option<RouteWrite> {
        let operations = super::diff::operations(before, after);
        (!operations.is_empty()).then(|| self.write(before, RouteAction::Patch(operations)))
    }

    /// A write that brings the object into being.
    pub fn created(&self, object: Value) -> RouteWrite {
        self.write(&object.clone(), RouteAction::Create(object))
    }

    /// A write that deletes the object.
    pub fn deleted(&self, object: &Value) -> RouteWrite {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        self.write(object, RouteAction::Delete(uid.to_owned()))
    }

    fn write(&self, object: &Value, action: RouteAction) -> RouteWrite {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        RouteWrite {
            kind: self.kind,
            version: version.rsplit('/').next().unwrap_or_default().to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            action,
        }
    }
}

/// Why a router cannot do what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The object that it is about, as `Kind/name`.
    pub object: String,
    /// What is wrong with it, and what to do about that.
    pub message: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.message)
    }
}

/// One write to an object that a data plane reads.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteWrite {
    /// Its kind.
    pub kind: ObjectKind,
    /// The version in which the write speaks of it, such as `v1`.
    pub version: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is done.
    pub action: RouteAction,
}

/// What is done to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum RouteAction {
    /// It comes into being, complete.
    Create(Value),
    /// The operations of a JSON Patch, each after a `test` of what it replaces.
    Patch(Vec<Value>),
    /// It goes, as long as it is still the object with this `metadata.uid`.
    Delete(String),
    /// A plugin is called.
    Tell(Box<Tell>),
}
