//! A person whom the API server does not know: the name and the groups by which roles bind them, taken from claims that were verified.
//!
//! They are put into a review as they are, so nothing may come from a claim that the cluster gives to its own.

use serde_json::{Map, Value};
use thiserror::Error;

/// The longest name of a person or a group, in bytes.
const LONGEST: usize = 1024;
/// How many groups a person may have.
const MOST_GROUPS: usize = 500;
/// The beginning of the names that the cluster gives to its own.
const RESERVED: &str = "system:";

/// Somebody whom roles can bind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// The name, as a subject of kind User.
    pub name: String,
    /// The groups, as subjects of kind Group.
    pub groups: Vec<String>,
}

/// How claims become a person. The words are those of the API server's `--oidc-*` flags.
#[derive(Clone, Debug)]
pub struct Naming {
    /// The claim with the name.
    pub username_claim: String,
    /// What is put before it.
    pub username_prefix: String,
    /// The claim with the groups.
    pub groups_claim: String,
    /// What is put before each of them.
    pub groups_prefix: String,
}

/// Why claims are nobody whom roles can bind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// There is no name.
    #[error("the claim {0:?} holds no name: look at --dashboard-oidc-username-claim")]
    Name(String),
    /// The provider does not vouch for the address.
    #[error("the provider has not verified the address in the claim \"email\": have it verified there")]
    Unverified,
    /// The groups are no groups.
    #[error(
        "the claim {0:?} holds neither a name nor a list of at most 500 names: look at --dashboard-oidc-groups-claim"
    )]
    Groups(String),
    /// A name that cannot be one.
    #[error("a name among the claims is empty, longer than 1024 bytes, or holds control characters")]
    Shape,
    /// The name of one of the cluster's own.
    #[error(
        "{0:?} is a name of the cluster's own: give --dashboard-oidc-username-prefix and --dashboard-oidc-groups-prefix"
    )]
    Reserved(String),
}

impl Person {
    /// The person that claims speak of.
    pub fn of(claims: &Map<String, Value>, naming: &Naming) -> Result<Person, Unfit> {
        let claim = &naming.username_claim;
        let name = claims.get(claim).and_then(Value::as_str).ok_or_else(|| Unfit::Name(claim.clone()))?;
        if claim == "email" && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true)) {
            return Err(Unfit::Unverified);
        }
        let unfit = || Unfit::Groups(naming.groups_claim.clone());
        let groups = match claims.get(&naming.groups_claim) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(group)) => vec![group.as_str()],
            Some(Value::Array(groups)) if groups.len() <= MOST_GROUPS => {
                groups.iter().map(|group| group.as_str().ok_or_else(unfit)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(unfit()),
        };
        let groups = groups.into_iter().map(|group| named(&naming.groups_prefix, group)).collect::<Result<_, _>>()?;
        Ok(Person { name: named(&naming.username_prefix, name)?, groups })
    }
}

fn named(prefix: &str, name: &str) -> Result<String, Unfit> {
    if name.is_empty() || name.len() > LONGEST || name.chars().any(char::is_control) {
        return Err(Unfit::Shape);
    }
    let whole = format!("{prefix}{name}");
    // Neither by a prefix nor without one.
    if whole.trim_start().starts_with(RESERVED) {
        return Err(Unfit::Reserved(whole));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(claims: &Value, prefixes: [&str; 2]) -> Result<Person, Unfit> {
        let naming = Naming {
            username_claim: "email".to_owned(),
            username_prefix: prefixes[0].to_owned(),
            groups_claim: "groups".to_owned(),
            groups_prefix: prefixes[1].to_owned(),
        };
        Person::of(claims.as_object().expect("claims"), &naming)
    }

    #[test]
    fn a_person_has_the_name_and_the_groups_of_their_claims() {
        let claims = json!({"email": "ann@example.com", "email_verified": true, "groups": ["dev", "ops"]});
        let ann = person(&claims, ["oidc:", "g:"]).expect("a person");
        assert_eq!((ann.name.as_str(), ann.groups.join(" ")), ("oidc:ann@example.com", "g:dev g:ops".to_owned()));
        let one = person(&json!({"email": "a", "groups": "dev"}), ["", ""]).expect("a person");
        assert_eq!((one.name.as_str(), one.groups.join(" ")), ("a", "dev".to_owned()));
        assert!(person(&json!({"email": "a"}), ["", ""]).expect("a person").groups.is_empty());
    }

    #[test]
    fn nobody_becomes_one_of_the_clusters_own_by_a_claim() {
        let reserved = |name: &str| Err(Unfit::Reserved(name.to_owned()));
        assert_eq!(person(&json!({"email": "system:admin"}), ["", ""]), reserved("system:admin"));
        assert_eq!(person(&json!({"email": ":admin"}), ["system", ""]), reserved("system:admin"));
        let masters = json!({"email": "a", "groups": ["dev", "system:masters"]});
        assert_eq!(person(&masters, ["", ""]), reserved("system:masters"));
        assert!(person(&masters, ["", "oidc:"]).is_ok());
    }

    #[test]
    fn claims_that_are_not_what_they_should_be_are_nobody() {
        let groups = || Err(Unfit::Groups("groups".to_owned()));
        for (claims, expected) in [
            (json!({}), Err(Unfit::Name("email".to_owned()))),
            (json!({"email": 7}), Err(Unfit::Name("email".to_owned()))),
            (json!({"email": ""}), Err(Unfit::Shape)),
            (json!({"email": "a\nb"}), Err(Unfit::Shape)),
            (json!({"email": "a".repeat(2000)}), Err(Unfit::Shape)),
            (json!({"email": "a", "email_verified": false}), Err(Unfit::Unverified)),
            (json!({"email": "a", "email_verified": "true"}), Err(Unfit::Unverified)),
            (json!({"email": "a", "groups": {"dev": true}}), groups()),
            (json!({"email": "a", "groups": ["dev", 7]}), groups()),
            (json!({"email": "a", "groups": vec!["g"; 501]}), groups()),
            (json!({"email": "a", "groups": [""]}), Err(Unfit::Shape)),
        ] {
            assert_eq!(person(&claims, ["", ""]), expected, "{claims}");
        }
    }
}
