//! A Helm repository: an index, and archives that it names.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::ETAG;
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::access::Access;
use super::choice::choose;
use super::index::{Index, LARGEST};
use super::registry::Registry;
use super::shared::Shared;
use super::web::{Answer, Ask, Failed, Web, shown, without_login};
use super::{ARCHIVE, DOWNLOAD, Found, LOOK, blocking, refused};

/// Indexes are read into memory, so that few are at the same time.
static READING: Semaphore = Semaphore::const_new(2);

/// A repository with an index.
pub struct Indexed {
    web: Web,
    /// Its folder.
    url: Url,
    /// Who asks, as a header.
    login: Option<String>,
    /// Whether whoever has an archive is told that, too, wherever it is.
    pass_credentials: bool,
    looks: Shared<Result<Arc<Look>, Failed>>,
}

/// What the index was.
struct Look {
    etag: Option<String>,
    index: Index,
}

impl Indexed {
    /// The one whose folder this is.
    pub fn new(web: Web, url: Url, access: &Access, pass_credentials: bool) -> Indexed {
        let login = access.login.as_ref().map(basic);
        Indexed { web, url, login, pass_credentials, looks: Shared::default() }
    }

    /// The version of a chart that a revision stands for at this time or later.
    pub async fn find(&self, chart: &str, revision: &str, since: Instant) -> Result<Found, Failed> {
        let look = self.looks.get("", since, |before| self.look(before.and_then(Result::ok))).await?;
        let entries = look.index.versions(chart).map_err(Failed::said)?;
        let versions: Vec<&str> = entries.iter().map(|entry| entry.version.as_str()).collect();
        let of_chart = |why: String| Failed::said(format!("of the chart {chart:?} {why}"));
        let version = choose(revision, &versions).map_err(of_chart)?;
        let entry = entries.iter().find(|entry| entry.version == version);
        let place = entry.and_then(|entry| entry.url()).and_then(|url| self.url.join(url).ok());
        let place = place.filter(|url| matches!(url.scheme(), "http" | "https" | "oci") && url.has_host());
        let mut url = place.ok_or_else(|| of_chart(format!("{version} is at no address of http, https or oci")))?;
        without_login(&mut url);
        // What goes along in the query of the repository is for its own server.
        if url.query().is_none() && url.origin() == self.url.origin() {
            url.set_query(self.url.query());
        }
        let digest = entry.and_then(|entry| entry.sha256());
        Ok(Found { version: version.to_owned(), url, digest })
    }

    async fn look(&self, before: Option<Arc<Look>>) -> Result<Arc<Look>, Failed> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}index.yaml", self.url.path()));
        let ask = Ask {
            url: &url,
            accept: "*/*",
            etag: before.as_ref().and_then(|before| before.etag.as_deref()),
            authorization: self.login.as_deref(),
            trusted: std::slice::from_ref(&self.url),
            limit: LARGEST,
            patience: LOOK,
        };
        let answer = self.web.get(&ask).await?;
        if let (StatusCode::NOT_MODIFIED, Some(before)) = (answer.status, before) {
            return Ok(before);
        }
        self.check(&url, &answer)?;
        let etag = answer.header(ETAG).map(str::to_owned);
        let _place = READING.acquire().await.map_err(|error| Failed::said(error.to_string()))?;
        let read = blocking(move || answer.body().map(|content| Index::read(&content))).await??;
        let index = read.map_err(|why| {
            Failed::said(format!("{} is no index of a Helm repository: {why}; see what repoURL should be", shown(&url)))
        })?;
        Ok(Arc::new(Look { etag, index }))
    }

    /// The archive of a version.
    pub async fn download(&self, found: &Found) -> Result<Answer, Failed> {
        if found.url.scheme() == "oci" {
            // Who asks is nobody's business there.
            return Registry::named(&found.url).map_err(Failed::said)?.download_named(&found.url).await;
        }
        let trusted = trusted(&self.url, &found.url, self.pass_credentials);
        let ask = Ask {
            url: &found.url,
            accept: "*/*",
            etag: None,
            authorization: self.login.as_deref(),
            trusted: &trusted,
            limit: ARCHIVE,
            patience: DOWNLOAD,
        };
        let answer = self.web.get(&ask).await?;
        self.check(&found.url, &answer)?;
        Ok(answer)
    }

    fn check(&self, url: &Url, answer: &Answer) -> Result<(), Failed> {
        if answer.status.is_success() {
            return Ok(());
        }
        let is_elsewhere = url.origin() != self.url.origin() && !self.pass_credentials;
        let hint = if is_elsewhere && self.login.is_some() {
            "; the login is for another server, and goes there with helm.passCredentials alone".to_owned()
        } else {
            refused(answer.status, self.login.is_some())
        };
        Err(Failed::said(format!("{}: the server answers {}{hint}", shown(url), answer.status)))
    }
}

/// Whom the login is told where an archive is there. Nobody is to listen to what is told over TLS otherwise.
fn trusted(own: &Url, archive: &Url, pass_credentials: bool) -> Vec<Url> {
    let is_open = own.scheme() == "https" && archive.scheme() != "https";
    let other = (pass_credentials && !is_open).then_some(archive);
    [own].into_iter().chain(other).cloned().collect()
}

/// A login as a header has it.
pub fn basic((user, password): &(String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_not_passed_on_where_everybody_can_listen() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        for (own, archive, pass, expected) in [
            ("https://a.example.com", "https://b.example.com", false, 1),
            ("https://a.example.com", "https://b.example.com", true, 2),
            ("https://a.example.com", "http://a.example.com", true, 1),
            ("http://a.example.com", "http://b.example.com", true, 2),
        ] {
            assert_eq!(trusted(&url(own), &url(archive), pass).len(), expected, "{own} {archive}");
        }
    }
}
