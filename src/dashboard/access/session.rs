//! Who has logged in by a page: what they are known by stays here, the browser gets a random name for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::error::Unspecified;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::Credential;

/// The beginning of the name of the cookie.
const COOKIE: &str = "sluice-session";
/// What browsers take from nobody but this very host, by HTTPS.
const LOCKED: &str = "__Host-";
/// How long a session lasts; most tokens of a cluster last no longer.
const LASTS: SignedDuration = SignedDuration::from_hours(12);
/// How many there may be. The oldest goes when there are more.
const MOST: usize = 1_000;

/// How many of these one person or token may have, in several browsers.
const OF_ONE: usize = 20;

/// The sessions.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Session>>);

struct Session {
    credential: Credential,
    since: Timestamp,
    /// When what the provider issued ends, and with that the session; one of a token that was shown here ends when the API server says so.
    until: Option<Timestamp>,
}

impl Sessions {
    /// Begins a session of somebody, and returns its name.
    pub fn begin(&self, credential: Credential, now: Timestamp) -> Result<String, Unspecified> {
        self.add(Session { credential, since: now, until: None }, now)
    }

    /// Begins a session that came of a provider, and ends with what that issued.
    pub fn begin_until(&self, whose: Credential, now: Timestamp, until: Timestamp) -> Result<String, Unspecified> {
        self.add(Session { credential: whose, since: now, until: Some(until) }, now)
    }

    fn add(&self, session: Session, now: Timestamp) -> Result<String, Unspecified> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random)?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(random);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| is_alive(session, now));
        let is_own = |other: &Session| other.credential == session.credential;
        if sessions.values().filter(|other| is_own(other)).count() >= OF_ONE {
            remove_oldest(&mut sessions, is_own);
        }
        if sessions.len() >= MOST {
            remove_oldest(&mut sessions, |_| true);
        }
        sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// Whose session it is, while it lasts.
    pub fn credential(&self, id: &str, now: Timestamp) -> Option<Credential> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(id).filter(|session| is_alive(session, now)).map(|session| session.credential.clone())
    }

    /// Ends a session, and tells whether it came of a provider.
    pub fn end(&self, id: &str) -> bool {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        ended.is_some_and(|session| session.until.is_some())
    }
}

fn remove_oldest(sessions: &mut HashMap<String, Session>, is_meant: impl Fn(&Session) -> bool) {
    let meant = sessions.iter().filter(|(_, session)| is_meant(session));
    let oldest = meant.min_by_key(|(_, session)| session.since).map(|(id, _)| id.clone());
    oldest.and_then(|id| sessions.remove(&id));
}

fn is_alive(session: &Session, now: Timestamp) -> bool {
    now.duration_since(session.since) < LASTS && session.until.is_none_or(|until| now < until)
}

/// The name of the session that a request belongs to.
pub fn of(headers: &HeaderMap) -> Option<&str> {
    let name = cookie_name(headers);
    named(headers, &format!("{LOCKED}{name}")).or_else(|| named(headers, &name))
}

/// The name of the cookie for the port by which we are asked: cookies themselves do not tell ports apart, and a machine may have
/// several dashboards.
fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    match port.parse::<u16>() {
        Ok(port) => format!("{COOKIE}-{port}"),
        Err(_) => COOKIE.to_owned(),
    }
}

/// Whether the browser came by HTTPS.
fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

/// What a cookie holds.
pub fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut each = cookies.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    each.find(|(name, _)| *name == wanted).map(|(_, id)| id)
}

/// The cookie that names a session to who asks by these headers, for no script. Another site that leads here brings it along, as a link
/// in a mail does; it has nothing changed by that.
pub fn cookie(headers: &HeaderMap, id: &str) -> String {
    written(headers, id, LASTS)
}

/// The cookie that makes a browser forget its session.
pub fn farewell(headers: &HeaderMap) -> String {
    written(headers, "", SignedDuration::ZERO)
}

fn written(headers: &HeaderMap, id: &str, lasts: SignedDuration) -> String {
    let (locked, secure) = if is_secure(headers) { (LOCKED, "; Secure") } else { ("", "") };
    let (name, lasts) = (cookie_name(headers), lasts.as_secs());
    format!("{locked}{name}={id}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lasts}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Credential {
        Credential::Token(text.to_owned())
    }

    #[test]
    fn a_session_has_a_name_that_nobody_guesses_and_an_end() {
        let sessions = Sessions::default();
        let now = Timestamp::UNIX_EPOCH;
        let ids = ["a", "b"].map(|text| sessions.begin(token(text), now).expect("random numbers"));
        assert_ne!(ids[0], ids[1]);
        assert!(ids[0].len() >= 40, "{}", ids[0]);
        assert_eq!(sessions.credential(&ids[0], now), Some(token("a")));
        assert_eq!(sessions.credential(&ids[0], now + LASTS), None);
        assert!(!sessions.end(&ids[1]), "it came of no provider");
        assert_eq!(sessions.credential(&ids[1], now), None);
    }

    #[test]
    fn a_session_of_a_provider_ends_with_its_token() {
        let sessions = Sessions::default();
        let now = Timestamp::UNIX_EPOCH;
        let until = now + SignedDuration::from_mins(5);
        let id = sessions.begin_until(token("a"), now, until).expect("random numbers");
        assert_eq!(sessions.credential(&id, now + SignedDuration::from_mins(4)), Some(token("a")));
        assert_eq!(sessions.credential(&id, until), None);
        assert!(sessions.end(&id));
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let sessions = Sessions::default();
        let begin = |second: i64| {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
            sessions.begin(token(&second.to_string()), at).expect("an id")
        };
        let first = begin(0);
        let rest: Vec<String> = (1..=MOST as i64).map(begin).collect();
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(MOST as i64);
        assert_eq!(sessions.credential(&first, now), None);
        assert!(rest.iter().all(|id| sessions.credential(id, now).is_some()));
    }

    #[test]
    fn who_logs_in_again_and_again_puts_out_nobody_else() {
        let sessions = Sessions::default();
        let at = |second: usize| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second as i64);
        let other = sessions.begin(token("other"), at(0)).expect("an id");
        let own: Vec<String> =
            (1..=MOST).map(|second| sessions.begin(token("own"), at(second)).expect("an id")).collect();
        let now = at(MOST);
        assert!(sessions.credential(&other, now).is_some());
        assert_eq!(own.iter().filter(|id| sessions.credential(id, now).is_some()).count(), OF_ONE);
        assert!(sessions.credential(&own[MOST - 1], now).is_some(), "the last one counts");
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn its_cookie_is_found_among_others() {
        assert_eq!(of(&headers(&[("cookie", "a=b; sluice-session=xyz; c=d")])), Some("xyz"));
        assert_eq!(of(&headers(&[("cookie", "a=b")])), None);
        // Those of other ports are other dashboards'.
        let both = ("cookie", "sluice-session-3100=one; sluice-session-3101=two");
        assert_eq!(of(&headers(&[("host", "localhost:3101"), both])), Some("two"));
        assert_eq!(of(&headers(&[("host", "localhost"), both])), None);
    }

    #[test]
    fn by_https_its_cookie_is_for_this_host_alone() {
        let near = headers(&[("host", "localhost:3100")]);
        assert!(cookie(&near, "xyz").starts_with("sluice-session-3100=xyz; Path=/; HttpOnly; SameSite=Lax;"));
        let far = headers(&[("host", "a.example.com"), ("x-forwarded-proto", "https")]);
        let cookie = cookie(&far, "xyz");
        assert!(cookie.starts_with("__Host-sluice-session=xyz; Path=/;") && cookie.ends_with("; Secure"), "{cookie}");
        assert_eq!(of(&headers(&[("host", "a.example.com"), ("cookie", "__Host-sluice-session=xyz")])), Some("xyz"));
    }
}
