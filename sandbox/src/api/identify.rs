//! Who shows a token.

use std::collections::BTreeMap;

use http::HeaderValue;

use super::access::in_brackets;
use super::user::User;
use crate::object;
use crate::refusal::Refusal;
use crate::state::State;
use crate::token::{Bound, Claims, ISSUER, Invalid, Reference};

/// What a user's `extra` is called that comes from a token.
const EXTRA: &str = "authentication.kubernetes.io";

/// Who sends a request with this `Authorization` header, or with none.
pub fn sender(state: &State, header: Option<&HeaderValue>) -> Result<User, Refusal> {
    let mut words = header.and_then(|value| value.to_str().ok()).unwrap_or_default().split(' ');
    let is_bearer = words.next().unwrap_or_default().eq_ignore_ascii_case("bearer");
    match words.next() {
        Some(token) if is_bearer && !token.is_empty() => match holder(state, token, &[]) {
            Ok((user, _)) => Ok(user),
            Err(_) => Err(Refusal::unauthorized()),
        },
        _ => Ok(User::anonymous()),
    }
}

/// Who holds a token, and for which of the audiences it is; without audiences, whether it is for this API. Or why it is
/// nobody's.
pub fn holder(state: &State, token: &str, audiences: &[String]) -> Result<(User, Vec<String>), String> {
    let own = [ISSUER.to_owned()];
    let audiences = if audiences.is_empty() { &own } else { audiences };
    if state.tokens.is_administrators(token) {
        let here = audiences.iter().any(|audience| *audience == ISSUER);
        return if here { Ok((User::admin(), own.to_vec())) } else { Err(Invalid::Foreign.to_string()) };
    }
    let refused = |why: String| in_brackets(&[Invalid::Foreign.to_string(), why]);
    let claims = state.tokens.verify(token, state.now.as_second()).map_err(|invalid| match invalid {
        Invalid::Foreign => invalid.to_string(),
        _ => refused(invalid.to_string()),
    })?;
    let meant: Vec<String> = audiences.iter().filter(|audience| claims.aud.contains(audience)).cloned().collect();
    if meant.is_empty() {
        let list = |audiences: &[String]| {
            let quoted: Vec<String> = audiences.iter().map(|audience| format!("{audience:?}")).collect();
            format!("[{}]", quoted.join(" "))
        };
        let (of, target) = (list(&claims.aud), list(audiences));
        return Err(refused(format!("token audiences {of} is invalid for the target audiences {target}")));
    }
    check_bound(state, &claims.bound).map_err(refused)?;
    Ok((user(&claims), meant))
}

/// Whether what a token is bound to is still there.
fn check_bound(state: &State, bound: &Bound) -> Result<(), String> {
    let uid_of =
        |key: &str, namespace: &str, name: &str| state.store.get(key, namespace, name).map(|it| object::uid(it));
    let account = &bound.serviceaccount;
    let found = uid_of("serviceaccounts", &bound.namespace, &account.name)
        .ok_or_else(|| format!("serviceaccounts {:?} not found", account.name))?;
    if found != account.uid {
        return Err(format!("service account UID ({found}) does not match claim ({})", account.uid));
    }
    // The node of a pod is told, but it is the pod that counts.
    let node = bound.node.as_ref().filter(|_| bound.pod.is_none());
    let others =
        [("pods", &*bound.namespace, bound.pod.as_ref()), ("secrets", &bound.namespace, bound.secret.as_ref())];
    for (key, namespace, reference) in others.into_iter().chain([("nodes", "", node)]) {
        if let Some(Reference { name, uid }) = reference
            && uid_of(key, namespace, name) != Some(uid)
        {
            return Err("service account token has been invalidated".to_owned());
        }
    }
    Ok(())
}

fn user(claims: &Claims) -> User {
    let Bound { namespace, node, pod, serviceaccount, .. } = &claims.bound;
    let mut extra = BTreeMap::from([(format!("{EXTRA}/credential-id"), vec![format!("JTI={}", claims.jti)])]);
    for (kind, reference) in [("node", node), ("pod", pod)] {
        if let Some(Reference { name, uid }) = reference {
            extra.insert(format!("{EXTRA}/{kind}-name"), vec![name.clone()]);
            extra.insert(format!("{EXTRA}/{kind}-uid"), vec![uid.clone()]);
        }
    }
    User { uid: serviceaccount.uid.clone(), extra, ..User::account(namespace, &serviceaccount.name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    #[test]
    fn a_header_says_who_sends_a_request_or_nothing_or_what_is_not_true() {
        let sandbox = Sandbox::new(jiff::Timestamp::UNIX_EPOCH);
        sandbox.with(|state| {
            state.tokens.trust("secret".to_owned());
            let sender = |header: &'static str| {
                sender(state, Some(&HeaderValue::from_static(header)))
                    .map(|user| user.name)
                    .map_err(|refusal| refusal.code)
            };
            for (header, expected) in [
                ("Bearer secret", Ok("admin")),
                ("bearer secret", Ok("admin")),
                ("Bearer secret more", Ok("admin")),
                ("Bearer other", Err(401)),
                ("Bearer secretsecret", Err(401)),
                ("Bearer ", Ok("system:anonymous")),
                ("Bearer  secret", Ok("system:anonymous")),
                ("Bearer", Ok("system:anonymous")),
                ("Basic secret", Ok("system:anonymous")),
                ("", Ok("system:anonymous")),
            ] {
                assert_eq!(sender(header).as_deref(), expected.as_ref().map(|name| *name), "{header:?}");
            }
        });
    }
}
