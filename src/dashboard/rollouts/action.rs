//! What can be asked of a rollout on its page, and what that means, said before it is done.

use serde::Deserialize;
use sluice_core::act::image::Assignment;
use sluice_core::act::promote::Extent;

/// Something to ask of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To go on to the next step.
    Promote,
    /// To go on to the end.
    PromoteFull,
    /// To give the update up.
    Abort,
    /// To try an aborted update again.
    Retry,
    /// To replace its pods.
    Restart,
    /// To hold where it is.
    Pause,
    /// To run another image.
    SetImage,
    /// To go back to an earlier revision.
    Undo,
}

/// What was filled in with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Details {
    /// For [`Action::Undo`]: the revision; 0 is the one before the newest.
    pub revision: i64,
    /// For [`Action::SetImage`]: the container.
    pub container: String,
    /// For [`Action::SetImage`]: its image.
    pub image: String,
}

impl Action {
    /// Those that concern the rollout as a whole. A revision to go back to is chosen among the revisions.
    pub const OF_ROLLOUT: [Action; 7] = [
        Action::Promote,
        Action::PromoteFull,
        Action::Abort,
        Action::Retry,
        Action::Restart,
        Action::Pause,
        Action::SetImage,
    ];

    const ALL: [Action; 8] = [
        Action::Promote,
        Action::PromoteFull,
        Action::Abort,
        Action::Retry,
        Action::Restart,
        Action::Pause,
        Action::SetImage,
        Action::Undo,
    ];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Action::Promote => "promote",
            Action::PromoteFull => "promote-full",
            Action::Abort => "abort",
            Action::Retry => "retry",
            Action::Restart => "restart",
            Action::Pause => "pause",
            Action::SetImage => "set-image",
            Action::Undo => "undo",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }

    /// What its button says.
    pub fn label(self) -> &'static str {
        match self {
            Action::Promote => "Promote",
            Action::PromoteFull => "Promote full",
            Action::Abort => "Abort",
            Action::Retry => "Retry",
            Action::Restart => "Restart",
            Action::Pause => "Pause",
            Action::SetImage => "Set image",
            Action::Undo => "Roll back",
        }
    }

    /// What it will do.
    pub fn means(self, details: &Details) -> String {
        match self {
            Action::Promote => {
                "It goes on to the next step, or past the pause that it is at. Later steps are as they are.".to_owned()
            }
            Action::PromoteFull => {
                "It goes on to the end at once: without any further step, pause or analysis, as fast as its pods become ready."
                    .to_owned()
            }
            Action::Abort => "The update is given up: all traffic goes back to the stable revision.".to_owned(),
            Action::Retry => "The update that was aborted begins again, from its first step.".to_owned(),
            Action::Restart => "All its pods are replaced by new ones of the same revision, one after the other.".to_owned(),
            Action::Pause => "It stays where it is, until it is promoted or its manifest says otherwise.".to_owned(),
            Action::SetImage => {
                "The manifest in the cluster asks for this image from now on, which begins an update. Where Git is the source, \
                 the next sync puts it back."
                    .to_owned()
            }
            Action::Undo => format!(
                "The manifest in the cluster asks for the pods of {} again, which begins an update. Where Git is the source, \
                 the next sync puts it back: revert the commit there.",
                match details.revision {
                    0 => "the revision before the newest".to_owned(),
                    revision => format!("revision {revision}"),
                }
            ),
        }
    }

    /// What was done.
    pub fn done(self, name: &str) -> String {
        match self {
            Action::Promote => format!("rollout '{name}' promoted"),
            Action::PromoteFull => format!("rollout '{name}' fully promoted"),
            Action::Abort => format!("rollout '{name}' aborted"),
            Action::Retry => format!("rollout '{name}' retried"),
            Action::Restart => format!("rollout '{name}' restarts"),
            Action::Pause => format!("rollout '{name}' paused"),
            Action::SetImage => format!("rollout '{name}' image updated"),
            Action::Undo => format!("rollout '{name}' goes back"),
        }
    }

    /// How far it promotes, if it does.
    pub fn extent(self) -> Option<Extent> {
        match self {
            Action::Promote => Some(Extent::Next),
            Action::PromoteFull => Some(Extent::Full),
            _ => None,
        }
    }
}

impl Details {
    /// The image to set.
    pub fn assignment(&self) -> Result<Assignment, String> {
        let (container, image) = (self.container.trim(), self.image.trim());
        if container.is_empty() || image.is_empty() {
            return Err("name a container and its image".to_owned());
        }
        if image.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("{image:?} is not the name of an image"));
        }
        Ok(Assignment { container: container.to_owned(), image: image.to_owned() })
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

    #[test]
    fn an_image_that_is_none_is_refused() {
        let details = |container: &str, image: &str| {
            Details { container: container.to_owned(), image: image.to_owned(), revision: 0 }.assignment().is_ok()
        };
        assert!(details("web", " web:2 "));
        assert!(!details("", "web:2"));
        assert!(!details("web", ""));
        assert!(!details("web", "web 2"));
    }
}
