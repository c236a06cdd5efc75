//! Requests that AWS wants signed: of Amazon Managed Service for Prometheus.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use sluice_core::api::Sigv4Config;

use super::{Ask, Failure};
use crate::aws::credentials::Credentials;
use crate::aws::sign::{Scope, Unsigned, sign};
use crate::aws::{self, Env};
use crate::clock::Clock;

/// What Amazon calls it in signatures.
const SERVICE: &str = "aps";
/// So many profiles and roles are kept apart.
const MOST: usize = 64;
/// Where the environment says who the program is. A profile that is named goes before it.
const OF_ENVIRONMENT: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
];

/// Signs requests, with keys that are kept for as long as they are good.
pub(super) struct Signers {
    env: Env,
    http: OnceLock<aws::Http>,
    clock: Clock,
    known: Mutex<HashMap<(String, String), Arc<Credentials>>>,
}

impl Signers {
    pub(super) fn new(env: Env, clock: Clock) -> Signers {
        Signers { env, http: OnceLock::new(), clock, known: Mutex::default() }
    }

    /// Signs a request. Returns whose keys it has, so that they are forgotten where they are not taken.
    pub(super) async fn sign(&self, ask: &mut Ask, config: &Sigv4Config) -> Result<Arc<Credentials>, Failure> {
        let failed = |error: aws::Error| Failure::new(format!("cannot sign the request: {error}; see sigv4"));
        let credentials = self.credentials(config)?;
        let region = match filled(config.region.as_ref()).map(str::to_owned).or_else(|| region_of(&ask.url)) {
            Some(region) => region,
            None => credentials.region().await.map_err(failed)?,
        };
        let keys = credentials.keys().await.map_err(failed)?;
        let host = match ask.url.port() {
            Some(port) => format!("{}:{port}", ask.url.host_str().unwrap_or_default()),
            None => ask.url.host_str().unwrap_or_default().to_owned(),
        };
        let kind = ask.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let mut headers = vec![("host", host.as_str())];
        headers.extend(kind.as_deref().map(|kind| ("content-type", kind)));
        // As it is signed it is sent: the signature has spaces as %20, which a form has as +.
        let query: Vec<(String, String)> = ask.url.query_pairs().into_owned().collect();
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let form = aws::sign::form(&query);
        ask.url.set_query((!form.is_empty()).then_some(form.as_str()));
        let (method, path) = (ask.method.as_str(), ask.url.path());
        let request = Unsigned { method, path, query: &query, headers: &headers, body: &ask.body };
        let scope = Scope { region: &region, service: SERVICE };
        for (name, value) in sign(request, scope, &keys, self.clock.now()) {
            let value = HeaderValue::from_str(&value);
            let mut value =
                value.map_err(|_| Failure::new("the AWS credentials have characters that cannot be sent"))?;
            value.set_sensitive(true);
            ask.headers.insert(name, value);
        }
        Ok(credentials)
    }

    fn credentials(&self, config: &Sigv4Config) -> Result<Arc<Credentials>, Failure> {
        let http = if let Some(http) = self.http.get() {
            http.clone()
        } else {
            let made = aws::Http::new();
            let made =
                made.map_err(|error| Failure::new(format!("there is no HTTP client: {}", aws::causes(&error))))?;
            self.http.get_or_init(|| made).clone()
        };
        let profile = filled(config.profile.as_ref()).unwrap_or_default().to_owned();
        let role = filled(config.role_arn.as_ref()).unwrap_or_default().to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&(profile.clone(), role.clone())) {
            known.clear();
        }
        let make = || {
            let env = of_profile(self.env.clone(), &profile);
            let credentials = Credentials::new(env, http, self.clock);
            Arc::new(if role.is_empty() { credentials } else { credentials.assuming(&role) })
        };
        Ok(known.entry((profile.clone(), role.clone())).or_insert_with(make).clone())
    }
}

/// The environment of who is named by a profile, and by nothing else.
fn of_profile(env: Env, profile: &str) -> Env {
    if profile.is_empty() {
        return env;
    }
    let profile = profile.to_owned();
    Arc::new(move |name| match name {
        "AWS_PROFILE" => Some(profile.clone()),
        "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
        name if OF_ENVIRONMENT.contains(&name) => None,
        name => env(name),
    })
}

/// The region that the address of a workspace names.
fn region_of(url: &Url) -> Option<String> {
    let rest = url.host_str()?.strip_prefix("aps-workspaces.")?;
    let (region, domain) = rest.split_once('.')?;
    domain.starts_with("amazonaws.com").then(|| region.to_owned())
}

fn filled(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_says_its_region() {
        let region = |url: &str| region_of(&Url::parse(url).expect("an address"));
        let workspace = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";
        assert_eq!(region(workspace).as_deref(), Some("eu-west-1"));
        assert_eq!(region("https://proxy.example.com/aps-workspaces.eu-west-1.amazonaws.com"), None);
        assert_eq!(region("https://aps-workspaces.eu-west-1.example.com/"), None);
    }

    #[test]
    fn a_profile_goes_before_what_the_environment_says() {
        let env: Env = Arc::new(|name| Some(format!("of {name}")));
        let own = of_profile(env.clone(), "p");
        assert_eq!(own("AWS_ACCESS_KEY_ID"), None);
        assert_eq!(own("AWS_PROFILE").as_deref(), Some("p"));
        assert_eq!(own("HOME").as_deref(), Some("of HOME"));
        assert_eq!(of_profile(env, "")("AWS_ACCESS_KEY_ID").as_deref(), Some("of AWS_ACCESS_KEY_ID"));
    }
}
