//! `terminate`: ends an analysis run or an experiment before its time.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::de::DeserializeOwned;

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use sluice_core::act::request;

/// Arguments of `terminate analysisrun` and `terminate experiment`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is to end
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Ends objects of a kind, which people call `what`.
pub async fn run<K>(args: Args, what: &str, session: &Session) -> Result<(), Problem>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    K::DynamicType: Default,
{
    for name in &args.names {
        let written = session.steer().merge::<K>(name, &request::terminate()).await;
        written.map_err(|error| Problem::of_call(&error, &format!("terminate {what} '{name}'")))?;
        term::line(&format!("{what} '{name}' terminated"))?;
    }
    Ok(())
}
