//! How a repository of charts is reached.

use percent_encoding::percent_decode_str;
use reqwest::Url;
use sluice_core::gitops::url::is_crooked;

/// How the URLs of registries begin; many leave it out.
const OCI: &str = "oci://";
/// Where the images of Docker's own registry are.
const DOCKER: &str = "registry-1.docker.io";

/// What is known of a repository of charts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Its URL.
    pub url: String,
    /// A user, and a password or token.
    pub login: Option<(String, String)>,
    /// Whether any certificate is good.
    pub insecure: bool,
    /// Certificates of those who vouch for the server, as PEM.
    pub authorities: Option<String>,
    /// Whether its Secret has a certificate to be shown to the server.
    pub has_certificate: bool,
    /// Whether a registry is spoken to without TLS.
    pub plain_http: bool,
}

/// What kind of repository it is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// One with an index, in which this is the folder.
    Indexed(Url),
    /// A registry, and the beginning of the names that are meant in it.
    Registry(Url, String),
}

/// A URL of a registry without how it may begin: with and without it is the same.
pub fn plain(url: &str) -> &str {
    url.strip_prefix(OCI).unwrap_or(url)
}

/// The URL of a repository of charts with its beginning: one without is a registry's.
pub fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("{OCI}{url}") }
}

impl Access {
    /// Where the repository is; a login in the URL is taken out of it, and counts where there is no other.
    ///
    /// # Errors
    /// Why it cannot be reached like that.
    pub fn address(&mut self) -> Result<Address, String> {
        if self.has_certificate {
            return Err(
                "its Secret has tlsClientCertData, and certificates of clients are not supported yet".to_owned()
            );
        }
        if is_crooked(&self.url) {
            return Err("it has . or .. in its path; write down where that leads".to_owned());
        }
        let url = with_scheme(&self.url);
        let is_registry = url.starts_with(OCI);
        let scheme = if self.plain_http || self.is_near() { "http://" } else { "https://" };
        let url = if is_registry { url.replacen(OCI, scheme, 1) } else { url };
        let parsed = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let wrong = "it is no URL of charts: https://… is one of a Helm repository, oci://… of a registry";
        let mut url = parsed.ok_or_else(|| wrong.to_owned())?;
        if let Some(password) = url.password() {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let login = (decoded(url.username()), decoded(password));
            self.login.get_or_insert(login);
        }
        // These fail for URLs without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if !is_registry {
            let folder = format!("{}/", url.path().trim_end_matches('/'));
            url.set_path(&folder);
            return Ok(Address::Indexed(url));
        }
        if ["docker.io", "index.docker.io"].contains(&url.host_str().unwrap_or_default()) {
            url.set_host(Some(DOCKER)).map_err(|_| wrong.to_owned())?;
        }
        let path = url.path().trim_matches('/').to_owned();
        url.set_query(None);
        url.set_path("/");
        Ok(Address::Registry(url, path))
    }

    /// Whether it is a registry on this machine, of which nothing says that it has TLS.
    fn is_near(&self) -> bool {
        let authority = plain(&self.url).split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        is_loopback && !self.insecure && self.authorities.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, more: impl FnOnce(&mut Access)) -> (String, Option<(String, String)>) {
        let mut access = Access { url: url.to_owned(), ..Access::default() };
        more(&mut access);
        let address = match access.address() {
            Ok(Address::Indexed(url)) => format!("index {url}"),
            Ok(Address::Registry(url, path)) => format!("registry {url} {path}"),
            Err(why) => why,
        };
        (address, access.login)
    }

    #[test]
    fn a_url_says_what_kind_it_is() {
        for (url, expected) in [
            ("https://charts.example.com", "index https://charts.example.com/"),
            ("http://charts.example.com/stable/?a=b#c", "index http://charts.example.com/stable/?a=b"),
            ("oci://registry.example.com/team/charts", "registry https://registry.example.com/ team/charts"),
            ("registry.example.com/charts/", "registry https://registry.example.com/ charts"),
            ("registry.example.com:5000", "registry https://registry.example.com:5000/ "),
            ("docker.io/bitnamicharts", "registry https://registry-1.docker.io/ bitnamicharts"),
            ("localhost:5000/charts", "registry http://localhost:5000/ charts"),
            ("oci://localhost.example.com/charts", "registry https://localhost.example.com/ charts"),
            ("ssh://git@example.com/charts", "it is no URL of charts"),
            ("https://", "it is no URL of charts"),
            ("https://charts.example.com/team/%2e%2e/other", "it has . or .. in its path"),
            ("registry.example.com/team/../other", "it has . or .. in its path"),
        ] {
            let (found, login) = address(url, |_| {});
            assert!(found.starts_with(expected), "{url}: {found}");
            assert_eq!(login, None);
        }
    }

    #[test]
    fn tls_is_left_out_where_that_was_asked_for() {
        assert_eq!(address("oci://example.com/a", |it| it.plain_http = true).0, "registry http://example.com/ a");
        assert_eq!(address("oci://localhost/a", |it| it.insecure = true).0, "registry https://localhost/ a");
        assert!(address("oci://localhost/a", |it| it.has_certificate = true).0.contains("tlsClientCertData"));
    }

    #[test]
    fn a_login_in_the_url_counts_where_there_is_no_other() {
        let login = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        let url = "https://robot:a%2Fb@charts.example.com";
        assert_eq!(address(url, |_| {}), ("index https://charts.example.com/".to_owned(), login("robot", "a/b")));
        assert_eq!(address(url, |it| it.login = login("other", "c")).1, login("other", "c"));
    }
}
