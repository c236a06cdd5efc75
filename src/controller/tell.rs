//! Events: written after the fact, one at a time, away from the reconcile workers.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Client;
use kube::api::{Api, PostParams};
use sluice_core::api::Rollout;
use sluice_core::event::Note;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::metrics::Metrics;

/// `source.component` of the events; tools filter by it.
const COMPONENT: &str = "rollouts-controller";

/// Something to tell about a rollout.
#[derive(Debug)]
pub struct Telling {
    /// About whom.
    pub about: ObjectReference,
    /// What.
    pub note: Note,
    /// What makes this occasion different from another with the same words: the version that the write replaced. Telling it
    /// twice therefore creates the same name twice, and the second is refused.
    pub occasion: String,
}

/// The reference by which an event names a Rollout.
pub fn reference(rollout: &Rollout) -> ObjectReference {
    ObjectReference {
        api_version: Some(sluice_core::api::API_VERSION.into()),
        kind: Some("Rollout".into()),
        namespace: rollout.metadata.namespace.clone(),
        name: rollout.metadata.name.clone(),
        uid: rollout.metadata.uid.clone(),
        resource_version: rollout.metadata.resource_version.clone(),
        field_path: None,
    }
}

/// Writes events until every sender is gone.
pub async fn run(client: Client, clock: Clock, metrics: Metrics, mut queue: mpsc::UnboundedReceiver<Telling>) {
    while let Some(telling) = queue.recv().await {
        let namespace = telling.about.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        metrics.told(&telling);
        match api.create(&PostParams::default(), &event(&telling, clock)).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => tracing::warn!(
                namespace,
                rollout = telling.about.name,
                reason = telling.note.reason,
                %error,
                "cannot write an event"
            ),
        }
    }
}

fn event(telling: &Telling, clock: Clock) -> Event {
    let Telling { about, note, occasion } = telling;
    let name = about.name.clone().unwrap_or_default();
    let parts = [about.uid.as_deref().unwrap_or_default(), occasion, note.reason, &note.message];
    let now = Time(sluice_core::time::floor_to_second(clock.now()));
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:016x}", fnv1a(&parts))),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        involved_object: about.clone(),
        reason: Some(note.reason.into()),
        message: Some(note.message.clone()),
        type_: Some(note.severity.as_str().into()),
        source: Some(EventSource { component: Some(COMPONENT.into()), host: None }),
        reporting_component: Some(COMPONENT.into()),
        first_timestamp: Some(now.clone()),
        last_timestamp: Some(now),
        count: Some(1),
        ..Event::default()
    }
}

/// FNV-1a over parts that cannot run into each other.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(occasion: &str, message: &str) -> Option<String> {
        let telling = Telling {
            about: ObjectReference { name: Some("web".into()), uid: Some("u".into()), ..ObjectReference::default() },
            note: Note::steps_skipped(message),
            occasion: occasion.into(),
        };
        event(&telling, Clock::System).metadata.name
    }

    #[test]
    fn the_same_occasion_has_the_same_name_and_another_has_another() {
        assert_eq!(name_of("7", "x"), name_of("7", "x"));
        assert_ne!(name_of("7", "x"), name_of("8", "x"));
        assert_ne!(name_of("7", "x"), name_of("7", "y"));
    }
}
