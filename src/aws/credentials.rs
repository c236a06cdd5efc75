//! Who the program is: the sources of keys that the SDKs have, in their order, and keys that are renewed before they expire.

use std::net::IpAddr;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::http::{Ask, Http};
use super::query::Signer;
use super::sign::{Keys, Scope};
use super::{Env, Error, endpoint, query, xml};
use crate::clock::Clock;

/// Keys are renewed so long before they expire.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// The largest file of tokens or keys that is read.
const FILE: u64 = 1 << 20;
/// Of the API of STS.
const VERSION: &str = "2011-06-15";
/// What a session is called where nothing says so.
const SESSION: &str = "sluice";
const METADATA: &str = "http://169.254.169.254";
/// Where agents of clusters serve keys (ECS, EKS Pod Identity).
const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Keys, and until when they are good.
#[derive(Clone, Debug)]
struct Lent {
    keys: Keys,
    expires: Option<Timestamp>,
}

/// Finds keys and keeps them.
pub struct Credentials {
    env: Env,
    http: Http,
    clock: Clock,
    /// The role to take, with the keys that are found.
    role: Option<String>,
    lent: tokio::sync::Mutex<Option<Lent>>,
}

/// Keys as the machine and agents serve them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Served {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<Timestamp>,
}

impl Credentials {
    /// Those that the environment leads to.
    pub fn new(env: Env, http: Http, clock: Clock) -> Credentials {
        Credentials { env, http, clock, role: None, lent: tokio::sync::Mutex::default() }
    }

    /// The same, in a role.
    #[must_use]
    pub fn assuming(mut self, role: &str) -> Credentials {
        self.role = Some(role.to_owned());
        self
    }

    /// The keys.
    ///
    /// # Errors
    /// Where there are none, or whoever lends them refuses.
    pub async fn keys(&self) -> Result<Keys, Error> {
        let mut lent = self.lent.lock().await;
        let now = self.clock.now();
        let lasts =
            |lent: &Lent, early| lent.expires.is_none_or(|expires| sluice_core::time::after(now, early) < expires);
        if let Some(known) = lent.as_ref().filter(|known| lasts(known, EARLY)) {
            return Ok(known.keys.clone());
        }
        match self.find().await {
            Ok(found) => Ok(lent.insert(found).keys.clone()),
            // Those that there are do for as long as they are good.
            Err(error) => match lent.as_ref().filter(|known| lasts(known, SignedDuration::ZERO)) {
                Some(known) => Ok(known.keys.clone()),
                None => Err(error),
            },
        }
    }

    /// Forgets the keys, because AWS does not take them.
    pub async fn forget(&self) {
        self.lent.lock().await.take();
    }

    async fn find(&self) -> Result<Lent, Error> {
        let own = self.own().await?;
        match &self.role {
            Some(role) => self.of_role(role, &own.keys).await,
            None => Ok(own),
        }
    }

    /// Keys of a role, for those of who may take it.
    async fn of_role(&self, role: &str, own: &Keys) -> Result<Lent, Error> {
        let region = self.region().await.unwrap_or_else(|_| "us-east-1".to_owned());
        let url = endpoint(&self.env, "STS", "sts", &region);
        let action = "AssumeRole";
        let pairs = [("Action", action), ("Version", VERSION), ("RoleArn", role), ("RoleSessionName", SESSION)];
        let scope = Scope { region: &region, service: "sts" };
        let signer = Signer { keys: own, scope, now: self.clock.now() };
        assumed(action, &query::call(&self.http, &url, &pairs, Some(signer)).await?)
    }

    async fn own(&self) -> Result<Lent, Error> {
        if let Some(keys) = self.of_environment() {
            return Ok(Lent { keys, expires: None });
        }
        let (role, file) = ((self.env)("AWS_ROLE_ARN"), (self.env)("AWS_WEB_IDENTITY_TOKEN_FILE"));
        if let (Some(role), Some(file)) = (role, file) {
            return self.of_web_identity(&role, &file).await;
        }
        if let Some(keys) = self.of_file()? {
            return Ok(Lent { keys, expires: None });
        }
        let relative = (self.env)("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let relative = relative.map(|path| format!("http://{}{path}", AGENTS[0]));
        if let Some(url) = relative.or_else(|| (self.env)("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            return self.of_agent(&url).await;
        }
        self.of_machine().await.map_err(|error| {
            Error::Unconfigured(format!(
                "there are no AWS credentials: the environment has none, no web identity (IRSA), no container endpoint (EKS Pod \
                 Identity) and no shared file, and the instance has none: {error}"
            ))
        })
    }

    fn of_environment(&self) -> Option<Keys> {
        let (access, secret) = ((self.env)("AWS_ACCESS_KEY_ID")?, (self.env)("AWS_SECRET_ACCESS_KEY")?);
        Some(Keys { access, secret, token: (self.env)("AWS_SESSION_TOKEN") })
    }

    /// Trades a token of the cluster for keys of a role.
    async fn of_web_identity(&self, role: &str, file: &str) -> Result<Lent, Error> {
        let token = read(file)?;
        let session = (self.env)("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION.to_owned());
        let region = region_of(&self.env).unwrap_or_else(|| "us-east-1".to_owned());
        let url = endpoint(&self.env, "STS", "sts", &region);
        let action = "AssumeRoleWithWebIdentity";
        let pairs = [
            ("Action", action),
            ("Version", VERSION),
            ("RoleArn", role),
            ("RoleSessionName", &session),
            ("WebIdentityToken", token.trim()),
        ];
        assumed(action, &query::call(&self.http, &url, &pairs, None).await?)
    }

    fn of_file(&self) -> Result<Option<Keys>, Error> {
        let given = (self.env)("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let own = || Some(PathBuf::from((self.env)("HOME")?).join(".aws/credentials"));
        let Some(path) = given.or_else(own).filter(|path| path.is_file()) else { return Ok(None) };
        let profile = (self.env)("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        Ok(in_profile(&read(&path.to_string_lossy())?, &profile))
    }

    async fn of_agent(&self, url: &str) -> Result<Lent, Error> {
        let action = "credentials of the container";
        let parsed = Url::parse(url).ok().filter(is_trusted);
        let Some(parsed) = parsed else {
            let message =
                format!("{url:?}, where the container's credentials are to be, is neither https nor on this machine");
            return Err(Error::Unconfigured(message));
        };
        let file = (self.env)("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|file| read(&file)).transpose()?;
        let token = file.or_else(|| (self.env)("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
        let headers = token.map(|token| ("authorization", token.trim().to_owned())).into_iter().collect();
        served(action, &self.http.send(Ask::near(action, parsed.as_str(), headers)).await?.success(action)?)
    }

    async fn of_machine(&self) -> Result<Lent, Error> {
        let action = "credentials of the instance";
        let role = self.metadata(action, "/latest/meta-data/iam/security-credentials/").await?;
        let role = role.lines().next().unwrap_or_default().trim().to_owned();
        let path = format!("/latest/meta-data/iam/security-credentials/{role}");
        served(action, &self.metadata(action, &path).await?)
    }

    /// Something that the instance says of itself (version 2 of its service).
    async fn metadata(&self, action: &str, path: &str) -> Result<String, Error> {
        if (self.env)("AWS_EC2_METADATA_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true")) {
            return Err(Error::Unconfigured("AWS_EC2_METADATA_DISABLED is set".to_owned()));
        }
        let base = (self.env)("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| METADATA.to_owned());
        let base = base.trim_end_matches('/');
        let url = format!("{base}/latest/api/token");
        let headers = vec![("x-aws-ec2-metadata-token-ttl-seconds", "300".to_owned())];
        let ask = Ask { method: Method::PUT, ..Ask::near(action, &url, headers) };
        let token = self.http.send(ask).await?.success(action)?;
        let headers = vec![("x-aws-ec2-metadata-token", token.trim().to_owned())];
        self.http.send(Ask::near(action, &format!("{base}{path}"), headers)).await?.success(action)
    }

    /// The region that the environment names, or the instance is in.
    ///
    /// # Errors
    /// Where neither says so.
    pub async fn region(&self) -> Result<String, Error> {
        if let Some(region) = region_of(&self.env) {
            return Ok(region);
        }
        let found = self.metadata("region of the instance", "/latest/meta-data/placement/region").await;
        found.map(|region| region.trim().to_owned()).map_err(|error| {
            Error::Unconfigured(format!(
                "there is no AWS region: set AWS_REGION; the instance does not say it: {error}"
            ))
        })
    }
}

fn region_of(env: &Env) -> Option<String> {
    env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION"))
}

/// Whether an address that gets a token is one that may have it.
fn is_trusted(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_near = host == "localhost"
        || AGENTS.contains(&host)
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_near)
}

fn read(path: &str) -> Result<String, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Unconfigured(format!("cannot read {path}: {error}"));
    let size = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if size > FILE {
        return Err(wrong(&format_args!("{size} bytes are no credentials")));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(&error))
}

/// The keys of a profile in a shared file.
fn in_profile(text: &str, profile: &str) -> Option<Keys> {
    let mut section = "";
    let (mut access, mut secret, mut token) = (None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((key, value)) = line.split_once('=').filter(|_| section == profile) {
            let value = Some(value.trim().to_owned());
            match key.trim() {
                "aws_access_key_id" => access = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(Keys { access: access?, secret: secret?, token })
}

fn served(action: &str, body: &str) -> Result<Lent, Error> {
    let served: Served = serde_json::from_str(body)
        .map_err(|error| Error::Unreadable { action: action.to_owned(), message: error.to_string() })?;
    let keys = Keys { access: served.access_key_id, secret: served.secret_access_key, token: served.token };
    Ok(Lent { keys, expires: served.expiration })
}

fn assumed(action: &str, body: &str) -> Result<Lent, Error> {
    let unreadable = |message: String| Error::Unreadable { action: action.to_owned(), message };
    let document = xml::parse(body).map_err(|error| unreadable(error.to_string()))?;
    let result = format!("{action}Result");
    let found = xml::at(document.root_element(), &[&result, "Credentials"])
        .ok_or_else(|| unreadable("it has no credentials".into()))?;
    let text = |name: &str| xml::text(found, &[name]);
    let token = Some(text("SessionToken")).filter(|token| !token.is_empty());
    let expires = text("Expiration").parse().map_err(|error: jiff::Error| unreadable(error.to_string()))?;
    let keys = Keys { access: text("AccessKeyId"), secret: text("SecretAccessKey"), token };
    Ok(Lent { keys, expires: Some(expires) })
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
