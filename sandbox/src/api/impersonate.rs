//! Asking as somebody else, which is a right of its own.

use http::{HeaderMap, HeaderValue};

use super::Answer;
use super::access::{self, Action};
use super::path::decode;
use super::user::{User, account_of};
use crate::refusal::Refusal;
use crate::state::State;

/// The group of what a user is besides name and groups.
const AUTHENTICATION: &str = "authentication.k8s.io";

/// What the headers ask to be.
#[derive(Default)]
struct Wish {
    name: String,
    uid: String,
    groups: Vec<String>,
    /// Keys and values.
    extra: Vec<(String, String)>,
}

impl Wish {
    fn of(headers: &HeaderMap) -> Wish {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let all = |name: &str| headers.get_all(name).iter().map(text).filter(|text| !text.is_empty());
        let extra = headers
            .iter()
            .filter_map(|(name, value)| Some((decode(name.as_str().strip_prefix("impersonate-extra-")?), text(value))));
        Wish {
            name: all("impersonate-user").next().unwrap_or_default(),
            uid: all("impersonate-uid").next().unwrap_or_default(),
            groups: all("impersonate-group").collect(),
            extra: extra.collect(),
        }
    }

    /// The rights that it takes.
    fn actions(&self) -> Vec<Action> {
        let action = |group: &str, resource: &str, name: &str| Action {
            verb: "impersonate".to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..Action::default()
        };
        let mut actions = vec![match account_of(&self.name) {
            Some((namespace, name)) => {
                Action { namespace: namespace.to_owned(), ..action("", "serviceaccounts", name) }
            }
            None => action("", "users", &self.name),
        }];
        actions.extend(self.groups.iter().map(|group| action("", "groups", group)));
        let extra = self.extra.iter();
        actions.extend(extra.map(|(key, value)| action(AUTHENTICATION, &format!("userextras/{key}"), value)));
        if !self.uid.is_empty() {
            actions.push(action(AUTHENTICATION, "uids", &self.uid));
        }
        actions
    }

    /// What is asked for besides a name, in the words of the real server.
    fn without_name(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| format!("{{Group  {group}    }}"));
        let extra = self.extra.iter();
        let extra = extra.map(|(key, value)| format!("{{UserExtra  {value}  {AUTHENTICATION}/v1  {key}}}"));
        let uid = (!self.uid.is_empty()).then(|| format!("{{UID  {}  {AUTHENTICATION}/v1  }}", self.uid));
        groups.chain(extra).chain(uid).collect()
    }
}

/// The answer to a request that asks to be in a group, but not to be anybody.
pub fn of_nobody(headers: &HeaderMap, path: &str) -> Option<Answer> {
    let wish = Wish::of(headers);
    let asked = wish.without_name();
    let is_one = wish.name.is_empty() && !asked.is_empty();
    let asked = asked.join(" ");
    let why = || format!("Internal Server Error: {path:?}: requested [{asked}] without impersonating a user\n");
    is_one.then(|| Answer::Text(500, why()))
}

/// Whom a request is to be judged as: the one who sent it, or somebody else whom they may ask as.
pub fn judged_as(state: &State, user: User, headers: &HeaderMap) -> Result<User, Refusal> {
    let wish = Wish::of(headers);
    if wish.name.is_empty() {
        return Ok(user);
    }
    for action in wish.actions() {
        access::check(state, &user, &action)?;
    }
    let mut other = User { uid: wish.uid, ..User::named(wish.name, wish.groups) };
    for (key, value) in wish.extra {
        other.extra.entry(key).or_default().push(value);
    }
    Ok(other)
}
