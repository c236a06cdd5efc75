//! Passes over objects by their keys: one at a time for each, several at once, in an order that is the same in every run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::children::Key;

/// When to look at which object.
#[derive(Debug, Default)]
pub struct Due {
    by_key: BTreeMap<Key, Instant>,
    by_time: BTreeSet<(Instant, Key)>,
}

impl Due {
    /// The earlier of two moments counts.
    pub fn add(&mut self, key: Key, at: Instant) {
        if let Some(known) = self.by_key.get(&key).copied() {
            if known <= at {
                return;
            }
            self.by_time.remove(&(known, key.clone()));
        }
        self.by_key.insert(key.clone(), at);
        self.by_time.insert((at, key));
    }

    /// The first one.
    pub fn first(&self) -> Option<(Key, Instant)> {
        self.by_time.first().map(|(at, key)| (key.clone(), *at))
    }

    /// Forgets one.
    pub fn remove(&mut self, key: &Key) {
        if let Some(at) = self.by_key.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }
}

/// Makes a pass over each object that is touched, and again when that pass asks for it, until the task is stopped.
pub async fn run<F>(mut touched: mpsc::UnboundedReceiver<Key>, concurrency: usize, pass: F)
where
    F: Fn(Key) -> BoxFuture<'static, Option<Duration>>,
{
    let mut due = Due::default();
    let mut busy: BTreeSet<Key> = BTreeSet::new();
    // Touched while a pass was under way, which may not have seen why.
    let mut again: BTreeSet<Key> = BTreeSet::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        let first = due.first().filter(|_| busy.len() < concurrency.max(1));
        let comes = async {
            match &first {
                Some((_, at)) => tokio::time::sleep_until(*at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            key = touched.recv() => {
                let Some(key) = key else { return };
                if busy.contains(&key) {
                    again.insert(key);
                } else {
                    due.add(key, Instant::now());
                }
            }
            Some((key, next)) = under_way.next() => {
                let (key, next): (Key, Option<Duration>) = (key, next);
                busy.remove(&key);
                let wait = if again.remove(&key) { Some(Duration::ZERO) } else { next };
                if let Some(wait) = wait {
                    due.add(key, Instant::now() + wait);
                }
            }
            () = comes => {
                if let Some((key, _)) = first {
                    due.remove(&key);
                    busy.insert(key.clone());
                    let pass = pass(key.clone());
                    under_way.push(async move { (key, pass.await) });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;

    use super::*;

    fn key(name: &str) -> Key {
        ("shop".to_owned(), name.to_owned())
    }

    /// What happened, with the milliseconds at which it did.
    type Log = Arc<Mutex<Vec<(u128, String)>>>;

    async fn watched(moments: &[(u64, &str)], concurrency: usize, next: Option<Duration>) -> Vec<(u128, String)> {
        let (sender, touched) = mpsc::unbounded_channel();
        let log = Log::default();
        let start = Instant::now();
        let note = {
            let log = Arc::clone(&log);
            move |what: String| log.lock().expect("a lock").push((start.elapsed().as_millis(), what))
        };
        let pass = move |key: Key| {
            let note = note.clone();
            async move {
                note(format!("{} begins", key.1));
                tokio::time::sleep(Duration::from_millis(10)).await;
                note(format!("{} ends", key.1));
                next
            }
            .boxed()
        };
        let running = tokio::spawn(run(touched, concurrency, pass));
        for (at, name) in moments {
            tokio::time::sleep_until(start + Duration::from_millis(*at)).await;
            sender.send(key(name)).expect("it runs");
        }
        tokio::time::sleep_until(start + Duration::from_millis(100)).await;
        running.abort();
        log.lock().expect("a lock").clone()
    }

    fn said(log: &[(u128, String)]) -> Vec<(u128, &str)> {
        log.iter().map(|(at, what)| (*at, what.as_str())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn passes_of_one_object_follow_each_other_and_none_is_forgotten() {
        let log = watched(&[(0, "a"), (5, "a"), (6, "a")], 4, None).await;
        assert_eq!(said(&log), [(0, "a begins"), (10, "a ends"), (10, "a begins"), (20, "a ends")]);
    }

    #[tokio::test(start_paused = true)]
    async fn passes_of_several_objects_go_side_by_side_up_to_a_limit() {
        let log = watched(&[(0, "a"), (0, "b"), (0, "c")], 2, None).await;
        let begins: Vec<_> = said(&log).into_iter().filter(|(_, what)| what.ends_with("begins")).collect();
        assert_eq!(begins, [(0, "a begins"), (0, "b begins"), (10, "c begins")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_says_when_the_next_one_is_due_and_a_touch_may_come_before() {
        let log = watched(&[(0, "a"), (20, "a")], 1, Some(Duration::from_millis(50))).await;
        let begins: Vec<_> = said(&log).into_iter().filter(|(_, what)| what.ends_with("begins")).collect();
        assert_eq!(begins, [(0, "a begins"), (20, "a begins"), (80, "a begins")]);
    }
}
