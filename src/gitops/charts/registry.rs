//! A registry of the kind that has images, too: charts are artefacts in it, and their versions are tags.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{LINK, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use sluice_core::gitops::range::{Range, Version};
use tokio::time::Instant;

use super::access::{Access, Address};
use super::choice::{choose, is_version};
use super::indexed::basic;
use super::shared::Shared;
use super::token::{Challenge, Token, place};
use super::web::{Answer, Ask, Failed, Web, shown};
use super::{ARCHIVE, DOWNLOAD, Found, LOOK, refused};

/// What a chart's archive is called in a manifest.
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// What manifests are called.
const MANIFEST: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Bytes that a manifest, a token or a page of tags may have.
const SMALL: u64 = 4 << 20;
/// Pages of tags that are read.
const MOST_PAGES: usize = 100;
/// Tags of one name that are read, and bytes of all their pages.
const MOST_TAGS: usize = 100_000;
const MOST_BYTES: usize = 16 << 20;

/// A registry, and the beginning of the names that are meant in it.
pub struct Registry {
    web: Web,
    url: Url,
    beginning: String,
    login: Option<String>,
    /// What to show, as a header, by the name that is asked about.
    shown: Mutex<HashMap<String, String>>,
    tags: Shared<Result<Vec<String>, Failed>>,
    manifests: Shared<Result<Option<Manifest>, Failed>>,
}

/// What a registry says of a version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The one at this URL.
    pub fn new(web: Web, url: Url, beginning: String, access: &Access) -> Registry {
        let login = access.login.as_ref().map(basic);
        let (shown, tags, manifests) = (Mutex::default(), Shared::default(), Shared::default());
        Registry { web, url, beginning, login, shown, tags, manifests }
    }

    /// The one that an index names with a chart and its tag, asked by nobody in particular.
    pub fn named(url: &Url) -> Result<Registry, String> {
        let mut access = Access { url: url.to_string(), ..Access::default() };
        let Address::Registry(place, _) = access.address()? else { return Err(format!("{url} is no registry")) };
        Ok(Registry::new(Web::new(&access)?, place, String::new(), &access))
    }

    /// The version of a chart that a revision stands for at this time or later.
    pub async fn find(&self, chart: &str, revision: &str, since: Instant) -> Result<Found, Failed> {
        let name = format!("{}/{chart}", self.beginning).trim_matches('/').to_owned();
        if !is_name(&name) {
            return Err(Failed::said(format!("{name:?} is no name of a chart in a registry")));
        }
        let is_one = !revision.is_empty() && Range::read(revision).is_none();
        if is_one
            && is_version(revision)
            && let Some(tag) = tag(revision)
            && let Some(manifest) = self.manifest(&name, &tag, since).await?
        {
            return self.found(&name, revision, &manifest);
        }
        let tags = self.tags.get(&name, since, |_| self.list(&name)).await?;
        let versions: Vec<String> = tags.iter().map(|tag| tag.replace('_', "+")).collect();
        let versions: Vec<&str> =
            versions.iter().map(String::as_str).filter(|it| Version::read(it).is_some()).collect();
        let of_chart = |why: String| Failed::said(format!("of the chart {chart:?} {why}"));
        let version = choose(revision, &versions).map_err(of_chart)?;
        let tag = tag(version).unwrap_or_default();
        let manifest = self.manifest(&name, &tag, since).await?;
        let manifest = manifest.ok_or_else(|| of_chart(format!("the tag {tag} is listed, and is not there")))?;
        self.found(&name, version, &manifest)
    }

    fn found(&self, name: &str, version: &str, manifest: &Manifest) -> Result<Found, Failed> {
        let layer = manifest.layers.iter().find(|layer| layer.media_type == CHART);
        let digest = layer
            .map(|layer| layer.digest.as_str())
            .ok_or_else(|| Failed::said(format!("{name} {version} is no chart: none of its layers is a {CHART}")))?;
        let hex = digest
            .strip_prefix("sha256:")
            .filter(|hex| hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)));
        let hex = hex.ok_or_else(|| Failed::said(format!("{name} {version}: {digest:?} is no digest of SHA-256")))?;
        let url = self.at(&format!("v2/{name}/blobs/sha256:{hex}"));
        Ok(Found { version: version.to_owned(), url, digest: Some(hex.to_owned()) })
    }

    /// What the registry has under a tag, if anything.
    async fn manifest(&self, name: &str, tag: &str, since: Instant) -> Result<Option<Manifest>, Failed> {
        let ask = |_| async {
            let url = self.at(&format!("v2/{name}/manifests/{tag}"));
            let answer = self.get(name, &url, MANIFEST, SMALL).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            self.check(&url, &answer)?;
            let read = serde_json::from_slice(&answer.body()?);
            read.map(Some).map_err(|error| Failed::said(format!("{} is no manifest: {error}", shown(&url))))
        };
        self.manifests.get(&format!("{name}:{tag}"), since, ask).await
    }

    /// All tags of a name.
    async fn list(&self, name: &str) -> Result<Vec<String>, Failed> {
        let (mut tags, mut next) = (Vec::new(), Some(self.at(&format!("v2/{name}/tags/list?n=1000"))));
        let mut left = MOST_BYTES;
        let too_many = || Failed::said(format!("{name} has more tags than are read ({MOST_TAGS}); name one version"));
        for _ in 0..MOST_PAGES {
            let Some(url) = next.take() else { return Ok(tags) };
            let answer = self.get(name, &url, "application/json", SMALL).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Err(Failed::said(format!("the registry has no chart {name}")));
            }
            self.check(&url, &answer)?;
            let after = answer.header(LINK).and_then(next_page).and_then(|link| url.join(link).ok());
            let page = answer.body()?;
            left = left.checked_sub(page.len()).ok_or_else(too_many)?;
            let read: Result<Tags, _> = serde_json::from_slice(&page);
            let read = read.map_err(|error| Failed::said(format!("{} is no list of tags: {error}", shown(&url))))?;
            tags.extend(read.tags.unwrap_or_default());
            if tags.len() > MOST_TAGS {
                return Err(too_many());
            }
            next = after;
            if next.as_ref().is_some_and(|next| next.origin() != self.url.origin()) {
                return Err(Failed::said(format!("{}: its next page is on another server", shown(&url))));
            }
        }
        Err(Failed::said(format!("{name} has more than {MOST_PAGES} pages of tags; name one version")))
    }

    /// The archive of a version.
    pub async fn download(&self, found: &Found) -> Result<Answer, Failed> {
        let path = found.url.path();
        let name = path.strip_prefix("/v2/").and_then(|path| path.split_once("/blobs/")).map_or("", |(name, _)| name);
        let answer = self.get(name, &found.url, "*/*", ARCHIVE).await?;
        self.check(&found.url, &answer)?;
        Ok(answer)
    }

    /// The archive of a chart and its tag, as an index names it.
    pub async fn download_named(&self, url: &Url) -> Result<Answer, Failed> {
        let (name, tag) = url.path().trim_matches('/').rsplit_once(':').unwrap_or_default();
        let found = self.find(name, &tag.replace('_', "+"), Instant::now()).await?;
        self.download(&found).await
    }

    /// Asks about a name; once more, where the registry says what it wants to see.
    async fn get(&self, name: &str, url: &Url, accept: &str, limit: u64) -> Result<Answer, Failed> {
        let known = self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let patience = if limit == SMALL { LOOK } else { DOWNLOAD };
        let trusted = std::slice::from_ref(&self.url);
        let ask = Ask { url, accept, etag: None, authorization: known.as_deref(), trusted, limit, patience };
        let answer = self.web.get(&ask).await?;
        // Whoever a redirect leads to does not say who gives out tokens.
        if answer.status != StatusCode::UNAUTHORIZED || answer.url.origin() != self.url.origin() {
            return Ok(answer);
        }
        let asked = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|header| header.to_str().ok());
        let header = match (Challenge::read(asked), &self.login) {
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                self.token(name, &realm, service.as_deref(), scope.as_deref()).await?
            }
            (Some(Challenge::Basic), Some(login)) => login.clone(),
            (Some(Challenge::Basic), None) | (None, _) => return Ok(answer),
        };
        let answer = self.web.get(&Ask { authorization: Some(&header), ..ask }).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), header);
        }
        Ok(answer)
    }

    /// A token to read a name, as a header.
    async fn token(
        &self,
        name: &str,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<String, Failed> {
        let own = format!("repository:{name}:pull");
        let (url, may_login) = place(&self.url, realm, service, scope.unwrap_or(&own)).map_err(Failed::said)?;
        if self.login.is_some() && !may_login {
            let why = "and the login does not go to another server without TLS";
            return Err(Failed::said(format!("the registry gives out tokens at {}, {why}", shown(&url))));
        }
        let ask = Ask {
            url: &url,
            accept: "application/json",
            etag: None,
            authorization: self.login.as_deref(),
            trusted: std::slice::from_ref(&url),
            limit: SMALL,
            patience: LOOK,
        };
        let answer = self.web.get(&ask).await?;
        self.check(&url, &answer)?;
        let token = serde_json::from_slice::<Token>(&answer.body()?).ok().and_then(Token::text);
        token
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| Failed::said(format!("{}: what it answers has no token", shown(&url))))
    }

    fn check(&self, url: &Url, answer: &Answer) -> Result<(), Failed> {
        if answer.status.is_success() {
            return Ok(());
        }
        let hint = refused(answer.status, self.login.is_some());
        Err(Failed::said(format!("{}: the registry answers {}{hint}", shown(url), answer.status)))
    }

    fn at(&self, path: &str) -> Url {
        let mut text = self.url.to_string();
        // What is put together here was looked at before.
        let _ = write!(text, "{path}");
        Url::parse(&text).unwrap_or_else(|_| self.url.clone())
    }
}

/// The tag of a version: a plus is none of the letters of a tag.
fn tag(version: &str) -> Option<String> {
    let tag = version.replace('+', "_");
    let is_good = (1..=128).contains(&tag.len())
        && tag.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
        && !tag.starts_with(['.', '-']);
    is_good.then_some(tag)
}

/// Whether a text is a name in a registry: it becomes a part of URLs.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
    };
    name.len() <= 255 && name.split('/').all(is_part)
}

/// Where the next page is, as in `</v2/web/tags/list?last=a>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (place, rest) = link.split_once('>')?;
    let is_next = rest.replace('"', "").split(';').any(|part| part.trim() == "rel=next");
    place.trim().strip_prefix('<').filter(|_| is_next)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server that answers one question after the other with this.
    async fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Url {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = server.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                let mut asked = vec![0; 4096];
                let count = stream.read(&mut asked).await.unwrap_or(0);
                let answer = answer(&String::from_utf8_lossy(&asked[..count]));
                let end = "content-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\n{end}").as_bytes()).await;
            }
        });
        Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL")
    }

    #[tokio::test]
    async fn whoever_a_redirect_leads_to_does_not_get_the_login() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let realm = "www-authenticate: Bearer realm=\"https://127.0.0.1:9/token\"";
        let other = answering(move |_| format!("401 Unauthorized\r\n{realm}")).await;
        let own = answering(move |asked| {
            let is_lead = asked.starts_with("GET /v2/led/");
            if is_lead { format!("302 Found\r\nlocation: {other}") } else { format!("401 Unauthorized\r\n{realm}") }
        })
        .await;
        let login = Some(("robot".to_owned(), "secret".to_owned()));
        let access = Access { url: own.to_string(), login, ..Access::default() };
        let registry = Registry::new(Web::new(&access).expect("a client"), own, String::new(), &access);
        for (name, expected) in [("led", "the registry answers 401"), ("web", "https://127.0.0.1:9/token: ")] {
            let why = registry.find(name, "1.0.0", Instant::now()).await.expect_err("nobody gives out tokens").why;
            assert!(why.contains(expected), "{name}: {why}");
        }
    }

    #[test]
    fn a_version_is_a_tag_with_other_letters() {
        for (version, expected) in [
            ("1.2.3", Some("1.2.3")),
            ("1.2.3-rc.1+build.5", Some("1.2.3-rc.1_build.5")),
            ("../1", None),
            (".hidden", None),
            ("", None),
            ("1.2.3?x", None),
            ("1 2", None),
        ] {
            assert_eq!(tag(version).as_deref(), expected, "{version}");
        }
        assert_eq!(tag(&"1".repeat(129)), None);
    }

    #[test]
    fn a_name_stays_a_path() {
        for (name, expected) in [
            ("charts/web", true),
            ("web", true),
            ("", false),
            ("charts/../web", false),
            ("a//b", false),
            ("a?b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name:?}");
        }
    }

    #[test]
    fn the_next_page_of_tags_is_found() {
        for (link, expected) in [
            ("</v2/web/tags/list?last=a&n=2>; rel=\"next\"", Some("/v2/web/tags/list?last=a&n=2")),
            ("<https://example.com/x>; rel=next; a=b", Some("https://example.com/x")),
            ("</v2/web>; rel=\"prev\"", None),
            ("nothing", None),
            (">", None),
        ] {
            assert_eq!(next_page(link), expected, "{link}");
        }
    }
}
