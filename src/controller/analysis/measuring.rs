//! The measurements that are under way, and what has come of those that ended, until it is stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sluice_core::analysis::{Taken, Task, Turn};
use tokio::task::AbortHandle;

use super::super::children::Key;

/// Of every run, by uid.
#[derive(Debug, Default)]
pub struct Measuring(Mutex<HashMap<String, OfRun>>);

#[derive(Debug, Default)]
struct OfRun {
    key: Key,
    under_way: BTreeMap<String, UnderWay>,
    taken: Vec<Taken>,
    begun: BTreeMap<String, Timestamp>,
}

#[derive(Debug)]
struct UnderWay {
    number: u32,
    ends: bool,
    task: AbortHandle,
}

impl Measuring {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, OfRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come of measurements and is not stored, and when the last ones began.
    pub fn observe(&self, uid: &str) -> (Vec<Taken>, BTreeMap<String, Timestamp>) {
        let all = self.lock();
        all.get(uid).map(|of| (of.taken.clone(), of.begun.clone())).unwrap_or_default()
    }

    /// Forgets what is stored now.
    pub fn stored(&self, uid: &str, stored: &[Taken]) {
        if let Some(of) = self.lock().get_mut(uid) {
            of.taken.retain(|taken| !stored.contains(taken));
        }
    }

    /// Has these measurements under way and no others. `start` starts one that is not.
    pub fn heed(&self, uid: &str, key: &Key, tasks: &[Task], start: impl Fn(&Task) -> AbortHandle) {
        let mut all = self.lock();
        if tasks.is_empty() && !all.contains_key(uid) {
            return;
        }
        let of = all.entry(uid.to_owned()).or_default();
        of.key.clone_from(key);
        of.under_way.retain(|metric, known| {
            let wanted = tasks.iter().find(|task| task.metric == *metric);
            let stays = wanted.is_some_and(|task| known.number == task.number && known.ends == ends(task));
            if !stays {
                known.task.abort();
            }
            stays
        });
        for task in tasks {
            if !of.under_way.contains_key(&task.metric) {
                // The lock is held, so that it cannot end before it is known.
                let under_way = UnderWay { number: task.number, ends: ends(task), task: start(task) };
                of.under_way.insert(task.metric.clone(), under_way);
            }
        }
    }

    /// Notes when a measurement began.
    pub fn began(&self, uid: &str, metric: &str, at: Timestamp) {
        if let Some(of) = self.lock().get_mut(uid) {
            of.begun.insert(metric.to_owned(), at);
        }
    }

    /// Notes what has come of a measurement, unless somebody has lost interest meanwhile.
    pub fn came(&self, uid: &str, taken: Taken) {
        let mut all = self.lock();
        let Some(of) = all.get_mut(uid) else { return };
        if of.under_way.get(&taken.metric).is_some_and(|known| known.number == taken.number) {
            of.taken.push(taken);
        }
    }

    /// Forgets a run that is over or gone.
    pub fn forget(&self, uid: &str) {
        if let Some(of) = self.lock().remove(uid) {
            of.under_way.values().for_each(|known| known.task.abort());
        }
    }

    /// Forgets the runs of a name that nobody has any more.
    pub fn forget_named(&self, key: &Key) {
        self.lock().retain(|_, of| {
            let is_gone = of.key == *key;
            if is_gone {
                of.under_way.values().for_each(|known| known.task.abort());
            }
            !is_gone
        });
    }

    /// Drops everything: another replica goes on.
    pub fn stop_all(&self) {
        for (_, of) in self.lock().drain() {
            of.under_way.values().for_each(|known| known.task.abort());
        }
    }
}

fn ends(task: &Task) -> bool {
    matches!(task.turn, Turn::End(_))
}
