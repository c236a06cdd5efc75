//! Counters of answered requests, with the moments at which they rose.
//!
//! Memory is bounded: of many moments, old ones are thinned, so that how exactly one is known is a fraction of how long it is ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Labels, NAME};
use crate::time::Time;

/// The metric.
pub const REQUESTS: &str = "http_requests_total";
/// How long a series whose pod is gone is still seen, in milliseconds. (Prometheus looks back as far.)
pub const LOOK_BACK: i64 = 5 * 60 * 1000;
/// The longest range that can be asked for, in milliseconds; series whose pods are gone are kept as long.
pub const LONGEST_RANGE: i64 = 60 * 60 * 1000;
/// The most series.
const MOST_SERIES: usize = 1000;
/// The most moments of one series. In the longest range there are half as many at distances of [`EXACTNESS`].
const MOST_MOMENTS: usize = 4096;
/// A moment is known to this part of the time that it is ago.
const EXACTNESS: i64 = 100;

/// One counter. Times are milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Series {
    born: i64,
    ended: Option<i64>,
    /// When it rose, and to what.
    rises: VecDeque<(i64, u64)>,
}

impl Series {
    /// A counter that is zero.
    pub fn new(born: i64) -> Series {
        Series { born, ended: None, rises: VecDeque::new() }
    }

    /// It is one higher from now on.
    pub fn rise(&mut self, now: i64) {
        let total = self.rises.back().map_or(0, |(_, total)| *total) + 1;
        match self.rises.back_mut() {
            // Time does not go back, whatever the machine's clock does.
            Some(last) if last.0 >= now => last.1 = total,
            _ => self.rises.push_back((now, total)),
        }
        if self.rises.len() > MOST_MOMENTS {
            self.thin(now);
        }
    }

    /// Forgets moments, the more of them the longer they are ago.
    fn thin(&mut self, now: i64) {
        let mut kept: VecDeque<(i64, u64)> = VecDeque::new();
        for nth in (0..self.rises.len()).rev() {
            let Some(rise) = self.rises.get(nth).copied() else { continue };
            let before = nth.checked_sub(1).and_then(|older| self.rises.get(older)).map_or(self.born, |older| older.0);
            let gap = kept.front().map_or(i64::MAX, |newer| newer.0.saturating_sub(before));
            if gap > now.saturating_sub(rise.0) / EXACTNESS {
                kept.push_front(rise);
            }
            if now.saturating_sub(rise.0) > LONGEST_RANGE {
                // It says what the counter had come to; nobody asks for those before it.
                break;
            }
        }
        self.rises = kept;
    }

    /// What it had come to.
    fn total(&self, at: i64) -> u64 {
        let until = self.rises.partition_point(|(when, _)| *when <= at);
        until.checked_sub(1).and_then(|last| self.rises.get(last)).map_or(0, |(_, total)| *total)
    }

    /// How many moments it remembers.
    #[cfg(test)]
    pub(super) fn moments(&self) -> usize {
        self.rises.len()
    }

    /// Its value, where it is seen at that moment.
    pub fn value(&self, at: i64) -> Option<f64> {
        let is_seen = self.born <= at && self.ended.is_none_or(|ended| at <= ended.saturating_add(LOOK_BACK));
        is_seen.then(|| self.total(at) as f64)
    }

    /// By how much it rose in the time before a moment; nothing where it was not there in that time.
    pub fn increase(&self, at: i64, range: i64) -> Option<f64> {
        let from = at.saturating_sub(range).max(self.born);
        let to = self.ended.map_or(at, |ended| ended.min(at));
        (from < to).then(|| (self.total(to) - self.total(from)) as f64)
    }
}

/// All counters. Clones share them.
#[derive(Clone, Debug)]
pub struct Counters {
    time: Time,
    series: Arc<Mutex<All>>,
}

type All = BTreeMap<Labels, Arc<Series>>;

impl Default for Counters {
    fn default() -> Counters {
        Counters::new(Time::Machine)
    }
}

impl Counters {
    /// None yet.
    pub fn new(time: Time) -> Counters {
        Counters { time, series: Arc::default() }
    }

    /// The present moment.
    pub fn now(&self) -> i64 {
        self.time.now().as_millisecond()
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins counters with these labels and each of the codes, at zero, so that there is something to divide by before the first
    /// request. Who fed them before and has come back goes on with them.
    pub fn begin(&self, labels: &BTreeMap<String, String>, codes: &[&str]) {
        let now = self.now();
        let mut all = self.lock();
        for (_, series) in all.iter_mut().filter(|(of, _)| have(of, labels)) {
            Arc::make_mut(series).ended = None;
        }
        for code in codes {
            let mut labels = labels.clone();
            labels.insert("code".to_owned(), (*code).to_owned());
            entry(&mut all, &labels, now);
        }
    }

    /// Counts one request.
    pub fn count(&self, labels: &BTreeMap<String, String>) {
        let now = self.now();
        // One that begins with this was zero just before.
        if let Some(series) = entry(&mut self.lock(), labels, now - 1) {
            series.rise(now);
        }
    }

    /// Ends the counters that have these labels, among others: who fed them is gone.
    pub fn end(&self, labels: &BTreeMap<String, String>) {
        let now = self.now();
        let mut all = self.lock();
        for (_, series) in all.iter_mut().filter(|(of, _)| have(of, labels)) {
            Arc::make_mut(series).ended.get_or_insert(now);
        }
        all.retain(|_, series| series.ended.is_none_or(|ended| now <= ended + LONGEST_RANGE));
    }

    /// All of them as they are now, in the order of their labels.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.lock().iter().map(|(labels, series)| (Arc::clone(labels), Arc::clone(series))).collect())
    }
}

/// Whether these labels are among those of a series.
fn have(of: &Labels, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(name, value)| of.get(name) == Some(value))
}

/// The counter with these labels. There is none where there are too many, and the pods of all are there.
fn entry<'a>(all: &'a mut All, labels: &BTreeMap<String, String>, born: i64) -> Option<&'a mut Series> {
    let mut labels = labels.clone();
    labels.insert(NAME.to_owned(), REQUESTS.to_owned());
    if !all.contains_key(&labels) && all.len() >= MOST_SERIES {
        let gone = all.iter().filter_map(|(of, series)| Some((series.ended?, Arc::clone(of))));
        let (_, oldest) = gone.min()?;
        all.remove(&oldest);
    }
    let series = all.entry(Arc::new(labels)).or_insert_with(|| Arc::new(Series::new(born)));
    Some(Arc::make_mut(series))
}

/// Counters as they were at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(pub Vec<(Labels, Arc<Series>)>);
