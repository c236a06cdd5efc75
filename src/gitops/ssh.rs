//! SSH: a question to a server of Git through the program `ssh`, and what is to be done where it does not get through.
//!
//! Which hosts and keys are good is said in the controller's namespace alone: there is no agent, no configuration of a user or of
//! the machine, and nobody is asked anything. Keys are on disk only while a question takes.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use gix::bstr::ByteSlice as _;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use gix::url::Scheme;
use tempfile::TempDir;

use super::git::{ANSWER, CONNECT, Credentials};

/// How the folders begin in which keys are while they are used.
const FOLDER: &str = "ssh-";
/// In there, the private key, and the keys of hosts.
const KEY: &str = "key";
const KNOWN_HOSTS: &str = "known_hosts";
/// How long `ssh` has to come to its end when all is said.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are kept of what it says: the last ones have the reason.
const LAST: usize = 2 << 10;

/// A question to a server, and the process that carries it, which ends with it.
pub struct Session {
    child: Arc<Mutex<Child>>,
    said: mpsc::Receiver<Vec<u8>>,
    _over: mpsc::Sender<()>,
    _secrets: TempDir,
}

/// Whether a repository is reached by SSH.
pub fn is_ssh(url: &str) -> bool {
    gix::url::parse(url).is_ok_and(|url| url.scheme == Scheme::Ssh)
}

/// Takes away keys that a process which died has left in a folder of copies.
pub fn tidy(folder: &Path) {
    let copies = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let all = copies.flat_map(|copy| std::fs::read_dir(copy.path()).into_iter().flatten().flatten());
    for left in all.filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER)) {
        if let Err(error) = std::fs::remove_dir_all(left.path()) {
            tracing::warn!(%error, folder = %left.path().display(), "cannot take away what is left of a key");
        }
    }
}

impl Session {
    /// Calls a server, with a folder for the keys of the call.
    ///
    /// # Errors
    /// Why that cannot even be tried.
    pub fn begin(
        url: &str,
        credentials: &Credentials,
        folder: &Path,
    ) -> Result<(Session, Connection<ChildStdout, ChildStdin>), String> {
        let url = gix::url::parse(url).map_err(|error| error.to_string())?;
        let secrets =
            secrets(credentials, folder).map_err(|error| format!("cannot write the keys for ssh: {error}"))?;
        let mut command = Command::new("ssh");
        command.args(arguments(&url, credentials)?).current_dir(secrets.path()).env_clear();
        let path = std::env::var_os("PATH").unwrap_or_default();
        // In English, which is what is read below.
        command.env("PATH", path).env("LC_ALL", "C").env("GIT_PROTOCOL", "version=2");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "SSH needs the program ssh, and that is not in the PATH".to_owned(),
            _ => format!("cannot start ssh: {error}"),
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { return Err("ssh has no pipes".to_owned()) };
        let child = Arc::new(Mutex::new(child));
        let (over, end) = mpsc::channel();
        let watched = Arc::clone(&child);
        std::thread::spawn(move || {
            // A server may answer for ever, and never have said anything.
            if end.recv_timeout(ANSWER) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill(&watched);
            }
        });
        let session = Session { child, said: listen(stderr), _over: over, _secrets: secrets };
        let (path, host) = (url.path.clone(), None::<(String, _)>);
        let connection = Connection::new(stdout, stdin, Protocol::V2, path, host, ConnectMode::Process, false);
        Ok((session, connection.custom_url(Some(url.to_bstring()))))
    }

    /// What `ssh` and the server have said beside their answers, in one line, once the connection is not used any more.
    pub fn said(self) -> String {
        let said = self.said.recv_timeout(PATIENCE).or_else(|_| {
            kill(&self.child);
            self.said.recv_timeout(PATIENCE)
        });
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // It is the server that writes this, for all that is known.
        lines.join("; ").chars().filter(|letter| !letter.is_control()).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        kill(&self.child);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was killed is over at once.
        let _ = child.wait();
    }
}

fn kill(child: &Mutex<Child>) {
    // One that is over needs no end.
    let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
}

/// Hears everything out, and keeps the last of it.
fn listen(mut from: ChildStderr) -> mpsc::Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut said, mut buffer) = (Vec::new(), [0; LAST]);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            said.extend_from_slice(&buffer[..count]);
            said.drain(..said.len().saturating_sub(LAST));
        }
        // Nobody may want to know.
        let _ = tell.send(said);
    });
    told
}

/// A folder with the keys, for its owner's eyes alone.
fn secrets(credentials: &Credentials, folder: &Path) -> std::io::Result<TempDir> {
    std::fs::create_dir_all(folder)?;
    let owner = std::fs::Permissions::from_mode(0o700);
    let secrets = tempfile::Builder::new().prefix(FOLDER).permissions(owner).tempdir_in(folder)?;
    let key = credentials.ssh_key.as_ref().map(|key| (KEY, key));
    for (name, content) in key.into_iter().chain(credentials.known_hosts.as_ref().map(|hosts| (KNOWN_HOSTS, hosts))) {
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(secrets.path().join(name))?;
        // A key without an end of its last line is none to ssh.
        writeln!(file, "{}", content.trim_end_matches('\n'))?;
    }
    Ok(secrets)
}

/// What `ssh` is called with, in the folder with the keys.
fn arguments(url: &gix::Url, credentials: &Credentials) -> Result<Vec<String>, String> {
    let host = url.host_argument_safe().ok_or("the URL has no host, or one that is none")?;
    let user = if url.user().is_some() { url.user_argument_safe().ok_or("the URL's user is none")? } else { "git" };
    let mut arguments = vec!["-F".to_owned(), "none".to_owned(), "-T".to_owned(), "-x".to_owned(), "-a".to_owned()];
    let mut set = |name: &str, value: &str| arguments.extend(["-o".to_owned(), format!("{name}={value}")]);
    for (name, value) in [
        ("BatchMode", "yes"),
        ("LogLevel", "ERROR"),
        ("PreferredAuthentications", "publickey"),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("UpdateHostKeys", "no"),
        ("PermitLocalCommand", "no"),
        ("ServerAliveInterval", "15"),
        ("SendEnv", "GIT_PROTOCOL"),
    ] {
        set(name, value);
    }
    set("ConnectTimeout", &CONNECT.as_secs().to_string());
    set("IdentityFile", if credentials.ssh_key.is_some() { KEY } else { "none" });
    let known = credentials.known_hosts.as_ref().map_or("/dev/null", |_| KNOWN_HOSTS);
    let (check, known) = if credentials.insecure { ("no", "/dev/null") } else { ("yes", known) };
    set("StrictHostKeyChecking", check);
    set("UserKnownHostsFile", known);
    if let Some(port) = url.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    let path = gix::url::expand_path::for_shell(url.path.clone()).to_str_lossy().into_owned();
    let command = format!("git-upload-pack '{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"));
    arguments.extend(["-l", user, "--", host, &command].map(str::to_owned));
    Ok(arguments)
}

/// What is to be done about what `ssh` has said, where that is known.
pub fn advice(said: &str, url: &str, credentials: &Credentials) -> Option<String> {
    let has = |text: &str| said.contains(text);
    let config = "the ConfigMap argocd-ssh-known-hosts-cm";
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        let shown = said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap_or_default();
        return Some(format!(
            "the host shows another key than {config} has for it: {}; somebody may be in between. If the host has a new key, put \
             what `{}` prints there instead",
            shown.trim_end_matches('.'),
            scan(url)
        ));
    }
    if has("host key is known for") {
        return Some(format!(
            "nobody vouches for the host: {config} has no key for it. Put there what `{}` prints, if the host's owner says that it \
             is the host's",
            scan(url)
        ));
    }
    has("Permission denied (").then(|| {
        let why = if credentials.ssh_key.is_some() {
            "the host does not let the key in that the repository's Secret has as sshPrivateKey"
        } else {
            "the host lets nobody in without a key, and no Secret has one for the repository, as sshPrivateKey"
        };
        format!("{why} ({said})")
    })
}

/// The command that prints the keys of a repository's host.
fn scan(url: &str) -> String {
    let url = gix::url::parse(url).ok();
    let host = url.as_ref().and_then(|url| url.host()).unwrap_or_default();
    let port = url.as_ref().and_then(|url| url.port).map_or_else(String::new, |port| format!("-p {port} "));
    format!("ssh-keyscan {port}{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(url: &str, credentials: &Credentials) -> Result<String, String> {
        let url = gix::url::parse(url).map_err(|error| error.to_string())?;
        Ok(arguments(&url, credentials)?.join(" "))
    }

    #[test]
    fn urls_are_read_as_git_reads_them() {
        for (url, expected) in [
            ("ssh://git@example.com/team/colors.git", "-l git -- example.com git-upload-pack '/team/colors.git'"),
            ("ssh://me@example.com:2222/colors", "-p 2222 -l me -- example.com git-upload-pack '/colors'"),
            ("git@example.com:team/colors.git", "-l git -- example.com git-upload-pack 'team/colors.git'"),
            ("git@example.com:/srv/colors.git", "-l git -- example.com git-upload-pack '/srv/colors.git'"),
            ("git@example.com:2222/colors.git", "-l git -- example.com git-upload-pack '2222/colors.git'"),
            ("ssh://git@[::1]:2222/colors.git", "-p 2222 -l git -- ::1 git-upload-pack '/colors.git'"),
            ("example.com:colors.git", "-l git -- example.com git-upload-pack 'colors.git'"),
            ("ssh://git@example.com/~me/colors", "-l git -- example.com git-upload-pack '~me/colors'"),
            ("git@example.com:it's; rm -rf ~", r"-l git -- example.com git-upload-pack 'it'\''s; rm -rf ~'"),
        ] {
            assert!(is_ssh(url), "{url}");
            let called = called(url, &Credentials::default()).expect("a call");
            assert!(called.ends_with(&format!("UserKnownHostsFile=/dev/null {expected}")), "{url}: {called}");
        }
        for url in ["https://example.com/a:b.git", "file:///srv/a:b.git", "/srv/a:b.git", "./a:b", "ext::sh -c id"] {
            assert!(!is_ssh(url), "{url}");
        }
    }

    #[test]
    fn nothing_of_a_url_is_taken_for_an_option() {
        for url in
            ["ssh://-oProxyCommand=id/colors", "-oProxyCommand=id:colors", "ssh://-oProxyCommand=id@example.com/a"]
        {
            let called = called(url, &Credentials::default());
            assert!(called.is_err(), "{url}: {called:?}");
        }
    }

    #[test]
    fn hosts_and_keys_are_those_that_were_given() {
        let url = "ssh://git@example.com/colors.git";
        let nothing = called(url, &Credentials::default()).expect("a call");
        for option in [
            "-F none",
            "BatchMode=yes",
            "IdentityAgent=none",
            "IdentityFile=none",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
        ] {
            assert!(nothing.contains(option), "{option}: {nothing}");
        }
        let mut credentials = Credentials {
            ssh_key: Some("KEY".to_owned()),
            known_hosts: Some("example.com ssh-ed25519 AAAA".to_owned()),
            ..Credentials::default()
        };
        let given = called(url, &credentials).expect("a call");
        assert!(given.contains("IdentityFile=key") && given.contains("UserKnownHostsFile=known_hosts"), "{given}");
        credentials.insecure = true;
        let insecure = called(url, &credentials).expect("a call");
        assert!(insecure.contains("StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"), "{insecure}");
    }

    #[test]
    fn keys_are_for_their_owner_alone_and_go() {
        let copies = tempfile::tempdir().expect("a folder");
        let copy = copies.path().join("a copy");
        let credentials = Credentials { ssh_key: Some("KEY".to_owned()), ..Credentials::default() };
        let here = secrets(&credentials, &copy).expect("keys");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        let key = here.path().join(KEY);
        assert_eq!((mode(here.path()), mode(&key)), (0o700, 0o600));
        assert_eq!(std::fs::read_to_string(&key).expect("a key"), "KEY\n");
        let left = here.keep();
        std::fs::write(copy.join("HEAD"), "ref: refs/heads/main").expect("a file");
        tidy(copies.path());
        assert!(!left.exists() && copy.join("HEAD").exists());
    }

    #[test]
    fn what_is_to_be_done_is_said() {
        let (url, none) = ("ssh://git@example.com:2222/colors.git", Credentials::default());
        let advice = |said: &str| advice(said, url, &none);
        let unknown = "No ED25519 host key is known for [example.com]:2222 and you have requested strict checking.; \
                       Host key verification failed.";
        let said = advice(unknown).expect("advice");
        assert!(said.contains("argocd-ssh-known-hosts-cm has no key for it"), "{said}");
        assert!(said.contains("`ssh-keyscan -p 2222 example.com`"), "{said}");
        let denied = advice("git@example.com: Permission denied (publickey).").expect("advice");
        assert!(denied.contains("no Secret has one for the repository"), "{denied}");
        assert_eq!(advice("ERROR: Repository not found."), None);
    }
}
