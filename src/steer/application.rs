//! What people ask of an Application, carried out: reading it, and writing what [`sluice_core::act::application`] makes of it.

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use sluice_core::act::application::request;
use sluice_core::act::application::rollback::{self, Way};
use sluice_core::act::application::sync::{self, Wish};
use sluice_core::api::Application;
use sluice_core::info::application::operation::busy;
use sluice_core::info::application::stored::Stored;

use super::{ATTEMPTS, Refusal};

/// The Applications of a namespace, as somebody with this client sees and steers them.
#[derive(Clone)]
pub struct Applications {
    /// The connection, which says who asks.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// The name that writes are recorded under in `metadata.managedFields`.
    pub manager: &'static str,
}

/// An operation to ask for, made of what was read and of who asks.
type Build<'a> = &'a (dyn Fn(&Stored, &Application, &str) -> Result<Value, String> + Send + Sync);

impl Applications {
    /// Reads one.
    pub async fn read(&self, name: &str) -> Result<(Stored, Application), Refusal> {
        let attempted = format!("read application '{name}'");
        let stored = self.api().get(name).await.map_err(Refusal::to(&attempted))?;
        let application = stored.read().map_err(Refusal::unfit(&attempted))?;
        Ok((stored, application))
    }

    /// Asks for a look at the sources: a hard one trusts nothing that is remembered.
    pub async fn refresh(&self, name: &str, is_hard: bool, now: Timestamp) -> Result<(), Refusal> {
        let patch = Patch::Merge(request::refresh(is_hard, now));
        let attempted = format!("refresh application '{name}'");
        self.patch(name, &patch).await.map_err(Refusal::to(attempted))
    }

    /// Asks for a sync.
    pub async fn sync(&self, name: &str, wish: &Wish, now: Timestamp) -> Result<(), Refusal> {
        let build = |_: &Stored, application: &Application, user: &str| {
            sync::operation(wish, application, user).map(|operation| json!(operation))
        };
        self.operate(name, &format!("sync application '{name}'"), &build, now).await
    }

    /// Asks for a sync to what the history has. It is refused where the Application syncs by itself.
    pub async fn roll_back(&self, name: &str, way: Way, now: Timestamp) -> Result<(), Refusal> {
        let build = |stored: &Stored, application: &Application, user: &str| {
            rollback::operation(way, stored, application, user)
        };
        self.operate(name, &format!("roll application '{name}' back"), &build, now).await
    }

    /// Ends the operation under way.
    pub async fn terminate(&self, name: &str) -> Result<(), Refusal> {
        let attempted = format!("terminate the operation of application '{name}'");
        let (_, application) = self.read(name).await?;
        let patch = request::terminate(&application).map_err(Refusal::unfit(&attempted))?;
        match self.patch(name, &Patch::<Value>::Json(patch)).await {
            // What the patch tests is not so any more.
            Err(Error::Api(status)) if status.is_invalid() => {
                Err(Refusal::Unfit { attempted, why: "it has come to its end meanwhile".to_owned() })
            }
            done => done.map_err(Refusal::to(attempted)),
        }
    }

    /// Writes an operation on what was read: nothing that came meanwhile is written over.
    async fn operate(&self, name: &str, attempted: &str, build: Build<'_>, now: Timestamp) -> Result<(), Refusal> {
        let user = self.user().await;
        let mut attempt = 1;
        loop {
            let (stored, application) = self.read(name).await?;
            if let Some(why) = busy(&application) {
                return Err(Refusal::unfit(attempted)(why.to_owned()));
            }
            let operation = build(&stored, &application, &user).map_err(Refusal::unfit(attempted))?;
            let patch = Patch::Merge(request::operation(&application, &operation, now));
            match self.patch(name, &patch).await {
                // The controller writes all the time.
                Err(Error::Api(refused)) if refused.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                done => return done.map_err(Refusal::to(attempted)),
            }
        }
    }

    /// Who the API server says that this is; nobody, where it does not say.
    async fn user(&self) -> String {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let answer = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        let status = answer.ok().and_then(|answer| answer.status);
        status.and_then(|status| status.user_info).and_then(|user| user.username).unwrap_or_default()
    }

    fn api(&self) -> Api<Stored> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn patch(&self, name: &str, patch: &Patch<Value>) -> Result<(), Error> {
        let params = PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
        self.api().patch(name, &params, patch).await.map(|_| ())
    }
}
