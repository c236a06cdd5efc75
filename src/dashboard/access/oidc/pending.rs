//! Logins that have begun: what has to come back, and from which browser. The browser keeps it itself, sealed with a key that nobody else
//! has: of strangers nothing is kept here.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::dashboard::access::session;

/// The name of the cookie that binds a login to a browser.
const COOKIE: &str = "sluice-login";
/// How long somebody may take at the provider.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// The longest path that somebody is led to afterwards; a browser takes 4 KiB with a cookie.
const LONGEST: usize = 2_000;

/// The key that logins are sealed with. A restart forgets it: logins that are under way then begin anew.
pub struct Pending(RandomizedNonceKey);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// What comes back by the address.
    pub state: String,
    /// What comes back in the token.
    pub nonce: String,
    /// What shows at the end that it is still us. With it a code is good for one answer, as the provider takes each once.
    pub verifier: String,
    /// Where to go afterwards.
    pub to: String,
    since: Timestamp,
}

impl Login {
    /// What the provider is told of the verifier at the beginning.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }
}

fn random() -> Result<[u8; 32], Problem> {
    let mut random = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Problem::Random)?;
    Ok(random)
}

fn word() -> Result<String, Problem> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random()?))
}

impl Pending {
    /// With a key of its own.
    pub fn new() -> Result<Pending, Problem> {
        RandomizedNonceKey::new(&AES_256_GCM, &random()?).map(Pending).map_err(|_| Problem::Random)
    }

    /// Begins one, and returns it sealed, for the browser's cookie.
    pub fn begin(&self, to: &str, now: Timestamp) -> Result<(String, Login), Problem> {
        let to = if to.len() > LONGEST { "/" } else { to };
        let login = Login { state: word()?, nonce: word()?, verifier: word()?, to: to.to_owned(), since: now };
        let mut sealed = serde_json::to_vec(&login).map_err(|_| Problem::Random)?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(COOKIE), &mut sealed).map_err(|_| Problem::Random)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok((BASE64_URL_SAFE_NO_PAD.encode(sealed), login))
    }

    /// The one that an answer with this state belongs to, if this browser began it.
    pub fn take(&self, headers: &HeaderMap, state: &str, now: Timestamp) -> Result<Login, Problem> {
        let login = session::named(headers, COOKIE).and_then(|sealed| self.open(sealed)).ok_or(Problem::NotYours)?;
        let is_same = constant_time::verify_slices_are_equal(login.state.as_bytes(), state.as_bytes()).is_ok();
        let is_alive = now.duration_since(login.since) < LASTS;
        if is_same && is_alive { Ok(login) } else { Err(Problem::NotYours) }
    }

    fn open(&self, sealed: &str) -> Option<Login> {
        let mut sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let at = sealed.len().checked_sub(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(sealed.get(at..)?).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(COOKIE), sealed.get_mut(..at)?).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

/// The cookie. It has to come along when the provider sends the browser back, which is another site's doing: Lax, not Strict.
pub fn cookie(sealed: &str, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={sealed}; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age={}{secure}", LASTS.as_secs())
}

/// The cookie that makes a browser forget it.
pub fn farewell() -> String {
    format!("{COOKIE}=; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came_with(sealed: &str) -> HeaderMap {
        let value = format!("a=b; {COOKIE}={sealed}").parse().expect("a value");
        [("cookie".parse().expect("a name"), value)].into_iter().collect()
    }

    #[test]
    fn a_login_comes_back_from_the_browser_that_began_it_and_in_time() {
        let pending = Pending::new().expect("a key");
        let now = Timestamp::UNIX_EPOCH;
        let (sealed, login) = pending.begin("/rollouts/shop", now).expect("a login");
        assert!(!sealed.contains(&login.state) && sealed.len() < 1_000, "{sealed}");
        let back = |sealed: &str, state: &str, at| pending.take(&came_with(sealed), state, at).ok();
        assert_eq!(back(&sealed, &login.state, now), Some(login.clone()));
        assert_eq!(back(&sealed, "another", now), None);
        assert_eq!(back(&sealed, &login.state, now + LASTS), None);
        assert!(pending.take(&HeaderMap::new(), &login.state, now).is_err());
    }

    #[test]
    fn what_we_did_not_seal_is_no_login() {
        let now = Timestamp::UNIX_EPOCH;
        let [ours, others] = [Pending::new(), Pending::new()].map(|pending| pending.expect("a key"));
        let (sealed, login) = others.begin("/", now).expect("a login");
        let mut changed = BASE64_URL_SAFE_NO_PAD.decode(&sealed).expect("bytes");
        changed[10] ^= 1;
        for sealed in [sealed.clone(), String::new(), "AAAA".to_owned(), "%".to_owned()] {
            assert!(ours.take(&came_with(&sealed), &login.state, now).is_err(), "{sealed}");
        }
        let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
        assert!(others.take(&came_with(&changed), &login.state, now).is_err());
        assert!(others.take(&came_with(&sealed), &login.state, now).is_ok());
    }

    #[test]
    fn a_cookie_never_becomes_too_long_for_a_browser() {
        let pending = Pending::new().expect("a key");
        let kept = |length: usize| {
            let (sealed, login) = pending.begin(&"/".repeat(length), Timestamp::UNIX_EPOCH).expect("a login");
            assert!(cookie(&sealed, true).len() < 4_096, "{length}");
            login.to.len()
        };
        assert_eq!((kept(LONGEST), kept(LONGEST + 1), kept(60_000)), (LONGEST, 1, 1));
    }
}
