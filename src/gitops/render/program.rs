//! Programs that render: with a home of their own, and limits; but for plugins, without the network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use sluice_core::gitops::manifest::Document;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::LIMIT;

/// How long a program may take.
const TIME: Duration = Duration::from_mins(1);
/// Bytes of memory that it may have, by the addresses that it uses; and by how much its collector of garbage holds back.
const MEMORY: u64 = 2 << 30;
const MEMORY_WANTED: &str = "1GiB";
/// Bytes that it may say on its standard error.
const COMPLAINTS: u64 = 16 << 10;
/// An address at which nobody answers: what asks for the network gets an error at once.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The programs that render, as names in the `PATH` or as paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Helm, 3 or 4.
    pub helm: String,
    /// Kustomize.
    pub kustomize: String,
    /// A folder of files that describe plugins, if there are any.
    pub plugins: Option<PathBuf>,
}

impl Default for Programs {
    fn default() -> Programs {
        Programs { helm: "helm".to_owned(), kustomize: "kustomize".to_owned(), plugins: None }
    }
}

/// The versions of programs: another one may render otherwise.
#[derive(Default)]
pub struct Versions(Mutex<HashMap<String, String>>);

impl Versions {
    /// What a program says of itself.
    pub async fn of(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(program) {
            return Ok(known.clone());
        }
        let home = tempfile::tempdir().map_err(|error| format!("cannot make a home for {program}: {error}"))?;
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let version = run(program, &arguments, home.path(), home.path()).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(program.to_owned(), version.clone());
        Ok(version)
    }
}

/// A program that is run.
pub struct Call<'a> {
    /// Its name in the `PATH`, or its path.
    pub program: &'a str,
    /// What it is called with.
    pub arguments: &'a [String],
    /// The folder that it works in, and its home.
    pub folder: &'a Path,
    pub home: &'a Path,
    /// Variables of its environment.
    pub variables: &'a [(String, String)],
    /// Whether it may ask the network.
    pub is_online: bool,
}

/// Runs a program in a folder, with another one as its home and without the network; what it prints.
pub async fn run(program: &str, arguments: &[String], folder: &Path, home: &Path) -> Result<String, String> {
    call(Call { program, arguments, folder, home, variables: &[], is_online: false }).await
}

/// Runs a program; what it prints.
pub async fn call(call: Call<'_>) -> Result<String, String> {
    let Call { program, arguments, folder, home, variables, is_online } = call;
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(arguments).current_dir(folder).env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
    command.env("PATH", path).env("HOME", home);
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"]
    {
        command.env(name, home);
    }
    if !is_online {
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env(name, NOWHERE);
        }
        command.env("GIT_ALLOW_PROTOCOL", "none");
    }
    command.env("GOMEMLIMIT", MEMORY_WANTED).env("GIT_TERMINAL_PROMPT", "0").env("KUBECONFIG", "/dev/null");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // What it starts itself ends with it.
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if program.contains('/') => {
            format!("the program {program} is needed for that, and is not there")
        }
        std::io::ErrorKind::NotFound => format!("the program {program} is needed for that, and is not in the PATH"),
        _ => format!("cannot start {program}: {error}"),
    })?;
    limit_memory(&child);
    let mut group = Group(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())));
    let program = program.rsplit('/').next().unwrap_or(program);
    let (output, complaints) = (child.stdout.take(), child.stderr.take());
    let finish = async {
        let (output, complaints) = tokio::join!(read(output, LIMIT), read(complaints, COMPLAINTS));
        if output.len() as u64 > LIMIT {
            return Err(format!("{program} printed more than {} MiB", LIMIT >> 20));
        }
        let status = child.wait().await.map_err(|error| format!("cannot wait for {program}: {error}"))?;
        // Its number may be another's from now on.
        group.0 = None;
        if !status.success() {
            let why = complaint(&String::from_utf8_lossy(&complaints));
            let why = if why.is_empty() { status.to_string() } else { why };
            return Err(format!("{program}: {why}"));
        }
        String::from_utf8(output).map_err(|_| format!("{program} printed what is not UTF-8"))
    };
    tokio::time::timeout(TIME, finish)
        .await
        .unwrap_or_else(|_| Err(format!("{program} took longer than {} s", TIME.as_secs())))
}

/// A program and all that it has started, for as long as it is not over.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // One that is over by now needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn limit_memory(child: &tokio::process::Child) {
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    // One that is over by now needs no limit.
    if let Some(pid) = pid {
        let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
        let _ = prlimit(Some(pid), Resource::As, limit);
    }
}

/// Reads to the end, and keeps one byte more than a limit.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut content = Vec::new();
    if let Some(mut from) = from {
        // What cannot be read is not there; how the program ended says the rest. Whoever says too much is heard out.
        let _ = (&mut from).take(limit + 1).read_to_end(&mut content).await;
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    content
}

/// What a program says of its end, without the warnings before it, and without advice for those who have started it by hand.
fn complaint(text: &str) -> String {
    let at = text.rfind("\nError: ").map_or(0, |at| at + 1);
    text[at..].trim().trim_end_matches("Use --debug flag to render out invalid YAML").trim_end().to_owned()
}

/// A message without the folder that a program worked in.
pub fn shown(why: &str, folder: &Path) -> String {
    let folder = folder.display().to_string();
    ["repository/", "home/", ""].iter().fold(why.to_owned(), |why, part| why.replace(&format!("{folder}/{part}"), ""))
}

/// The documents that a program printed, each under the file that it says it is of.
pub fn documents(text: &str) -> Result<Vec<Document>, String> {
    let (mut documents, mut wrong) = (Vec::new(), Vec::new());
    for part in sluice_yaml::split(text) {
        let source = part.text.lines().find_map(|line| line.strip_prefix("# Source: ")).map(str::to_owned);
        match sluice_yaml::read(part) {
            Ok(located) => {
                let file = source.unwrap_or_else(|| "what it renders to".to_owned());
                documents.push(Document { file, value: located.value });
            }
            Err(why) => {
                let at = why.line.map_or_else(String::new, |line| format!(", line {line} of what it renders to"));
                wrong.push(format!("{}{at}: {}", source.unwrap_or_default(), why.why));
            }
        }
    }
    if wrong.is_empty() { Ok(documents) } else { Err(wrong.join("; ")) }
}
