//! Whose an object is: the annotation `argocd.argoproj.io/tracking-id` names the Application, and the object itself, so that a copy
//! that somebody makes of it is nobody's.

use serde_json::{Value, json};

use super::key::Key;

/// The annotation.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// An Application as its objects name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// The owner's name: that of the Application, behind its namespace where that is not the controller's own.
    pub fn new(home: &str, namespace: &str, name: &str) -> Owner {
        Owner(if namespace == home || namespace.is_empty() { name.to_owned() } else { format!("{namespace}_{name}") })
    }

    /// The annotation's value on one of its objects.
    pub fn id(&self, key: &Key) -> String {
        format!("{}:{}/{}:{}/{}", self.0, key.group, key.kind, key.namespace, key.name)
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
        id_of(object).is_some_and(|id| id == self.id(&Key::of(object)))
    }

    /// The name of the other Application that an object belongs to.
    pub fn other<'a>(&self, object: &'a Value) -> Option<&'a str> {
        let (owner, about) = id_of(object)?.split_once(':')?;
        let key = Key::of(object);
        let is_itself = about == format!("{}/{}:{}/{}", key.group, key.kind, key.namespace, key.name);
        (is_itself && owner != self.0).then_some(owner)
    }
}

fn id_of(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][TRACKING_ID].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" } })
    }

    #[test]
    fn an_object_names_its_application_and_itself() {
        let owner = Owner::new("argocd", "argocd", "shop");
        let mut object = web();
        assert!(!owner.owns(&object));
        owner.mark(&mut object);
        assert_eq!(object["metadata"]["annotations"][TRACKING_ID], "shop:apps/Deployment:shop/web");
        assert!(owner.owns(&object));
        assert_eq!(owner.other(&object), None);
        assert_eq!(Owner::new("argocd", "argocd", "store").other(&object), Some("shop"));
    }

    #[test]
    fn a_copy_is_nobodys() {
        let owner = Owner::new("argocd", "argocd", "shop");
        let mut object = web();
        owner.mark(&mut object);
        object["metadata"]["name"] = "copy".into();
        assert!(!owner.owns(&object));
        assert_eq!(Owner::new("argocd", "argocd", "store").other(&object), None);
    }

    #[test]
    fn an_application_elsewhere_is_named_with_its_namespace() {
        assert_eq!(Owner::new("argocd", "team", "shop").id(&Key::of(&web())), "team_shop:apps/Deployment:shop/web");
    }
}
