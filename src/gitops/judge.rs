//! How the cluster stands to what there should be: manifests are made of documents, and the API server is asked what would become of
//! each, unless neither the manifest nor the object has changed since it was asked last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sluice_core::api::Application;
use sluice_core::gitops::compare::{Difference, Verdict, compare, plain};
use sluice_core::gitops::health;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::{self, Document, Gathered, Manifest, Scopes, brought_by};
use sluice_core::gitops::operation::creates_namespace;
use sluice_core::gitops::snapshot::{Live, Object, Stays};
use sluice_core::gitops::tracking::Owner;
use tokio::time::Instant;

use super::Gitops;
use super::cluster::Predicted;
use super::migrate::is_applied_by_client;

/// How long what the API server refused is not asked again.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// What is known of an Application's objects.
pub struct Judge {
    cx: Arc<Gitops>,
    /// Whose they are.
    pub owner: Owner,
    verdicts: HashMap<Key, Judged>,
}

/// A verdict, and what it is about.
struct Judged {
    asked: Vec<u8>,
    live: Vec<u8>,
    verdict: Verdict,
    at: Instant,
}

impl Judge {
    /// Knows nothing yet.
    pub fn new(cx: Arc<Gitops>) -> Judge {
        Judge { cx, owner: Owner::new("", "", "", ""), verdicts: HashMap::new() }
    }

    /// Forgets what was said.
    pub fn forget(&mut self) {
        self.verdicts.clear();
    }

    /// Makes manifests of documents.
    pub async fn gather(&self, application: &Application, documents: &[Document]) -> Result<Gathered, String> {
        let kinds = manifest::kinds(documents).map_err(|wrong| wrong.join("; "))?;
        let mut scopes = Scopes::new();
        for (group, version, kind) in kinds {
            let known = self.cx.cluster.kind(&group, &version, &kind).await?;
            scopes.insert((group, kind), known.map(|kind| kind.is_namespaced));
        }
        let namespace = &application.spec.destination.namespace;
        let gathered =
            manifest::gather(documents, namespace, &self.owner, &scopes).map_err(|wrong| wrong.join("; "))?;
        let hooked = gathered.manifests.iter().filter_map(|manifest| Some((manifest, waits(&manifest.value)?)));
        let hooked: Vec<String> = hooked
            .map(|(manifest, what)| format!("{} ({}): {what} not supported yet", manifest.key, manifest.file))
            .collect();
        if hooked.is_empty() { Ok(gathered) } else { Err(hooked.join("; ")) }
    }

    /// How the cluster stands to manifests, and what there is besides.
    pub async fn compare(
        &mut self,
        application: &Application,
        manifests: Vec<Manifest>,
    ) -> Result<Vec<Object>, String> {
        let brought: Vec<(String, String)> =
            manifests.iter().filter_map(|manifest| brought_by(&manifest.value)).collect();
        let creates = creates_namespace(application);
        let mut comes: Vec<String> =
            manifests.iter().filter(|it| it.key.kind == "Namespace").map(|it| it.key.name.clone()).collect();
        comes.extend(creates.then(|| application.spec.destination.namespace.clone()));
        let mut objects = Vec::new();
        for manifest in manifests {
            let key = manifest.key.clone();
            if let Some(why) = self.cx.cluster.is_beyond(&key) {
                objects.push(Object {
                    version: manifest.version.clone(),
                    key,
                    wanted: Some(manifest),
                    verdict: Some(Verdict::Refused(why)),
                    live: None,
                });
                continue;
            }
            let kind = self.cx.cluster.kind(&key.group, &manifest.version, &key.kind).await?;
            let Some(kind) = kind else {
                let comes = brought.contains(&(key.group.clone(), key.kind.clone()));
                let why = format!(
                    "the cluster has no kind {} in {}",
                    key.kind,
                    manifest.value["apiVersion"].as_str().unwrap_or_default()
                );
                let verdict = if comes { Verdict::Absent } else { Verdict::Refused(why) };
                objects.push(Object {
                    version: manifest.version.clone(),
                    key,
                    wanted: Some(manifest),
                    verdict: Some(verdict),
                    live: None,
                });
                continue;
            };
            let live = self.cx.cluster.object(&kind, &key, &manifest.version).await?;
            let asked = asked(application, &manifest, &comes);
            let verdict = if let Some(verdict) = self.known(&key, &asked, live.as_ref()) {
                verdict
            } else {
                let predicted = self.cx.cluster.predict(&kind, &manifest).await;
                let verdict = judge(application, &manifest, live.as_ref(), predicted, &comes);
                self.keep(&key, asked, live.as_ref(), &verdict);
                verdict
            };
            let live = live.as_ref().map(|live| seen(live, &self.owner));
            objects.push(Object {
                version: manifest.version.clone(),
                key,
                wanted: Some(manifest),
                verdict: Some(verdict),
                live,
            });
        }
        self.verdicts.retain(|key, _| objects.iter().any(|object| object.key == *key));
        self.own_objects(application, objects).await
    }

    fn known(&self, key: &Key, asked: &[u8], live: Option<&Value>) -> Option<Verdict> {
        let judged = self.verdicts.get(key)?;
        let is_same = judged.asked == asked && judged.live == mark(live.map(plain).as_ref());
        let is_settled = !matches!(judged.verdict, Verdict::Refused(_)) || judged.at.elapsed() < REFUSED_FOR;
        (is_same && is_settled).then(|| judged.verdict.clone())
    }

    fn keep(&mut self, key: &Key, asked: Vec<u8>, live: Option<&Value>, verdict: &Verdict) {
        let live = mark(live.map(plain).as_ref());
        self.verdicts.insert(key.clone(), Judged { asked, live, verdict: verdict.clone(), at: Instant::now() });
    }

    /// Adds what is the Application's own beside what it wants: of the kinds that it wants, or has had.
    pub async fn own_objects(
        &self,
        application: &Application,
        mut objects: Vec<Object>,
    ) -> Result<Vec<Object>, String> {
        let mut kinds: BTreeMap<(String, String), String> = BTreeMap::new();
        for object in &objects {
            kinds.insert((object.key.group.clone(), object.key.kind.clone()), object.version.clone());
        }
        for had in &application.status().resources {
            kinds.entry((had.group.clone(), had.kind.clone())).or_insert_with(|| had.version.clone());
        }
        for (version, value) in self.cx.cluster.tracked(&kinds, &self.owner.prefix()).await? {
            let key = Key::of(&value);
            if self.owner.owns(&value) && objects.iter().all(|object| object.key != key) {
                objects.push(Object {
                    key,
                    version,
                    wanted: None,
                    verdict: None,
                    live: Some(seen(&value, &self.owner)),
                });
            }
        }
        Ok(objects)
    }
}

/// What makes an object wait for others, or run on its own.
fn waits(object: &Value) -> Option<&'static str> {
    let annotation = |name: &str| object["metadata"]["annotations"][name].as_str().filter(|text| !text.is_empty());
    if annotation("argocd.argoproj.io/hook").is_some() || annotation("helm.sh/hook").is_some() {
        return Some("hooks are");
    }
    if annotation("argocd.argoproj.io/sync-wave").is_some_and(|wave| wave.trim() != "0") {
        return Some("sync waves are");
    }
    if annotation("argocd.argoproj.io/compare-options").is_some_and(|options| options.contains("IgnoreExtraneous")) {
        return Some("the compare option IgnoreExtraneous is");
    }
    let options = annotation("argocd.argoproj.io/sync-options").into_iter().flat_map(|options| options.split(','));
    let known = ["", "Prune=true", "Prune=false", "Delete=true", "Delete=false", "ServerSideApply=true"];
    options
        .map(str::trim)
        .any(|option| !known.contains(&option))
        .then_some("sync options of objects other than Prune=false and Delete=false are")
}

fn judge(
    application: &Application,
    manifest: &Manifest,
    live: Option<&Value>,
    predicted: Predicted,
    comes: &[String],
) -> Verdict {
    match (predicted, live) {
        (Predicted::Object(then), Some(now)) => {
            let verdict = compare(&manifest.key, now, &then, &application.spec.ignore_differences);
            if verdict != Verdict::Same || !is_applied_by_client(now) {
                return verdict;
            }
            // What was applied by the client stays when Git drops it, until it has been taken over.
            let at = "/metadata/managedFields".to_owned();
            Verdict::Differs(vec![Difference { at, now: None, then: None }])
        }
        (Predicted::Object(_), None) => Verdict::Absent,
        (Predicted::NoPlace(_), None) if comes.contains(&manifest.key.namespace) => Verdict::Absent,
        (Predicted::NoPlace(why) | Predicted::Refused(why), _) => Verdict::Refused(why),
    }
}

fn seen(live: &Value, owner: &Owner) -> Live {
    let text = |at: &str| live.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let options = text("/metadata/annotations/argocd.argoproj.io~1sync-options");
    let is_kept = text("/metadata/annotations/helm.sh~1resource-policy") == "keep";
    let has = |option: &str| options.split(',').any(|given| given.trim() == option);
    Live {
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        is_own: owner.owns(live),
        other: owner.other(live).map(str::to_owned),
        is_going: live["metadata"]["deletionTimestamp"].is_string(),
        health: health::of(live),
        stays: Stays {
            unpruned: has("Prune=false") || has("Prune=confirm") || is_kept,
            // With a definition all objects of its kind would go, whoever made them.
            undeleted: has("Delete=false") || is_kept || live["kind"] == "CustomResourceDefinition",
            asks: has("Delete=confirm"),
        },
    }
}

/// A mark of everything besides the object itself that a verdict depends on.
fn asked(application: &Application, manifest: &Manifest, comes: &[String]) -> Vec<u8> {
    let ignored = serde_json::to_value(&application.spec.ignore_differences).unwrap_or_default();
    mark(Some(&json!([manifest.value, ignored, comes.contains(&manifest.key.namespace)])))
}

fn mark(value: Option<&Value>) -> Vec<u8> {
    value.map(|value| Sha256::digest(value.to_string()).to_vec()).unwrap_or_default()
}
