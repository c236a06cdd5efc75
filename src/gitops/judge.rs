//! How the cluster stands to what there should be: manifests are made of documents, and the API server is asked what would become of
//! each, unless neither the manifest nor the object has changed since it was asked last.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sluice_core::api::{Application, ResourceIgnoreDifferences};
use sluice_core::gitops::compare::{Difference, Verdict, asks_for_managers, compare, plain, respect};
use sluice_core::gitops::health::Rules;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::{self, Document, Gathered, Manifest, Scopes, brought_by};
use sluice_core::gitops::marks::{self, Phase};
use sluice_core::gitops::operation;
use sluice_core::gitops::project::Project;
use sluice_core::gitops::snapshot::{Hook, How, Live, Object};
use sluice_core::gitops::tracking::Owner;
use sluice_core::gitops::{hook, owned};
use tokio::time::Instant;

use super::Gitops;
use super::cluster::Kind;
use super::migrate::is_applied_by_client;
use super::write::Predicted;
use super::writers::Writers;

/// How long what the API server refused is not asked again.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// What is known of an Application's objects.
pub struct Judge {
    cx: Arc<Gitops>,
    /// Whose they are.
    pub owner: Owner,
    /// The project that says which objects they may be.
    pub project: Project,
    /// What is healthy, where people have written that.
    pub rules: Arc<Rules>,
    verdicts: HashMap<Key, Judged>,
    /// The objects themselves, where somebody wants to see them.
    sights: Option<BTreeMap<Key, Sides>>,
}

/// An object as it is, and as an apply would make it.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    /// As it is, where it is.
    pub now: Option<Value>,
    /// As it would be, where the API server has said so.
    pub then: Option<Value>,
}

/// A verdict, and what it is about.
struct Judged {
    asked: Vec<u8>,
    live: Vec<u8>,
    verdict: Verdict,
    at: Instant,
}

impl Sides {
    fn of(now: Option<&Value>, predicted: &Predicted) -> Sides {
        let then = if let Predicted::Object(then) = predicted { Some(then.clone()) } else { None };
        Sides { now: now.cloned(), then }
    }
}

impl Judge {
    /// Knows nothing yet.
    pub fn new(cx: Arc<Gitops>) -> Judge {
        Judge {
            cx,
            owner: Owner::new("", "", "", ""),
            project: Project::open(""),
            rules: Arc::default(),
            verdicts: HashMap::new(),
            sights: None,
        }
    }

    /// As [`Judge::compare`], with the objects themselves. One that cannot be looked at is refused, and does not hide the others.
    pub async fn show(
        &mut self,
        application: &Application,
        gathered: Gathered,
    ) -> Result<(Vec<Object>, BTreeMap<Key, Sides>), String> {
        self.sights = Some(BTreeMap::new());
        let compared = self.compare(application, gathered).await;
        let sights = self.sights.take().unwrap_or_default();
        Ok((compared?.0, sights))
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
        let all = gathered.manifests.iter().chain(&gathered.hooks);
        let wrong: Vec<String> = all
            .flat_map(|manifest| {
                let name = if manifest.key.name.is_empty() { "(without a name)" } else { "" };
                let problems = marks::problems(&manifest.value).into_iter();
                problems.map(move |what| format!("{}{name} ({}): {what}", manifest.key, manifest.file))
            })
            .collect();
        if wrong.is_empty() { Ok(gathered) } else { Err(wrong.join("; ")) }
    }

    /// How the cluster stands to what there should be, and what there is besides; and the runs of hooks of the sync under way.
    pub async fn compare(
        &mut self,
        application: &Application,
        gathered: Gathered,
    ) -> Result<(Vec<Object>, Vec<Hook>), String> {
        let Gathered { manifests, hooks, .. } = gathered;
        let mut context = Context::new(application, &manifests, &self.project);
        context.writers = self.cx.cluster.writers().await?;
        let mut objects = Vec::new();
        for manifest in manifests {
            let (key, version) = (manifest.key.clone(), manifest.version.clone());
            objects.push(match self.judged(&context, manifest).await {
                Err(why) if self.sights.is_some() => {
                    Object { key, version, wanted: None, verdict: Some(Verdict::Refused(why)), live: None }
                }
                judged => judged?,
            });
        }
        self.verdicts.retain(|key, _| objects.iter().any(|object| object.key == *key));
        let runs = self.runs(&context, &hooks).await?;
        let objects = self.own_objects(application, objects, &hooks).await?;
        Ok((objects, runs))
    }

    /// The runs of hooks that the end of an Application has, and what there is of its own.
    pub async fn leave(
        &self,
        application: &Application,
        gathered: Gathered,
    ) -> Result<(Vec<Object>, Vec<Hook>), String> {
        let Gathered { manifests, hooks, .. } = gathered;
        let runs = self.runs(&Context::new(application, &manifests, &self.project), &hooks).await?;
        Ok((self.own_objects(application, Vec::new(), &hooks).await?, runs))
    }

    async fn runs(&self, context: &Context<'_>, hooks: &[Manifest]) -> Result<Vec<Hook>, String> {
        let mut runs = Vec::new();
        for (phase, manifest) in hook::runs(hooks, context.application) {
            runs.push(self.hook(context, phase, manifest).await?);
        }
        Ok(runs)
    }

    async fn judged(&mut self, context: &Context<'_>, mut manifest: Manifest) -> Result<Object, String> {
        let (key, version) = (manifest.key.clone(), manifest.version.clone());
        let (verdict, live) = match self.kind(context, &manifest).await? {
            Err(verdict) => (verdict, None),
            Ok(kind) => {
                let live = self.cx.cluster.object(&kind, &key, &manifest.version).await?;
                if let Some(live) = &live {
                    self.keep(context, &mut manifest, live).await?;
                    if context.has(&manifest, "RespectIgnoreDifferences") {
                        let live = self.managed(context, &kind, &manifest, live).await?;
                        respect(&mut manifest.value, &key, &live, context.ignored());
                    }
                }
                let asked = context.mark(&manifest);
                let verdict = if let Some(verdict) = self.known(&key, &asked, live.as_ref()) {
                    verdict
                } else {
                    let predicted = self.cx.cluster.predict(&kind, &manifest).await;
                    let with_managers = match &live {
                        Some(live) => Some(self.managed(context, &kind, &manifest, live).await?),
                        None => None,
                    };
                    if let Some(sights) = &mut self.sights {
                        sights.insert(key.clone(), Sides::of(with_managers.as_deref(), &predicted));
                    }
                    let verdict = context.judge(&manifest, with_managers.as_deref(), predicted);
                    self.remember(&key, asked, live.as_ref(), &verdict);
                    verdict
                };
                (verdict, live.as_ref().map(|live| self.seen(context, live)))
            }
        };
        Ok(Object { key, version, wanted: Some(manifest), verdict: Some(verdict), live })
    }

    /// An object with who owns its fields, where a rule asks for that: the cache does not keep it.
    async fn managed<'v>(
        &self,
        context: &Context<'_>,
        kind: &Kind,
        manifest: &Manifest,
        live: &'v Value,
    ) -> Result<Cow<'v, Value>, String> {
        if !asks_for_managers(context.ignored(), &manifest.key) {
            return Ok(Cow::Borrowed(live));
        }
        let read = self.cx.cluster.read(kind, &manifest.key, &manifest.version).await?;
        Ok(read.map_or(Cow::Borrowed(live), Cow::Owned))
    }

    /// Lets a manifest say what the object has wherever a Rollout's controller writes: that is no difference, and nothing to heal.
    async fn keep(&self, context: &Context<'_>, manifest: &mut Manifest, live: &Value) -> Result<(), String> {
        let rollouts = context.writers.of(&manifest.key);
        if rollouts.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = rollouts.iter().flat_map(|rollout| owned::places(rollout)).collect();
        let is_place =
            |(group, kind): &(String, String)| places.iter().any(|place| (&place.0, &place.1) == (group, kind));
        let kinds = context.kinds.iter().filter(|(kind, _)| is_place(kind));
        let kinds = kinds.map(|(kind, version)| (kind.clone(), version.clone())).collect();
        // Routers look at each other's objects; of a Service it is enough who names it.
        let is_service = manifest.key.group.is_empty() && manifest.key.kind == "Service";
        let others =
            if is_service { Vec::new() } else { self.cx.cluster.tracked(&kinds, &self.owner.prefix()).await? };
        let others: Vec<Value> = others.into_iter().map(|(_, value)| value).collect();
        if owned::keep(&mut manifest.value, live, &others, rollouts.iter().map(|rollout| &**rollout)) {
            manifest.seen = live["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// The kind of a manifest, or how it stands to a cluster that has none.
    async fn kind(&self, context: &Context<'_>, manifest: &Manifest) -> Result<Result<Arc<Kind>, Verdict>, String> {
        let key = &manifest.key;
        let is_permitted = self.project.permits(key, &context.application.spec.destination);
        if let Some(why) = is_permitted.err().or_else(|| self.cx.cluster.is_beyond(key)) {
            return Ok(Err(Verdict::Refused(why)));
        }
        if let Some(kind) = self.cx.cluster.kind(&key.group, &manifest.version, &key.kind).await? {
            return Ok(Ok(kind));
        }
        let comes = context.brought.contains(&(key.group.clone(), key.kind.clone()));
        if comes || context.has(manifest, "SkipDryRunOnMissingResource") {
            return Ok(Err(Verdict::Absent));
        }
        let version = manifest.value["apiVersion"].as_str().unwrap_or_default();
        Ok(Err(Verdict::Refused(format!("the cluster has no kind {} in {version}", key.kind))))
    }

    /// A run of a hook. Before anything is done, the API server is asked whether it would take it.
    async fn hook(&self, context: &Context<'_>, phase: Phase, manifest: Manifest) -> Result<Hook, String> {
        let kind = match self.kind(context, &manifest).await? {
            Ok(kind) => kind,
            Err(Verdict::Refused(why)) => return Ok(Hook { phase, manifest, live: None, refused: Some(why) }),
            Err(_) => return Ok(Hook { phase, manifest, live: None, refused: None }),
        };
        let live = self.cx.cluster.object(&kind, &manifest.key, &manifest.version).await?;
        let has_begun = operation::pinned(context.application.status()).is_some_and(|it| !it.resources.is_empty());
        // What an object of an earlier run would become says nothing of a new one.
        let refused = if has_begun || live.is_some() {
            None
        } else {
            let predicted = self.cx.cluster.predict(&kind, &manifest).await;
            match context.judge(&manifest, None, predicted) {
                Verdict::Refused(why) => Some(why),
                Verdict::Same | Verdict::Differs(_) | Verdict::Absent => None,
            }
        };
        Ok(Hook { phase, manifest, live: live.as_ref().map(|live| self.seen(context, live)), refused })
    }

    fn seen(&self, context: &Context<'_>, live: &Value) -> Live {
        Live::of(live, &self.owner, &context.options, &self.rules)
    }

    fn known(&self, key: &Key, asked: &[u8], live: Option<&Value>) -> Option<Verdict> {
        let judged = self.verdicts.get(key)?;
        let is_same = judged.asked == asked && judged.live == mark(live.map(plain).as_ref());
        let is_settled = !matches!(judged.verdict, Verdict::Refused(_)) || judged.at.elapsed() < REFUSED_FOR;
        (is_same && is_settled).then(|| judged.verdict.clone())
    }

    fn remember(&mut self, key: &Key, asked: Vec<u8>, live: Option<&Value>, verdict: &Verdict) {
        let live = mark(live.map(plain).as_ref());
        self.verdicts.insert(key.clone(), Judged { asked, live, verdict: verdict.clone(), at: Instant::now() });
    }

    /// Adds what is the Application's own beside what it wants: of the kinds that it wants, or has had, or runs.
    pub async fn own_objects(
        &self,
        application: &Application,
        mut objects: Vec<Object>,
        hooks: &[Manifest],
    ) -> Result<Vec<Object>, String> {
        let mut kinds: BTreeMap<(String, String), String> = BTreeMap::new();
        let all = objects.iter().map(|object| (&object.key, &object.version));
        for (key, version) in all.chain(hooks.iter().map(|hook| (&hook.key, &hook.version))) {
            kinds.insert((key.group.clone(), key.kind.clone()), version.clone());
        }
        for had in &application.status().resources {
            kinds.entry((had.group.clone(), had.kind.clone())).or_insert_with(|| had.version.clone());
        }
        let results = application.status().operation_state.iter().filter_map(|state| state.sync_result.as_ref());
        for ran in results.flat_map(|result| &result.resources).filter(|result| !result.hook_type.is_empty()) {
            kinds.entry((ran.group.clone(), ran.kind.clone())).or_insert_with(|| ran.version.clone());
        }
        let options = operation::options(application);
        for (version, value) in self.cx.cluster.tracked(&kinds, &self.owner.prefix()).await? {
            let key = Key::of(&value);
            let is_permitted = self.project.permits(&key, &application.spec.destination).is_ok();
            if is_permitted && self.owner.owns(&value) && objects.iter().all(|object| object.key != key) {
                let live = Some(Live::of(&value, &self.owner, &options, &self.rules));
                objects.push(Object { key, version, wanted: None, verdict: None, live });
            }
        }
        Ok(objects)
    }
}

/// What verdicts on an Application's objects depend on beside the objects.
struct Context<'a> {
    application: &'a Application,
    options: Vec<String>,
    /// The Rollouts that may write into its objects.
    writers: Arc<Writers>,
    /// The kinds of its objects, with the version that each is written in.
    kinds: BTreeMap<(String, String), String>,
    /// Kinds that it brings itself.
    brought: Vec<(String, String)>,
    /// Namespaces that it brings itself.
    comes: Vec<String>,
}

impl<'a> Context<'a> {
    fn new(application: &'a Application, manifests: &[Manifest], project: &Project) -> Context<'a> {
        let brought = manifests.iter().filter_map(|manifest| brought_by(&manifest.value)).collect();
        let mut comes: Vec<String> =
            manifests.iter().filter(|it| it.key.kind == "Namespace").map(|it| it.key.name.clone()).collect();
        let kind = |it: &Manifest| ((it.key.group.clone(), it.key.kind.clone()), it.version.clone());
        let kinds = manifests.iter().map(kind).collect();
        let creates = project.permits_namespace(application);
        comes.extend(creates.then(|| application.spec.destination.namespace.clone()));
        Context {
            application,
            options: operation::options(application),
            writers: Arc::default(),
            kinds,
            brought,
            comes,
        }
    }

    fn has(&self, manifest: &Manifest, option: &str) -> bool {
        marks::has(&manifest.value, &self.options, option)
    }

    fn ignored(&self) -> &'a [ResourceIgnoreDifferences] {
        &self.application.spec.ignore_differences
    }

    fn judge(&self, manifest: &Manifest, live: Option<&Value>, predicted: Predicted) -> Verdict {
        let how = How::of(&manifest.value, &self.options);
        let whole = || Verdict::Differs(vec![Difference { at: String::new(), now: None, then: None }]);
        match (predicted, live) {
            (Predicted::Object(then), Some(now)) => {
                let verdict = compare(&manifest.key, now, &then, self.ignored());
                if verdict != Verdict::Same || how.leaves_fields || !is_applied_by_client(now) {
                    return verdict;
                }
                // What was applied by the client stays when Git drops it, until it has been taken over.
                let at = "/metadata/managedFields".to_owned();
                Verdict::Differs(vec![Difference { at, now: None, then: None }])
            }
            (Predicted::Object(_), None) => Verdict::Absent,
            (Predicted::NoPlace(_), None) if self.comes.contains(&manifest.key.namespace) => Verdict::Absent,
            // It cannot be changed into that, but replaced by it.
            (Predicted::Invalid(_), Some(_)) if how.replaces || how.forces => whole(),
            (Predicted::NoPlace(why) | Predicted::Refused(why) | Predicted::Invalid(why), _) => Verdict::Refused(why),
        }
    }

    /// A mark of everything besides the object itself that a verdict depends on.
    fn mark(&self, manifest: &Manifest) -> Vec<u8> {
        let ignored = serde_json::to_value(self.ignored()).unwrap_or_default();
        let comes = self.comes.contains(&manifest.key.namespace);
        mark(Some(&json!([manifest.value, ignored, comes, self.options])))
    }
}

fn mark(value: Option<&Value>) -> Vec<u8> {
    value.map(|value| Sha256::digest(value.to_string()).to_vec()).unwrap_or_default()
}
