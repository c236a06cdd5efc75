//! Weather: a gateway whose control plane hears at once, or one that is frozen for 8 of every 9 seconds. There is one gateway for
//! all tests, so those of one weather run together, a few at a time, and those of the other wait.

use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

const FROZEN_FOR: Duration = Duration::from_secs(8);
const THAWED_FOR: Duration = Duration::from_secs(1);
/// Stories that run together: each sends its load.
const TOGETHER: usize = 6;

/// Freezes and thaws a process by turns until it is dropped; then it thaws it.
struct Freezer {
    /// Dropped to end the thread.
    going_on: Option<Sender<()>>,
    /// How often it was frozen, and whether it is.
    frozen: watch::Receiver<Phase>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Phase {
    freezes: usize,
    frozen: bool,
}

impl Freezer {
    fn start(process: u32) -> Freezer {
        let (going_on, end) = channel();
        let (phase, frozen) = watch::channel(Phase::default());
        let thread = std::thread::spawn(move || alternate(process, &end, &phase));
        Freezer { going_on: Some(going_on), frozen, thread: Some(thread) }
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.going_on = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn alternate(process: u32, end: &Receiver<()>, phase: &watch::Sender<Phase>) {
    loop {
        signal(process, "STOP");
        phase.send_modify(|phase| *phase = Phase { freezes: phase.freezes + 1, frozen: true });
        let ended = has_ended(end, FROZEN_FOR);
        phase.send_modify(|phase| phase.frozen = false);
        signal(process, "CONT");
        if ended || has_ended(end, THAWED_FOR) {
            return;
        }
    }
}

/// Waits, and tells whether the freezer was dropped meanwhile.
fn has_ended(end: &Receiver<()>, duration: Duration) -> bool {
    !matches!(end.recv_timeout(duration), Err(RecvTimeoutError::Timeout))
}

fn signal(process: u32, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(process.to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{signal} to process {process}");
}

/// Who runs at present.
enum Weather {
    Nobody,
    Thawed(usize),
    Frozen(usize, Freezer),
}

static WEATHER: Mutex<Weather> = Mutex::new(Weather::Nobody);

fn weather() -> MutexGuard<'static, Weather> {
    WEATHER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the present weather.
pub struct Turn {
    /// The freezer's, where there is one.
    frozen: Option<watch::Receiver<Phase>>,
    freezes_before: usize,
}

impl Turn {
    /// Waits until there is the weather that is wanted, and room in it.
    pub async fn of(frozen: bool, process: u32) -> Turn {
        loop {
            if let Some(turn) = Turn::now(frozen, process) {
                return turn;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn now(frozen: bool, process: u32) -> Option<Turn> {
        let mut weather = weather();
        match &mut *weather {
            Weather::Nobody if frozen => *weather = Weather::Frozen(1, Freezer::start(process)),
            Weather::Nobody => *weather = Weather::Thawed(1),
            Weather::Thawed(count) if !frozen && *count < TOGETHER => *count += 1,
            Weather::Frozen(count, _) if frozen && *count < TOGETHER => *count += 1,
            Weather::Thawed(_) | Weather::Frozen(..) => return None,
        }
        let frozen = match &*weather {
            Weather::Frozen(_, freezer) => Some(freezer.frozen.clone()),
            Weather::Nobody | Weather::Thawed(_) => None,
        };
        let freezes_before = frozen.as_ref().map_or(0, |frozen| frozen.borrow().freezes);
        Some(Turn { frozen, freezes_before })
    }

    /// How often the gateway's control plane was frozen since this began.
    pub fn freezes(&self) -> usize {
        self.frozen.as_ref().map_or(0, |frozen| frozen.borrow().freezes - self.freezes_before)
    }

    /// Waits for the beginning of a freeze.
    pub async fn until_just_frozen(&mut self) {
        let frozen = self.frozen.as_mut().expect("there are freezes in this weather");
        frozen.wait_for(|phase| !phase.frozen).await.expect("the freezer goes on");
        frozen.wait_for(|phase| phase.frozen).await.expect("the freezer goes on");
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut weather = weather();
        let last = match &mut *weather {
            Weather::Nobody => true,
            Weather::Thawed(count) | Weather::Frozen(count, _) => {
                *count -= 1;
                *count == 0
            }
        };
        if last {
            *weather = Weather::Nobody;
        }
    }
}
