//! A Git server over SSH: the program of `tests/cluster/ssh`.

use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The server, which ends with this.
pub struct SshServer {
    greeting: Greeting,
    _program: Child,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Greeting {
    port: u16,
    host_key: String,
    user_key: String,
}

impl SshServer {
    /// Serves what is in a folder.
    pub async fn start(folder: &Path) -> SshServer {
        let mut command = Command::new("git-over-ssh");
        command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut program = command.spawn().expect("git-over-ssh is in the PATH: see tests/cluster/build-tools");
        let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
        let line = lines.next_line().await.expect("it can be read").expect("it greets");
        let greeting = serde_json::from_str(&line).expect("a greeting");
        SshServer { greeting, _program: program }
    }

    /// Where it serves a path of its folder.
    pub fn url(&self, path: &str) -> String {
        format!("ssh://git@127.0.0.1:{}/{path}", self.greeting.port)
    }

    /// The private key of its user.
    pub fn user_key(&self) -> &str {
        &self.greeting.user_key
    }

    /// The line by which it is known.
    pub fn known(&self) -> String {
        self.known_by(self)
    }

    /// A line by which it would be known, if it had another server's key.
    pub fn known_by(&self, other: &SshServer) -> String {
        format!("[127.0.0.1]:{} {}\n", self.greeting.port, other.greeting.host_key)
    }
}
