//! Whose an object is: the annotation `argocd.argoproj.io/tracking-id` names the Application, and the object itself, so that a copy
//! that somebody makes of it is nobody's.

use serde_json::{Value, json};

use super::key::Key;
use super::lineage::Lineage;
use crate::api::Application;

/// The annotation.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// An Application as its objects name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    name: String,
    /// Objects that are in no namespace are marked with the destination's.
    destination: String,
    /// The Applications that it is of itself.
    lineage: Lineage,
}

impl Owner {
    /// The owner's name: that of the Application, behind its namespace where that is not the controller's own.
    pub fn new(home: &str, namespace: &str, name: &str, destination: &str) -> Owner {
        let is_home = namespace == home || namespace.is_empty();
        let name = if is_home { name.to_owned() } else { format!("{namespace}_{name}") };
        Owner { name, destination: destination.to_owned(), lineage: Lineage::default() }
    }

    /// The same, which is of these Applications itself.
    #[must_use]
    pub fn of(self, lineage: Lineage) -> Owner {
        Owner { lineage, ..self }
    }

    /// The Applications that it is of itself.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// What the annotation of all of its objects begins with.
    pub fn prefix(&self) -> String {
        format!("{}:", self.name)
    }

    /// The annotation's value on one of its objects.
    pub fn id(&self, key: &Key) -> String {
        let namespace = if key.namespace.is_empty() { &self.destination } else { &key.namespace };
        format!("{}:{}/{}:{namespace}/{}", self.name, key.group, key.kind, key.name)
    }

    /// Marks an object as its own.
    pub fn mark(&self, object: &mut Value) {
        let id = self.id(&Key::of(object));
        let metadata = &mut object["metadata"];
        if !metadata["annotations"].is_object() {
            metadata["annotations"] = json!({});
        }
        metadata["annotations"][TRACKING_ID] = id.into();
    }

    /// Whether an object says that it is this one's, and means itself.
    pub fn owns(&self, object: &Value) -> bool {
        named(object).is_some_and(|(owner, is_itself)| is_itself && owner == self.name)
    }

    /// The name of the other Application that an object belongs to.
    pub fn other<'a>(&self, object: &'a Value) -> Option<&'a str> {
        named(object).filter(|(owner, is_itself)| *is_itself && *owner != self.name).map(|(owner, _)| owner)
    }
}

/// Namespace and name of the Application that an annotation names, whatever object it is on.
pub fn application_of(id: &str, home: &str) -> Option<(String, String)> {
    let (owner, _) = id.split_once(':').filter(|(owner, _)| !owner.is_empty())?;
    // Neither has an underscore in it.
    let (namespace, name) = owner.split_once('_').unwrap_or((home, owner));
    Some((namespace.to_owned(), name.to_owned()))
}

/// Namespace and name of the Application that another one says it is of, if it means itself.
pub fn parent(application: &Application, home: &str) -> Option<(String, String)> {
    let id = application.annotation(TRACKING_ID)?;
    let (namespace, name) = (application.metadata.namespace.as_deref()?, application.metadata.name.as_deref()?);
    of_object(id, &format!("argoproj.io/Application:{namespace}/{name}"), home)
}

/// Namespace and name of the Application that an annotation names, if it is about this object: `GROUP/KIND:NAMESPACE/NAME`.
pub fn of_object(id: &str, object: &str, home: &str) -> Option<(String, String)> {
    let (_, about) = id.split_once(':')?;
    (about == object).then(|| application_of(id, home)).flatten()
}

/// The owner that an object names, and whether it means itself. What an object in no namespace says of one is of no account.
fn named(object: &Value) -> Option<(&str, bool)> {
    let id = object["metadata"]["annotations"][TRACKING_ID].as_str()?;
    let (owner, about) = id.split_once(':')?;
    let (kind, place) = about.split_once(':')?;
    let (namespace, name) = place.split_once('/')?;
    let key = Key::of(object);
    let is_here = key.namespace.is_empty() || namespace == key.namespace;
    Some((owner, is_here && name == key.name && kind == format!("{}/{}", key.group, key.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" } })
    }

    #[test]
    fn an_object_names_its_application_and_itself() {
        let owner = Owner::new("argocd", "argocd", "shop", "shop");
        let mut object = web();
        assert!(!owner.owns(&object));
        owner.mark(&mut object);
        assert_eq!(object["metadata"]["annotations"][TRACKING_ID], "shop:apps/Deployment:shop/web");
        assert!(owner.owns(&object));
        assert_eq!(owner.other(&object), None);
        assert_eq!(Owner::new("argocd", "argocd", "store", "shop").other(&object), Some("shop"));
    }

    #[test]
    fn a_copy_is_nobodys() {
        let owner = Owner::new("argocd", "argocd", "shop", "shop");
        let mut object = web();
        owner.mark(&mut object);
        object["metadata"]["name"] = "copy".into();
        assert!(!owner.owns(&object));
        assert_eq!(Owner::new("argocd", "argocd", "store", "shop").other(&object), None);
    }

    #[test]
    fn an_application_elsewhere_is_named_with_its_namespace() {
        let id = Owner::new("argocd", "team", "shop", "shop").id(&Key::of(&web()));
        assert_eq!(id, "team_shop:apps/Deployment:shop/web");
        let pair = |namespace: &str| Some((namespace.to_owned(), "shop".to_owned()));
        assert_eq!(application_of(&id, "argocd"), pair("team"));
        assert_eq!(application_of("shop:apps/Deployment:shop/web", "argocd"), pair("argocd"));
        assert_eq!((application_of("nonsense", "argocd"), application_of(":x", "argocd")), (None, None));
    }

    #[test]
    fn an_object_in_no_namespace_is_marked_with_the_destinations() {
        let owner = Owner::new("argocd", "argocd", "shop", "store");
        let mut role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "web" } });
        owner.mark(&mut role);
        let id = "shop:rbac.authorization.k8s.io/ClusterRole:store/web";
        assert_eq!(role["metadata"]["annotations"][TRACKING_ID], id);
        assert!(owner.owns(&role));
        assert!(
            Owner::new("argocd", "argocd", "shop", "elsewhere").owns(&role),
            "the destination may have changed since"
        );
    }
}
