//! Plugins that are programs: checked, started, and ended with all that they started themselves.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::connect::Connection;
use crate::lines::{Lines, Next};
use crate::registry::Entry;

/// The longest line on standard error.
const LONGEST_LINE: usize = 16 << 10;

/// How much of a line is logged.
const SHOWN: usize = 512;

/// How many lines a program may log in a [`WINDOW`]: more are counted, not shown.
const LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(10);

/// A process and its group. When this is dropped, all of them are killed.
#[derive(Debug)]
pub(crate) struct Child {
    /// Never waited for while this is there, so that its number cannot become another process's.
    process: tokio::process::Child,
    group: Option<Pid>,
    /// What it said last on standard error.
    last_words: Arc<Mutex<String>>,
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // It fails where there is nobody left.
            kill_process_group(group, Signal::KILL).ok();
        }
        self.process.start_kill().ok();
    }
}

/// Starts a program.
///
/// # Errors
/// It cannot be read or started, or is not the one that the checksum is of.
pub(crate) async fn start(name: &str, path: &Path, entry: &Entry) -> Result<Connection, String> {
    if let Some(expected) = &entry.sha256 {
        let found = checksum(path).await.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if found != *expected {
            return Err(format!("the sha256 of {} is {found}, and {expected} is configured", path.display()));
        }
    }
    let mut process = Command::new(path)
        .args(&entry.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", path.display()))?;
    let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
    let group = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let last_words = Arc::new(Mutex::new(String::new()));
    let child = Child { process, group, last_words: last_words.clone() };
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(format!("cannot start {}: it has no pipes", path.display()));
    };
    tokio::spawn(log(name.to_owned(), stderr, last_words));
    Ok(Connection { child: Some(child), ..Connection::new(stdout, stdin) })
}

/// The SHA-256 of a file, in hexadecimal.
async fn checksum(path: &Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut sum = Sha256::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let length = file.read(&mut part).await?;
        if length == 0 {
            return Ok(hexadecimal(&sum.finalize()));
        }
        sum.update(&part[..length]);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl Child {
    /// How it ended, after it closed its standard output: with what it said last. Waits a moment for its end.
    pub(crate) async fn epitaph(&self) -> String {
        const PATIENCE: u32 = 20;
        const PAUSE: Duration = Duration::from_millis(25);
        let mut how = "closed its standard output".to_owned();
        for _ in 0..PATIENCE {
            if let Some(ended) = self.ended() {
                how = ended;
                break;
            }
            sleep(PAUSE).await;
        }
        // What it said last may still be in the pipe.
        sleep(PAUSE).await;
        let last = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_empty() { how } else { format!("{how}: {last}") }
    }

    /// How it ended, where it has. Leaves its number taken.
    fn ended(&self) -> Option<String> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.group?), options).ok()??;
        Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        })
    }
}

/// Logs what a program says on standard error, until it closes that or says too long a line.
async fn log(name: String, stderr: impl AsyncRead + Unpin, last_words: Arc<Mutex<String>>) {
    let mut lines = Lines::new(stderr, LONGEST_LINE);
    let (mut since, mut said) = (Instant::now(), 0_u32);
    loop {
        let line = match lines.next().await {
            Next::Line(line) => readable(&line),
            Next::TooLong => {
                tracing::warn!(plugin = name, "a line on standard error is too long; nothing more of it is logged");
                // The program must not wait for a reader that has gone.
                lines.drain().await;
                return;
            }
            Next::End | Next::Broken(_) => return,
        };
        if since.elapsed() >= WINDOW {
            if said > LINES {
                tracing::warn!(plugin = name, lines = said - LINES, "said more on standard error than is logged");
            }
            (since, said) = (Instant::now(), 0);
        }
        said = said.saturating_add(1);
        if said <= LINES {
            tracing::info!(plugin = name, "{line}");
        }
        if !line.is_empty() {
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = line;
        }
    }
}

/// A line as it may stand in a log or in a message: cut, and without what would move a cursor.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let tame: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    tame.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_written_as_sha256sum_does() {
        let sum = Sha256::digest(b"abc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hexadecimal(&sum), expected);
    }

    #[test]
    fn a_line_is_cut_and_moves_no_cursor() {
        assert_eq!(readable(b"  \x1b[2Jhello\r"), "[2Jhello");
        assert_eq!(readable(b"a\tb\x1b[0m"), "a b [0m");
        assert_eq!(readable(&[b'x'; 2000]).len(), SHOWN);
        assert_eq!(readable(b"\xff"), "\u{fffd}");
    }
}
