//! What can be asked of an Application on its page, and what that means, said before it is done.

use serde::Deserialize;

/// Something to ask of an Application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To look at its sources.
    Refresh,
    /// To look at its sources and trust nothing that is remembered.
    HardRefresh,
    /// To bring the cluster to what Git says.
    Sync,
    /// To end the operation under way.
    Terminate,
    /// To go back to a sync of the past.
    RollBack,
}

/// What was filled in with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Whether objects go that are not wanted any more.
    pub prune: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// For [`Action::RollBack`]: the entry of the history.
    pub id: i64,
}

impl Action {
    /// Those that concern the Application as a whole. A sync to go back to is chosen in the history.
    pub const OF_APPLICATION: [Action; 4] = [Action::Sync, Action::Refresh, Action::HardRefresh, Action::Terminate];

    const ALL: [Action; 5] = [Action::Refresh, Action::HardRefresh, Action::Sync, Action::Terminate, Action::RollBack];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Action::Refresh => "refresh",
            Action::HardRefresh => "hard-refresh",
            Action::Sync => "sync",
            Action::Terminate => "terminate",
            Action::RollBack => "rollback",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }

    /// What its button says.
    pub fn label(self) -> &'static str {
        match self {
            Action::Refresh => "Refresh",
            Action::HardRefresh => "Hard refresh",
            Action::Sync => "Sync",
            Action::Terminate => "Terminate",
            Action::RollBack => "Roll back",
        }
    }

    /// What it will do.
    pub fn means(self, details: &Details) -> String {
        match self {
            Action::Refresh => "The controller looks at the sources now, and compares.".to_owned(),
            Action::HardRefresh => {
                "The controller looks at the sources now, renders anew and trusts nothing that it remembers.".to_owned()
            }
            Action::Sync => "The cluster is brought to what the newest commit says.".to_owned(),
            Action::Terminate => {
                "The operation in progress is ended, with its hooks. What it has done stays.".to_owned()
            }
            Action::RollBack => format!(
                "The cluster is brought to what was synced under id {}. Git is not changed: until it is, the Application is \
                 out of sync.",
                details.id
            ),
        }
    }

    /// Whether objects can be let go with it, and whether it can be tried.
    pub fn has_choices(self) -> bool {
        matches!(self, Action::Sync | Action::RollBack)
    }

    /// What was done.
    pub fn done(self, name: &str, details: &Details) -> String {
        let dry = if details.dry_run { " (dry run)" } else { "" };
        match self {
            Action::Refresh => format!("application '{name}' is refreshed"),
            Action::HardRefresh => format!("application '{name}' is refreshed hard"),
            Action::Sync => format!("a sync of application '{name}' is asked for{dry}"),
            Action::Terminate => format!("the operation of application '{name}' is being terminated"),
            Action::RollBack => format!("a rollback of application '{name}' to id {} is asked for{dry}", details.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(action));
            assert!(!action.means(&Details::default()).is_empty());
        }
        assert_eq!(Action::named("explode"), None);
    }
}
