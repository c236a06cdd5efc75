//! Logging in at a provider of `OpenID` Connect, by the authorization code flow with PKCE.
//!
//! [`flow`] is what a browser goes through, [`pending`] what is remembered of it meanwhile, [`provider`] what is asked of the provider
//! and kept of it, and [`token`] the pure decision whether what it issued counts. The ID token is then a token of the cluster, whose
//! API server trusts the same provider; or it only says who somebody is, for reviews of what they may do.

pub mod fetch;
pub mod flow;
pub mod keys;
pub mod pending;
pub mod problem;
pub mod provider;
pub mod token;

use std::net::IpAddr;

use reqwest::Url;

use self::problem::Problem;
use super::person::Naming;
use crate::flags::OidcMode;

/// What is to be known of the provider, and what it knows of us.
#[derive(Clone)]
pub struct Settings {
    /// Its name, which is the start of its addresses and in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; a public client has none.
    pub client_secret: Option<String>,
    /// Where browsers find the dashboard.
    pub url: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// What an ID token is good for.
    pub mode: OidcMode,
    /// How its claims become a person. The API server, where it sees the token, has its own word on that.
    pub naming: Naming,
    /// Who vouches for the provider's certificate, in PEM, beside those whom the machine trusts.
    pub authorities: Option<String>,
}

impl Settings {
    /// The same, when they can work.
    pub fn checked(self) -> Result<Settings, Problem> {
        protected(&self.issuer)?;
        protected(&self.url)?;
        Ok(Settings { url: self.url.trim_end_matches('/').to_owned(), ..self })
    }

    /// Where the provider sends browsers back to.
    pub fn redirect(&self) -> String {
        format!("{}/login/oidc/callback", self.url)
    }

    /// Whether browsers find the dashboard by HTTPS.
    pub fn is_secure(&self) -> bool {
        self.url.starts_with("https:")
    }
}

/// An address that nobody on the way can read or change: HTTPS, or this machine.
pub fn protected(address: &str) -> Result<Url, Problem> {
    let url = Url::parse(address).map_err(|_| Problem::Address(address.to_owned()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_near);
    if is_safe && url.fragment().is_none() { Ok(url) } else { Err(Problem::Address(address.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_only_where_nobody_listens() {
        for (address, safe) in [
            ("https://login.example.com/realm", true),
            ("http://127.0.0.1:4000", true),
            ("http://localhost:4000", true),
            ("http://[::1]:4000", true),
            ("http://login.example.com", false),
            ("http://localhost.example.com", false),
            ("file:///etc/passwd", false),
            ("login.example.com", false),
            ("https://login.example.com/#x", false),
        ] {
            assert_eq!(protected(address).is_ok(), safe, "{address}");
        }
    }
}
