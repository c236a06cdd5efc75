//! Answers of the servers that have charts: limited in size and time, over redirects that take no login along.

use std::io::{Read as _, Seek as _, Write as _};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, IF_NONE_MATCH, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};
use tempfile::SpooledTempFile;

use super::access::Access;
use crate::gitops::git::CONNECT;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;
/// Bytes of an answer that are in memory while it comes; more of them are in a file.
const HELD: usize = 1 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub why: String,
    /// Whether the server is not there, or not well: what it has said before may be as good as ever.
    pub is_away: bool,
}

impl Failed {
    /// The server has an answer, and that is no good.
    pub fn said(why: impl Into<String>) -> Failed {
        Failed { why: why.into(), is_away: false }
    }

    fn away(why: impl Into<String>) -> Failed {
        Failed { why: why.into(), is_away: true }
    }
}

/// A question.
pub struct Ask<'a> {
    /// What is asked for.
    pub url: &'a Url,
    /// The kind of answer.
    pub accept: &'a str,
    /// What is known already.
    pub etag: Option<&'a str>,
    /// Who asks, as a header.
    pub authorization: Option<&'a str>,
    /// Whom that is told: servers by one of their URLs.
    pub trusted: &'a [Url],
    /// Bytes that the answer may have.
    pub limit: u64,
    /// How long all of it may take.
    pub patience: Duration,
}

/// An answer, whatever it is.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it is from, after all redirects.
    pub url: Url,
    body: SpooledTempFile,
}

impl Answer {
    /// Its content; nothing where it is no success.
    ///
    /// # Errors
    /// That it is not there any more.
    pub fn body(mut self) -> Result<Vec<u8>, Failed> {
        let mut content = Vec::new();
        let read = self.body.rewind().and_then(|()| self.body.read_to_end(&mut content));
        read.map_err(|error| Failed::said(format!("{}: cannot read what came: {error}", shown(&self.url))))?;
        Ok(content)
    }

    /// A header as text.
    pub fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Asks servers.
pub struct Web(Client);

impl Web {
    /// As a repository is to be reached.
    ///
    /// # Errors
    /// What of that cannot be.
    pub fn new(access: &Access) -> Result<Web, String> {
        let mut builder = Client::builder()
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .tls_danger_accept_invalid_certs(access.insecure);
        for authority in
            access.authorities.iter().flat_map(|pem| reqwest::Certificate::from_pem_bundle(pem.as_bytes())).flatten()
        {
            builder = builder.add_root_certificate(authority);
        }
        builder.build().map(Web).map_err(|error| format!("there is no HTTP client: {}", causes(error)))
    }

    /// Asks, and reads the whole answer.
    ///
    /// # Errors
    /// Where nobody answers, or with too much.
    pub async fn get(&self, ask: &Ask<'_>) -> Result<Answer, Failed> {
        let late = || Failed::away(format!("{}: no answer within {} s", shown(ask.url), ask.patience.as_secs()));
        tokio::time::timeout(ask.patience, self.follow(ask)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn follow(&self, ask: &Ask<'_>) -> Result<Answer, Failed> {
        let mut url = ask.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = self.0.get(url.clone()).header(ACCEPT, ask.accept);
            if let Some(etag) = ask.etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            let is_trusted = ask.trusted.iter().any(|trusted| trusted.origin() == url.origin());
            if let Some(authorization) = ask.authorization.filter(|_| is_trusted) {
                request = request.header(AUTHORIZATION, authorization);
            }
            let answered = request.send().await;
            let response = answered.map_err(|error| Failed::away(format!("{}: {}", shown(&url), causes(error))))?;
            match next(&url, &response).map_err(|why| Failed::said(format!("{}: {why}", shown(&url))))? {
                Some(next) => url = next,
                None => return read(url, response, ask.limit).await,
            }
        }
        Err(Failed::said(format!("{}: it leads elsewhere more than {MOST_REDIRECTS} times", shown(ask.url))))
    }
}

/// Where an answer leads, if it does.
fn next(url: &Url, response: &Response) -> Result<Option<Url>, String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let target = location.to_str().ok().and_then(|location| url.join(location).ok());
    let target = target.filter(|target| matches!(target.scheme(), "http" | "https") && target.has_host());
    let mut target = target.ok_or("it leads to what is no address of http or https")?;
    if url.scheme() == "https" && target.scheme() == "http" {
        return Err(format!("it leads to {}, where everybody can listen", shown(&target)));
    }
    without_login(&mut target);
    Ok(Some(target))
}

/// Takes away what would be sent as a login.
pub fn without_login(url: &mut Url) {
    // These fail for URLs without a host, which have no login.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

async fn read(url: Url, mut response: Response, limit: u64) -> Result<Answer, Failed> {
    let (status, headers) = (response.status(), response.headers().clone());
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failed::away(format!("{}: the server answers {status}", shown(&url))));
    }
    let mut body = SpooledTempFile::new(HELD);
    if !status.is_success() {
        return Ok(Answer { status, headers, url, body });
    }
    let too_large = || Failed::said(format!("{}: it has more than {} MiB", shown(&url), limit >> 20));
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let broken = |error| Failed::away(format!("{}: the answer breaks off: {}", shown(&url), causes(error)));
    let mut left = limit;
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        left = left.checked_sub(chunk.len() as u64).ok_or_else(too_large)?;
        let kept = body.write_all(&chunk);
        kept.map_err(|error| Failed::said(format!("{}: cannot keep what comes: {error}", shown(&url))))?;
    }
    Ok(Answer { status, headers, url, body })
}

/// A URL as messages name it: without a login, and without a query, which may be one.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    without_login(&mut url);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// What went wrong, down to its cause.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    if text.contains("certificate") {
        text += "; whoever vouches for it belongs in the ConfigMap argocd-tls-certs-cm, under the name of the host";
    }
    text
}
