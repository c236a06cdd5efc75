//! What the live view knows and shows, as plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::api::{ReplicaSet, Rollout};
use sluice_core::info::badge::{Badge, Tone};
use sluice_core::info::rollout::{Counts, RolloutInfo, waiting};
use sluice_core::info::strategy::Strategy;
use sluice_core::info::{phase, text};

use sluice_core::act::action::{Action, Details};

use super::action::Question;
use super::order::Order;
use crate::view::paint::Paint;

/// The longest text that is kept of what a rollout waits for, in characters.
const LONGEST: usize = 500;

/// A rollout among all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// That of an object.
    pub fn of(rollout: &Rollout) -> Key {
        let metadata = &rollout.metadata;
        Key {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

/// Where one looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The context of the kubeconfig, or what stands for it.
    pub context: String,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
}

/// A rollout in the table. Its texts are fit for a terminal.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which one it is.
    pub key: Key,
    /// The object.
    pub rollout: Arc<Rollout>,
    /// Its phase.
    pub status: Badge,
    /// Step and weights.
    pub strategy: Strategy,
    /// Whether its actual weight is known.
    pub is_weighed: bool,
    /// Its pods, counted.
    pub counts: Counts,
    /// What it waits for, or why it is in its phase.
    pub waits: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The numbers of its revisions, the newest first; `None` where they cannot be read.
    pub revisions: Option<Vec<i64>>,
}

impl Row {
    /// That of a rollout, whose ReplicaSets are `owned`, where they are known.
    pub fn of(rollout: Arc<Rollout>, owned: Option<&[&ReplicaSet]>) -> Row {
        let (phase, message) = phase::shown(&rollout);
        let status = Badge::phase(&phase);
        let is_routed = rollout.spec.strategy.canary.as_ref().is_some_and(|canary| canary.traffic_routing.is_some());
        let waits = waiting(&rollout).filter(|text| !text.is_empty()).unwrap_or(message);
        Row {
            key: Key::of(&rollout),
            status: Badge::new(status.tone, text::line(&status.word, LONGEST)),
            strategy: Strategy::of(&rollout, owned.unwrap_or_default()),
            is_weighed: is_routed || owned.is_some(),
            counts: Counts::of(&rollout),
            waits: text::line(&waits, LONGEST),
            created: rollout.metadata.creation_timestamp.as_ref().map(|time| time.0),
            revisions: owned.map(revisions),
            rollout,
        }
    }
}

fn revisions(owned: &[&ReplicaSet]) -> Vec<i64> {
    let mut revisions: Vec<i64> = owned.iter().map(|rs| rs.revision()).filter(|number| *number > 0).collect();
    revisions.sort_unstable_by(|a, b| b.cmp(a));
    revisions.dedup();
    revisions
}

/// One rollout, looked at closely.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Which one it is.
    pub key: Key,
    /// What is shown of it; `None` until everything is listed.
    pub picture: Option<Picture>,
    /// Whether it was deleted meanwhile.
    pub is_gone: bool,
    /// How many lines are above the first on the screen.
    pub scroll: usize,
}

/// What is shown of one rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The rollout and what belongs to it.
    pub info: RolloutInfo,
    /// Its events, the newest first.
    pub events: Vec<Told>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How long ago it was told last.
    pub age: String,
    /// Whether it is a warning.
    pub is_warning: bool,
    /// Its reason.
    pub reason: String,
    /// What it says.
    pub message: String,
    /// How often it was told.
    pub count: i32,
}

/// What stands over the view and takes the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// The keys.
    Help,
    /// Whether something is to be done.
    Confirm(Question),
    /// Why something was not done.
    Failed(Vec<String>),
}

/// Something to say in the last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// Why a kind of objects is not up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What failed, and why.
    pub why: String,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct State {
    /// Where one looks.
    pub place: Place,
    /// Whether to use colours.
    pub paint: Paint,
    /// The present.
    pub now: Timestamp,
    /// Columns and lines of the terminal.
    pub size: (u16, u16),
    /// All rollouts; `None` before they were listed.
    pub rows: Option<Vec<Row>>,
    /// Which of them are shown, in order.
    pub shown: Vec<usize>,
    /// Their order.
    pub order: Order,
    /// What they are filtered by, as typed.
    pub filter: String,
    /// Whether the filter is being typed.
    pub is_typing: bool,
    /// The chosen one.
    pub selected: Option<Key>,
    /// Its place among those that are shown.
    pub cursor: usize,
    /// How many of them are above the first on the screen.
    pub scroll: usize,
    /// The one that is looked at closely.
    pub detail: Option<Detail>,
    /// What stands over it.
    pub dialog: Option<Dialog>,
    /// What is said in the last line.
    pub notice: Option<Notice>,
    /// What is being done, in words. Until it is known what came of it, nothing else is.
    pub under_way: Option<String>,
    /// What is not up to date, by the kind of objects.
    pub troubles: BTreeMap<String, Trouble>,
}

impl State {
    /// Before anything was read.
    pub fn new(place: Place, paint: Paint, now: Timestamp, size: (u16, u16)) -> State {
        State {
            place,
            paint,
            now,
            size,
            rows: None,
            shown: Vec::new(),
            order: Order::default(),
            filter: String::new(),
            is_typing: false,
            selected: None,
            cursor: 0,
            scroll: 0,
            detail: None,
            dialog: None,
            notice: None,
            under_way: None,
            troubles: BTreeMap::new(),
        }
    }

    /// The rollouts that are shown, in order.
    pub fn visible(&self) -> impl ExactSizeIterator<Item = &Row> {
        let rows = self.rows.as_deref().unwrap_or_default();
        self.shown.iter().map(|index| &rows[*index])
    }

    /// The rollout that keys act on: the one looked at, or the chosen one.
    pub fn subject(&self) -> Option<&Row> {
        let key = self.detail.as_ref().map(|detail| &detail.key).or(self.selected.as_ref())?;
        self.row(key)
    }

    /// A rollout by its name.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.as_deref()?.iter().find(|row| row.key == *key)
    }

    /// Lines between the title and the last line.
    pub fn height(&self) -> usize {
        usize::from(self.size.1).saturating_sub(2 + usize::from(!self.troubles.is_empty()))
    }

    /// Rollouts that fit on the screen, below the titles of the columns.
    pub fn page(&self) -> usize {
        self.height().saturating_sub(1).max(1)
    }
}

/// Something to be done to a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// To which one.
    pub key: Key,
    /// What.
    pub action: Action,
    /// To go back to which revision, and what the question was about.
    pub details: Details,
}
