//! Answers that several Applications want at about the same time: one asks, and the others have the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an answer is kept that nobody wants.
const UNUSED: Duration = Duration::from_hours(2);

/// Answers, by what was asked.
pub struct Shared<T>(Mutex<HashMap<String, Place<T>>>);

/// An answer, and when it was asked for; held by whoever asks.
type Place<T> = Arc<tokio::sync::Mutex<Option<(Instant, T)>>>;

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared(Mutex::default())
    }
}

impl<T: Clone> Shared<T> {
    /// The answer, as it was at this time or later. Whoever has to ask is told the answer before that.
    pub async fn get<F>(&self, what: &str, since: Instant, ask: impl FnOnce(Option<T>) -> F) -> T
    where
        F: Future<Output = T>,
    {
        let place = self.place(what);
        let mut kept = place.lock().await;
        if let Some((_, answer)) = kept.as_ref().filter(|(at, _)| *at >= since) {
            return answer.clone();
        }
        let asked = Instant::now();
        let answer = ask(kept.as_ref().map(|(_, answer)| answer.clone())).await;
        *kept = Some((asked, answer.clone()));
        answer
    }

    fn place(&self, what: &str) -> Place<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.get(what) {
            return Arc::clone(place);
        }
        // Somebody who waits for one holds it, too.
        known.retain(|_, place| {
            let is_old = |place: &Option<(Instant, T)>| place.as_ref().is_none_or(|(at, _)| at.elapsed() > UNUSED);
            Arc::strong_count(place) > 1 || place.try_lock().is_ok_and(|place| !is_old(&place))
        });
        Arc::clone(known.entry(what.to_owned()).or_default())
    }
}
