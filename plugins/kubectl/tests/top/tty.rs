//! A program in a terminal of its own: what it draws is kept, keys are typed into it, and its modes are compared.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use tokio::time::Instant;

use crate::screen::Screen;

/// How long something may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// A terminal with the program in it.
pub struct Tty {
    keyboard: File,
    /// The program's side; while it is open here, the terminal outlives the program.
    program_side: File,
    screen: Arc<Mutex<Screen>>,
    child: Child,
    before: Termios,
}

impl Tty {
    /// Starts the program in a terminal of 80 columns and 24 lines.
    pub fn start(kubeconfig: &Path, arguments: &[&str]) -> Tty {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).expect("a terminal");
        unlockpt(&controller).expect("a terminal");
        let name = ptsname(&controller, Vec::new()).expect("its name").into_string().expect("its name in ASCII");
        let flags = i32::try_from(OpenptFlags::NOCTTY.bits()).expect("flags");
        let program_side =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(name).expect("its other side");
        set_size(&program_side, 80, 24);
        let before = tcgetattr(&program_side).expect("its modes");
        let side = || OwnedFd::from(program_side.try_clone().expect("a descriptor"));
        // In a session of its own, as every shell in a terminal has it.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(env!("CARGO_BIN_EXE_kubectl-sluice"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("KUBECONFIG", kubeconfig)
            .env("TERM", "xterm-256color")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("setsid is installed");
        let screen = Arc::new(Mutex::new(Screen::new(80, 24)));
        let mut output = File::from(controller);
        let keyboard = output.try_clone().expect("a descriptor");
        let drawn = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                drawn.lock().expect("a screen").take(&bytes[..count]);
            }
        });
        Tty { keyboard, program_side, screen, child, before }
    }

    /// Types these.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Gives the terminal another size; the program is told.
    pub fn resize(&mut self, columns: u16, lines: u16) {
        self.screen.lock().expect("a screen").resize(columns.into(), lines.into());
        set_size(&self.program_side, columns, lines);
    }

    /// Sends the program a signal.
    pub fn signal(&mut self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits until this is on the screen, however far its words are apart.
    pub async fn shows(&mut self, text: &str) {
        self.waits(&format!("{text:?} to be shown"), |screen| screen.contains(text)).await;
    }

    /// Waits until this is not on the screen.
    pub async fn hides(&mut self, text: &str) {
        self.waits(&format!("{text:?} to be gone"), |screen| !screen.contains(text)).await;
    }

    async fn waits(&mut self, what: &str, until: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let text = self.screen.lock().expect("a screen").text();
            let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            if until(&words.collect::<Vec<_>>().join("\n")) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "waited for {what} on\n{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the program has ended; its exit code.
    pub async fn ends(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("an answer") {
                assert_eq!(status.signal(), None, "it ends by itself");
                return status.code();
            }
            let screen = self.screen.lock().expect("a screen").text();
            assert!(begun.elapsed() < LIMIT, "it does not end:\n{screen}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Checks that the terminal is as it was before the program.
    pub fn is_as_before(&self) {
        let after = tcgetattr(&self.program_side).expect("its modes");
        let modes = |of: &Termios| (of.input_modes, of.output_modes, of.control_modes, of.local_modes);
        assert_eq!(modes(&after), modes(&self.before));
        let screen = self.screen.lock().expect("a screen");
        assert!(!screen.is_alternate && screen.is_cursor_shown, "{}", screen.text());
    }
}

fn set_size(terminal: &File, columns: u16, lines: u16) {
    let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal");
}

impl Drop for Tty {
    fn drop(&mut self) {
        // After a failure it may still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
