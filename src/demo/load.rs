//! A small load: real requests to the proxy, and a count of who answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The host that is asked for: that of the demo's route.
const SITE: &str = "rollouts-demo.example.com";
/// Time between two requests.
const EVERY: Duration = Duration::from_millis(20);
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of requests: those that were answered, by the version that did, and those that were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers of pods, by version.
    pub answered: BTreeMap<String, u64>,
    /// Of them, those that were errors.
    pub errors: BTreeMap<String, u64>,
    /// Requests that no pod has answered.
    pub lost: u64,
    /// Why the first one was lost.
    pub first_loss: Option<String>,
}

impl Tally {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.answered.values().sum::<u64>() + self.lost
    }

    /// The share of a version in the answers, in percent.
    pub fn share(&self, version: &str) -> f64 {
        let answered: u64 = self.answered.values().sum();
        let own = self.answered.get(version).copied().unwrap_or(0);
        if answered == 0 { 0.0 } else { own as f64 * 100.0 / answered as f64 }
    }

    /// How many errors a version has answered.
    pub fn errors_of(&self, version: &str) -> u64 {
        self.errors.get(version).copied().unwrap_or(0)
    }

    /// What came after an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Tally) -> Tally {
        Tally {
            answered: difference(&self.answered, &earlier.answered),
            errors: difference(&self.errors, &earlier.errors),
            lost: self.lost - earlier.lost,
            first_loss: self.first_loss.clone(),
        }
    }

    fn add(&mut self, answer: anyhow::Result<Answer>) {
        match answer {
            Ok(Answer { version, is_error }) => {
                if is_error {
                    *self.errors.entry(version.clone()).or_default() += 1;
                }
                *self.answered.entry(version).or_default() += 1;
            }
            Err(error) => {
                self.lost += 1;
                self.first_loss.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

/// What was counted since, without what was not.
fn difference(now: &BTreeMap<String, u64>, earlier: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let before = |version: &String| earlier.get(version).copied().unwrap_or(0);
    let counted = now.iter().map(|(version, count)| (version.clone(), count - before(version)));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// The load. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<Mutex<Tally>>);

impl Load {
    /// The count so far.
    pub fn tally(&self) -> Tally {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends requests, so much faster than usual, until it is told to stop; then it waits for those that are under way.
    pub async fn run(self, proxy: SocketAddr, speed: f64, mut stop: watch::Receiver<bool>) {
        let mut under_way = JoinSet::new();
        let mut ticks = tokio::time::interval(EVERY.div_f64(speed));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                // The sender waits for this task, so that it is there.
                _ = stop.wait_for(|stop| *stop) => break,
            }
            while under_way.try_join_next().is_some() {}
            let load = self.clone();
            under_way.spawn(async move {
                let request = Request::get("/").header(HOST, SITE).body(Empty::new());
                let asked = async { ask(proxy, request?).await };
                let answer = tokio::time::timeout(PATIENCE, asked).await;
                let answer = answer.unwrap_or_else(|_| bail_late());
                load.lock().add(answer);
            });
        }
        under_way.join_all().await;
    }
}

fn bail_late() -> anyhow::Result<Answer> {
    bail!("no answer within {PATIENCE:?}")
}

/// What a pod has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its version: the tag of its image.
    pub version: String,
    /// Whether it was an error.
    pub is_error: bool,
}

/// Sends one request. An error of the proxy's own, which names no pod, is none of a version.
pub async fn ask(proxy: SocketAddr, request: Request<Empty<Bytes>>) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(proxy).await.context("cannot connect to the proxy")?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(image) = answer["image"].as_str() else { bail!("{status}: {}", String::from_utf8_lossy(&body)) };
    Ok(Answer { version: image.rsplit(':').next().unwrap_or(image).to_owned(), is_error: !status.is_success() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_answers_since_a_moment() {
        let answered = |blue, yellow, errors| {
            let answered = [("blue".to_owned(), blue), ("yellow".to_owned(), yellow)];
            let errors = [("yellow".to_owned(), errors)].into_iter().collect();
            Tally { answered: answered.into_iter().collect(), errors, lost: 1, first_loss: None }
        };
        let window = answered(100, 30, 7).since(&answered(20, 10, 2));
        assert!((window.share("yellow") - 20.0).abs() < 1e-9);
        assert_eq!((window.lost, window.total()), (0, 100));
        assert_eq!((window.errors_of("yellow"), window.errors_of("blue"), window.errors.len()), (5, 0, 1));
        assert!(Tally::default().share("blue").abs() < 1e-9);
    }

    #[test]
    fn an_error_of_a_pod_is_an_answer_and_no_answer_is_a_loss() {
        let mut tally = Tally::default();
        for is_error in [true, false, false] {
            tally.add(Ok(Answer { version: "green".to_owned(), is_error }));
        }
        tally.add(bail_late());
        assert_eq!((tally.total(), tally.errors_of("green"), tally.lost), (4, 1, 1));
        assert_eq!(tally.first_loss.as_deref(), Some("no answer within 2s"));
    }
}
