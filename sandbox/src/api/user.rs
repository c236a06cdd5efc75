//! Who asks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The group whose members may do everything.
const MASTERS: &str = "system:masters";
/// The group of everybody who has said who they are.
const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody else.
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
const ACCOUNT: &str = "system:serviceaccount:";

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// What tells two of the same name apart; may be empty.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Who may do everything. Requests within the process are theirs.
    pub fn admin() -> User {
        let groups = vec![MASTERS.to_owned(), AUTHENTICATED.to_owned()];
        User { name: "admin".to_owned(), uid: "admin".to_owned(), groups, ..User::default() }
    }

    /// Somebody who has not said who they are.
    pub fn anonymous() -> User {
        User { name: ANONYMOUS.to_owned(), groups: vec![UNAUTHENTICATED.to_owned()], ..User::default() }
    }

    /// A service account.
    pub fn account(namespace: &str, name: &str) -> User {
        User::named(format!("{ACCOUNT}{namespace}:{name}"), Vec::new())
    }

    /// Somebody of this name. A service account without groups has those of every account.
    pub fn named(name: String, mut groups: Vec<String>) -> User {
        if let Some((namespace, _)) = account_of(&name)
            && groups.is_empty()
        {
            groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        }
        let known = if name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
        if !groups.iter().any(|group| [known, UNAUTHENTICATED].contains(&group.as_str())) {
            groups.push(known.to_owned());
        }
        User { name, groups, ..User::default() }
    }

    /// Whether nothing is refused to them.
    pub fn has_every_right(&self) -> bool {
        self.is_in(MASTERS)
    }

    /// Whether they belong to a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Whether a binding in this namespace means them by this subject.
    pub fn is_meant(&self, subject: &Value, namespace: &str) -> bool {
        let text = |field: &str| subject[field].as_str().unwrap_or_default();
        let of = if text("namespace").is_empty() { namespace } else { text("namespace") };
        match text("kind") {
            "User" => text("name") == self.name,
            "Group" => self.is_in(text("name")),
            "ServiceAccount" => account_of(&self.name) == Some((of, text("name"))),
            _ => false,
        }
    }

    /// As reviews show it.
    pub fn to_json(&self) -> Value {
        let mut shown = json!({ "username": self.name });
        if !self.uid.is_empty() {
            shown["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            shown["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            shown["extra"] = json!(self.extra);
        }
        shown
    }
}

/// The namespace and the name of the service account that has this name as a user.
pub fn account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT)?.split_once(':')?;
    let is_one = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    is_one.then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_has_the_groups_of_every_account_unless_others_are_asked_for() {
        let groups = |name: &str, groups: &[&str]| {
            User::named(name.to_owned(), groups.iter().map(|group| (*group).to_owned()).collect()).groups.join(" ")
        };
        let of_accounts = "system:serviceaccounts system:serviceaccounts:a system:authenticated";
        assert_eq!(groups("system:serviceaccount:a:b", &[]), of_accounts);
        assert_eq!(groups("system:serviceaccount:a:b", &["g"]), "g system:authenticated");
        assert_eq!(groups("system:serviceaccount:a", &[]), "system:authenticated");
        assert_eq!(groups("bob", &["system:authenticated", "g"]), "system:authenticated g");
        assert_eq!(groups("system:anonymous", &[]), "system:unauthenticated");
    }

    #[test]
    fn a_subject_without_a_namespace_is_an_account_beside_the_binding() {
        let account = User::account("a", "b");
        assert!(account.is_meant(&json!({ "kind": "ServiceAccount", "name": "b" }), "a"));
        assert!(!account.is_meant(&json!({ "kind": "ServiceAccount", "name": "b" }), "c"));
        assert!(account.is_meant(&json!({ "kind": "ServiceAccount", "name": "b", "namespace": "a" }), "c"));
        assert!(account.is_meant(&json!({ "kind": "Group", "name": "system:serviceaccounts:a" }), "c"));
        assert!(account.is_meant(&json!({ "kind": "User", "name": "system:serviceaccount:a:b" }), "c"));
    }
}
