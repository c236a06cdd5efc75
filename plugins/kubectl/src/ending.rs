//! The signals that end a program which has a terminal to put in order first.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::problem::Problem;

/// Ctrl-C, a request to end, and a terminal that was closed, each with the exit code that shells give it.
const CODES: [(SignalKind, u8); 3] =
    [(SignalKind::interrupt(), 130), (SignalKind::terminate(), 143), (SignalKind::hangup(), 129)];

/// Listens from its beginning on, so that none is lost between two looks.
pub struct Endings(Vec<(Signal, u8)>);

impl Endings {
    /// Listens. From here on no signal ends the program by itself.
    pub fn listen() -> io::Result<Endings> {
        CODES.into_iter().map(|(kind, code)| Ok((signal(kind)?, code))).collect::<io::Result<_>>().map(Endings)
    }

    /// Leaves the signals to what they do by themselves.
    pub fn by_default() -> Endings {
        Endings(Vec::new())
    }

    /// Waits for the first; the end that it asks for.
    pub async fn first(&mut self) -> Problem {
        let code = poll_fn(|cx| {
            let mut came =
                self.0.iter_mut().filter_map(|(signal, code)| signal.poll_recv(cx).is_ready().then_some(*code));
            came.next().map_or(Poll::Pending, Poll::Ready)
        });
        Problem::told().with_code(code.await)
    }
}
