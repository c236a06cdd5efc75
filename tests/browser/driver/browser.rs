//! What a person does with a browser: goes somewhere, looks, makes the window smaller. What does not come true within [`LIMIT`] fails
//! the test with what was looked for and what the page shows instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::LIMIT;
use super::process::Driver;
use super::session::Session;
use super::wire::Refused;

/// How much of a page's text a failure shows, in characters.
const EXCERPT: usize = 1500;

/// A browser, and the site that its paths belong to.
#[derive(Clone)]
pub struct Browser {
    pub(super) session: Arc<Session>,
    site: String,
    name: String,
    limit: Duration,
}

impl Browser {
    /// Starts one for a test of that name. [`Browser::close`] ends it; so does the end of the tests.
    pub async fn start(name: &str) -> Browser {
        let session = Session::begin(Driver::shared().await).await.expect("a browser starts");
        Browser { session: Arc::new(session), site: String::new(), name: name.to_owned(), limit: LIMIT }
    }

    /// The same browser, for the paths of a site such as `http://127.0.0.1:3100`.
    pub fn at(&self, site: &str) -> Browser {
        Browser { site: site.to_owned(), ..self.clone() }
    }

    /// The same browser, which waits no longer than that for what a story says. For stories of what does not come true.
    pub fn with_limit(&self, limit: Duration) -> Browser {
        Browser { limit, ..self.clone() }
    }

    /// Goes to a path of the site.
    pub async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.site);
        self.session.go(&url).await.unwrap_or_else(|error| panic!("opening {url}: {error}"));
    }

    /// The path that it is at, with its query and fragment.
    pub async fn path(&self) -> String {
        let path = self.script("return location.pathname + location.search + location.hash", json!([])).await;
        path.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until it is at a path.
    pub async fn arrives_at(&self, path: &str) {
        let looked = async || match self.path().await {
            it if it == path => Ok(()),
            it => Err(format!("it is at {it}")),
        };
        self.eventually(&format!("arriving at {path}"), looked).await;
    }

    /// Waits until the page's title is that.
    pub async fn has_title(&self, title: &str) {
        let looked = async || match self.script("return document.title", json!([])).await {
            it if it == title => Ok(()),
            it => Err(format!("it is {it}")),
        };
        self.eventually(&format!("the title {title:?}"), looked).await;
    }

    /// Runs a function's body in the page, whose arguments are `arguments`; gives what it returns.
    pub async fn script(&self, body: &str, arguments: Value) -> Value {
        self.session.script(body, arguments).await.unwrap_or_else(|error| panic!("running {body:.200}: {error}"))
    }

    /// Looks again and again until there is what was looked for; the error is why there is not yet.
    pub async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
        let end = Instant::now() + self.limit;
        loop {
            let why = match look().await {
                Ok(it) => return it,
                Err(why) => why,
            };
            assert!(Instant::now() < end, "{what}: {why}; the page shows:\n{}", self.excerpt().await);
            sleep(Duration::from_millis(40)).await;
        }
    }

    /// What has been complained of in the console since the last time: errors of scripts, what the page's policy has refused, and
    /// what could not be fetched.
    pub async fn complaints(&self) -> Vec<String> {
        let said = self.session.console().await.expect("the console is kept");
        let is_complaint = |it: &&Value| it["level"] == "SEVERE" || it["level"] == "WARNING";
        said.iter().filter(is_complaint).map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A cookie of the page: `value`, `httpOnly`, `sameSite` and what else there is to it.
    pub async fn cookie(&self, name: &str) -> Option<Value> {
        let all = self.session.cookies().await.expect("a page has cookies");
        all.into_iter().find(|it| it["name"] == name)
    }

    /// Gives the browser a cookie, as if the site had.
    pub async fn set_cookie(&self, name: &str, value: &str) {
        self.session.set_cookie(name, value).await.unwrap_or_else(|error| panic!("the cookie {name}: {error}"));
    }

    /// How long the page took to come, from its request to its last byte, and how large it is without compression, in bytes.
    pub async fn cost(&self) -> (Duration, u64) {
        let entry = "const it = performance.getEntriesByType('navigation')[0];";
        let body = format!("{entry} return [it.responseEnd - it.requestStart, it.decodedBodySize]");
        let cost = self.script(&body, json!([])).await;
        let spent = Duration::from_secs_f64(cost[0].as_f64().unwrap_or_default() / 1000.0);
        (spent, cost[1].as_u64().unwrap_or_default())
    }

    /// Makes a picture of what is to be seen, `target/browser/NAME.png`; gives its path.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let picture = self.session.picture().await.expect("a page can be pictured");
        keep(&format!("{name}.png"), &STANDARD.decode(picture).expect("it is in base 64"))
    }

    /// Keeps what somebody needs to understand a failure: the picture, the page as it is now, and what the console has said.
    pub async fn keep_evidence(&self) -> Result<PathBuf, Refused> {
        let page = self.session.script("return document.documentElement.outerHTML", json!([])).await?;
        keep(&format!("{}.html", self.name), page.as_str().unwrap_or_default().as_bytes());
        let said = self.session.console().await?;
        keep(&format!("{}.console.json", self.name), json!(said).to_string().as_bytes());
        Ok(self.picture(&self.name).await)
    }

    /// Ends it.
    pub async fn close(&self) -> Result<(), Refused> {
        self.session.end().await
    }

    async fn excerpt(&self) -> String {
        let shown = "return location.href + '\\n' + (document.body?.innerText ?? '')";
        let shown = self.session.script(shown, json!([])).await.unwrap_or_else(|error| json!(error.to_string()));
        shown.as_str().unwrap_or_default().chars().take(EXCERPT).collect()
    }
}

/// Writes a file of `target/browser`.
fn keep(file: &str, content: &[u8]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is below target");
    let folder = target.join("browser");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(file);
    std::fs::write(&path, content).expect("a file");
    path
}
