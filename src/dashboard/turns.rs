//! Streams, turn by turn: what somebody is told is made again at every change and, without any, every so often. Each time it is asked who
//! they are: a session ends, and with it what it sees.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::Dashboard;
use super::access::Caller;
use super::refused::Refused;

/// Changes come in bursts; this long after the first of them the next turn begins.
const SETTLE: Duration = Duration::from_millis(150);
/// How often there is a turn without a change: rights are withdrawn and sessions end without one.
pub const CALM: Duration = Duration::from_secs(10);
/// How often at least something is said, so that who listens knows that they have all there is, and nobody in between takes the
/// connection for dead.
const BEAT: Duration = Duration::from_secs(10);

/// The turns of one stream. `make` makes what it tells, for who asks.
pub struct Turns<M> {
    dashboard: Arc<Dashboard>,
    headers: HeaderMap,
    make: M,
    every: Duration,
    bell: watch::Receiver<u64>,
    /// When anything was said last.
    told: Instant,
}

impl<M> Turns<M> {
    /// Those of who asks by these headers, and what came of the first one.
    pub async fn begin<F, T>(
        dashboard: Arc<Dashboard>,
        headers: HeaderMap,
        every: Duration,
        make: M,
    ) -> Result<(Turns<M>, T), Refused>
    where
        M: Fn(Arc<Dashboard>, Caller) -> F,
        F: Future<Output = Result<T, Refused>>,
    {
        let mut bell = dashboard.book.bell();
        bell.mark_unchanged();
        let turns = Turns { dashboard, headers, make, every, bell, told: Instant::now() };
        let first = turns.made().await?;
        Ok((turns, first))
    }

    /// Waits for the next turn, and tells what came of it; nothing when nothing is watched any more.
    pub async fn next<F, T>(&mut self) -> Option<Result<T, Refused>>
    where
        M: Fn(Arc<Dashboard>, Caller) -> F,
        F: Future<Output = Result<T, Refused>>,
    {
        if let Ok(rung) = timeout(self.every, self.bell.changed()).await {
            rung.ok()?;
            sleep(SETTLE).await;
            self.bell.mark_unchanged();
        }
        Some(self.made().await)
    }

    async fn made<F, T>(&self) -> Result<T, Refused>
    where
        M: Fn(Arc<Dashboard>, Caller) -> F,
        F: Future<Output = Result<T, Refused>>,
    {
        let gatekeeper = &self.dashboard.gatekeeper;
        let caller = match gatekeeper.caller(&self.headers) {
            Ok(Some(caller)) => caller,
            Ok(None) => return Err(Refused::new(StatusCode::UNAUTHORIZED, "the session is over: log in again")),
            Err(error) => {
                return Err(Refused::new(StatusCode::BAD_GATEWAY, format!("cannot reach the API server: {error}")));
            }
        };
        // A page is much to hold; what waits for it is not to be as large.
        let made = Box::pin((self.make)(Arc::clone(&self.dashboard), caller.clone())).await;
        // With the answers about them: the next turn does not ask for these again.
        gatekeeper.remember(caller);
        made
    }

    /// What is said in a turn: the news, or after a long time without any that there are none.
    pub fn said<W>(&mut self, news: Option<W>, none: impl FnOnce() -> W) -> Option<W> {
        let said = news.or_else(|| (self.told.elapsed() >= BEAT).then(none));
        if said.is_some() {
            self.told = Instant::now();
        }
        said
    }
}
