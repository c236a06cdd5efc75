//! Limits on how many measurements are taken of one server at once: one that hangs keeps its own waiting, and nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Measurements of one server at once.
const MOST: usize = 64;
/// So many lanes are remembered before those that nobody is in are forgotten.
const MANY: usize = 256;

/// The lanes, by whom is asked.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Lanes {
    /// Waits for a place.
    pub async fn enter(&self, lane: String) -> Option<OwnedSemaphorePermit> {
        // Nobody closes one.
        self.of(lane).acquire_owned().await.ok()
    }

    fn of(&self, lane: String) -> Arc<Semaphore> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() > MANY {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.available_permits() < MOST);
        }
        Arc::clone(lanes.entry(lane).or_insert_with(|| Arc::new(Semaphore::new(MOST))))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_lane_waits_and_the_others_do_not() {
        let lanes = Lanes::default();
        let mut inside = Vec::new();
        for _ in 0..MOST {
            inside.push(lanes.enter("a".to_owned()).await);
        }
        let late = tokio::time::timeout(Duration::from_mins(1), lanes.enter("a".to_owned())).await;
        assert!(late.is_err(), "it is full");
        assert!(lanes.enter("b".to_owned()).await.is_some());
        inside.pop();
        assert!(lanes.enter("a".to_owned()).await.is_some());
    }

    #[tokio::test]
    async fn lanes_that_nobody_is_in_are_forgotten() {
        let lanes = Lanes::default();
        let _inside = lanes.enter("busy".to_owned()).await;
        for number in 0..2 * MANY {
            drop(lanes.enter(number.to_string()).await);
        }
        let known = lanes.0.lock().expect("a lock");
        assert!(known.len() <= MANY + 1 && known.contains_key("busy"), "{}", known.len());
    }
}
