//! Logins that have begun: what has to come back, and from which browser. Each is good for one answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{constant_time, digest};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::problem::Problem;
use crate::dashboard::access::session;

/// The name of the cookie that binds a login to a browser.
const COOKIE: &str = "sluice-login";
/// How long somebody may take at the provider.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// How many there may be. The oldest goes when there are more.
const MOST: usize = 10_000;

/// The logins.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<String, Login>>);

/// One of them.
#[derive(Clone)]
pub struct Login {
    /// What comes back by the address.
    pub state: String,
    /// What comes back in the token.
    pub nonce: String,
    /// What shows at the end that it is still us.
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

fn random() -> Result<String, Problem> {
    let mut random = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Problem::Random)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random))
}

impl Pending {
    /// Begins one, and returns its name for the browser's cookie.
    pub fn begin(&self, to: &str, now: Timestamp) -> Result<(String, Login), Problem> {
        let login = Login { state: random()?, nonce: random()?, verifier: random()?, to: to.to_owned(), since: now };
        let id = random()?;
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= MOST {
            logins.retain(|_, login| now.duration_since(login.since) < LASTS);
        }
        if logins.len() >= MOST {
            let oldest = logins.iter().min_by_key(|(_, login)| login.since).map(|(id, _)| id.clone());
            oldest.and_then(|id| logins.remove(&id));
        }
        logins.insert(id.clone(), login.clone());
        Ok((id, login))
    }

    /// Takes the one that an answer with this state belongs to, if this browser began it.
    pub fn take(&self, headers: &HeaderMap, state: &str, now: Timestamp) -> Result<Login, Problem> {
        let id = session::named(headers, COOKIE).ok_or(Problem::NotYours)?;
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logins.remove(id).ok_or(Problem::NotYours)?;
        let is_same = constant_time::verify_slices_are_equal(login.state.as_bytes(), state.as_bytes()).is_ok();
        let is_alive = now.duration_since(login.since) < LASTS;
        if is_same && is_alive { Ok(login) } else { Err(Problem::NotYours) }
    }
}

/// The cookie. It has to come along when the provider sends the browser back, which is another site's doing: Lax, not Strict.
pub fn cookie(id: &str, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={id}; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age={}{secure}", LASTS.as_secs())
}

/// The cookie that makes a browser forget it.
pub fn farewell() -> String {
    format!("{COOKIE}=; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age=0")
}
