//! The driver's process: one for all tests, with a session of its own for each.
//!
//! It must not outlive the tests, however they end. So a shell holds it, which reads what nobody ever writes: when the tests have gone,
//! by an end, a panic or a signal, the reading ends, and the shell ends the driver. Browsers hear from their driver through a pipe
//! (`--remote-debugging-pipe`), and end when that ends.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::sync::OnceCell;
use tokio::time::{Duration, Instant, sleep};

use super::LIMIT;

/// Its folder is what the driver and its browsers write to; `$1`. Those that are about to end may still write.
const HOLD: &str = r#"
XAUTHORITY=${XAUTHORITY:-$HOME/.Xauthority} TMPDIR=$1 HOME=$1 chromedriver --port=0 >"$1/log" 2>&1 </dev/null &
driver=$!
read -r _
kill -9 "$driver"
tries=0
while ! rm -rf "$1" && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

static SHARED: OnceCell<Driver> = OnceCell::const_new();

/// A driver that runs.
pub struct Driver {
    url: String,
    programs: PathBuf,
    /// Its standard input stays open for as long as this process is there.
    _shell: Child,
}

impl Driver {
    /// The one of this process; the first one who asks starts it.
    pub async fn shared() -> &'static Driver {
        SHARED.get_or_init(Driver::start).await
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The browser.
    pub fn chromium(&self) -> PathBuf {
        self.programs.join("chromium")
    }

    /// The text of axe-core, which looks for what is not accessible.
    pub fn axe(&self) -> String {
        fs::read_to_string(self.programs.join("axe.min.js")).expect("it was there when the driver was started")
    }

    async fn start() -> Driver {
        let programs = programs();
        let folder = tempfile::tempdir().expect("a folder").keep();
        let shell = hold(&folder);
        let port = listens(&folder.join("log")).await;
        Driver { url: format!("http://127.0.0.1:{port}"), programs, _shell: shell }
    }
}

/// Starts the shell, and with it the driver.
fn hold(folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", HOLD, "hold"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A signal from the keyboard is for the tests: the shell has something to do after them.
        .process_group(0)
        .spawn()
        .expect("a shell")
}

/// The folder of the PATH that has all that there is to a browser.
fn programs() -> PathBuf {
    let all = ["chromium", "chromedriver", "axe.min.js"];
    let has_all = |folder: &Path| all.iter().all(|it| folder.join(it).exists());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|it| has_all(it));
    found.expect("there is no browser: PATH=$(tests/cluster/build-browser):$PATH has one")
}

/// Waits until it says that it listens; gives the port.
async fn listens(log: &Path) -> u16 {
    let end = Instant::now() + LIMIT;
    loop {
        let said = fs::read_to_string(log).unwrap_or_default();
        if let Some(port) = port(&said) {
            return port;
        }
        assert!(Instant::now() < end, "chromedriver does not start: {said}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The port that it says it listens at.
fn port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("started successfully on port ")?;
    rest.split_once('.')?.0.parse().ok()
}
