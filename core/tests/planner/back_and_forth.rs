//! Nothing goes back and forth (S13).

use std::collections::BTreeMap;

use sluice_core::effect::Effect;
use sluice_core::plan::{Plan, plan};

use crate::world::World;

impl World {
    /// What one plan sets, the next one made of nothing new does not set back.
    pub fn assert_not_taken_back(&self, done: &Plan) {
        let moves = |plan: &Plan| -> BTreeMap<String, i32> {
            let moved = plan.effects.iter().filter_map(|planned| match &planned.effect {
                Effect::PatchReplicaSet(patch) => {
                    let size = patch.replicas.as_ref()?;
                    Some((patch.target.name.clone(), (size.to - size.from).signum()))
                }
                Effect::ScaleWorkload(scale) => Some((scale.target.name.clone(), -1)),
                _ => None,
            });
            moved.collect()
        };
        let (before, next) = (moves(done), plan(&self.snapshot()));
        for (name, direction) in moves(&next) {
            let taken_back = before.get(&name).is_some_and(|before| *before == -direction);
            assert!(!taken_back, "{name} is resized back: {:#?} then {:#?}", done.effects, next.effects);
        }
        let switch = |plan: &Plan| -> BTreeMap<String, (Option<String>, Option<String>)> {
            let switched = plan.effects.iter().filter_map(|planned| match &planned.effect {
                Effect::PatchService(patch) => {
                    let hash = patch.hash()?;
                    Some((patch.target.name.clone(), (hash.from.clone(), hash.to.clone())))
                }
                _ => None,
            });
            switched.collect()
        };
        let before = switch(done);
        for (name, (from, to)) in switch(&next) {
            let taken_back = before.get(&name).is_some_and(|before| *before == (to.clone(), from.clone()));
            assert!(!taken_back, "{name} is switched back: {:#?} then {:#?}", done.effects, next.effects);
        }
    }
}
