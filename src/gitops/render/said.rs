//! What a source says in the end: with what files in its folder say over it, and with variables as what they stand for.

use sluice_core::api::ApplicationSource;
use sluice_core::gitops::environment::{self, Environment};
use sluice_core::gitops::overrides;

use super::Subject;

impl Subject<'_> {
    /// The source as it is rendered, out of a folder with files of these names.
    pub(super) async fn effective(&self, names: &[String]) -> Result<ApplicationSource, String> {
        let mut source = self.source.clone();
        let namespace = self.owner.metadata.namespace.as_deref().unwrap_or_default();
        let files = overrides::files(&self.cx.home, namespace, self.application);
        for file in files.into_iter().filter(|file| names.contains(file)) {
            let path = if self.folder.is_empty() { file } else { format!("{}/{file}", self.folder) };
            if let Some(said) = self.checkout.yaml(&path).await? {
                source = overrides::over(&source, &said).map_err(|why| format!("{path}: {why}"))?;
            }
        }
        // Most say nothing of the kind, and the cluster is not asked for its APIs then.
        if environment::is_used(&source) {
            source = self.environment().await?.source(&source);
        }
        Ok(source)
    }

    /// What variables stand for: where the source comes from is for the Application to say.
    pub(super) async fn environment(&self) -> Result<Environment, String> {
        let cluster = self.cx.cluster.facts().await?;
        let stand_in = self.cx.stand_in.get().filter(|(url, _)| *url == self.source.repo_url);
        let source = stand_in.map_or(self.source, |(_, stands_for)| stands_for);
        Ok(Environment::of(self.owner, source, &self.checkout.revision, &cluster))
    }
}
