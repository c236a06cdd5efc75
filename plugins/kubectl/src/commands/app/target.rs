//! Which Applications are meant.

use std::str::FromStr;

use kube::api::{Api, ListParams, Patch};
use kube::{Client, Error};
use serde_json::Value;
use sluice_core::api::Application;

use crate::application::Stored;
use crate::client::{Session, writing};
use crate::problem::Problem;
use crate::view::app::words;

/// `NAME`, or `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    namespace: Option<String>,
    name: String,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Name, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        // It becomes part of an address.
        let is_name = |part: &str| {
            let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(is_allowed)
        };
        if !is_name(name) || !namespace.is_none_or(is_name) {
            return Err("write NAME or NAMESPACE/NAME, in lower case".to_owned());
        }
        Ok(Name { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

impl Name {
    /// The name without its namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace that was said with it.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}

/// Applications by their names, or by their labels.
#[derive(clap::Args, Debug)]
pub struct Many {
    /// The Applications
    #[arg(value_name = "NAME", required_unless_present = "selector", conflicts_with = "selector")]
    names: Vec<Name>,
    /// Those with these labels
    #[arg(long, short = 'l', value_name = "LABELS")]
    selector: Option<String>,
}

impl Many {
    /// All of them.
    pub async fn all<'a>(&self, session: &'a Session) -> Result<Vec<One<'a>>, Problem> {
        let Some(selector) = &self.selector else {
            return Ok(self.names.iter().map(|name| One::of(name, session)).collect());
        };
        let found = list(session.api(), Some(selector)).await?;
        if found.is_empty() {
            let what = format!("no applications with the labels {selector} in namespace {}", session.namespace);
            return Err(Problem::new(what));
        }
        let one = |it: Stored| One::new(&session.namespace, it.metadata.name.unwrap_or_default(), session);
        Ok(found.into_iter().map(one).collect())
    }
}

/// Lists Applications, those with some labels or all.
pub async fn list(api: Api<Stored>, selector: Option<&str>) -> Result<Vec<Stored>, Problem> {
    let params = selector.map_or_else(ListParams::default, |selector| ListParams::default().labels(selector));
    let listed = api.list(&params).await;
    listed.map(|list| list.items).map_err(|error| of_call(&error, "list applications"))
}

/// What a failed call means. Where the kind is not known, the definitions are missing.
fn of_call(error: &Error, attempted: &str) -> Problem {
    let problem = Problem::of_call(error, attempted);
    if problem.next_step().is_some_and(|next| next.contains("sluice crds")) {
        return problem.advise(
            "Install the custom resource definitions: sluice crds --gitops | kubectl apply --server-side -f -",
        );
    }
    problem
}

/// One Application.
#[derive(Clone)]
pub struct One<'a> {
    session: &'a Session,
    namespace: String,
    name: String,
}

/// An Application that was read.
#[derive(Clone, Debug)]
pub struct Found {
    /// As it is stored.
    pub stored: Stored,
    /// As it reads.
    pub application: Application,
}

impl<'a> One<'a> {
    /// The one of a name.
    pub fn of(name: &Name, session: &'a Session) -> One<'a> {
        let namespace = name.namespace.as_deref().unwrap_or(&session.namespace);
        One::new(namespace, name.name.clone(), session)
    }

    /// The one in a namespace.
    pub fn new(namespace: &str, name: String, session: &'a Session) -> One<'a> {
        One { session, namespace: namespace.to_owned(), name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What messages call it.
    pub fn title(&self) -> String {
        format!("application '{}'", self.name)
    }

    /// The connection.
    pub fn client(&self) -> Client {
        self.session.client.clone()
    }

    /// The Applications beside it.
    pub fn api(&self) -> Api<Stored> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Reads it.
    pub async fn read(&self) -> Result<Found, Problem> {
        let attempted = format!("read {}", self.title());
        let stored = self.api().get(&self.name).await.map_err(|error| self.explain(&error, &attempted))?;
        let application =
            stored.read().map_err(|why| Problem::new(format!("cannot {attempted}: {}", words::line(&why))))?;
        Ok(Found { stored, application })
    }

    /// Changes it.
    pub async fn patch(&self, patch: &Patch<Value>) -> Result<Stored, Error> {
        self.api().patch(&self.name, &writing(), patch).await
    }

    /// What a failed call means.
    pub fn explain(&self, error: &Error, attempted: &str) -> Problem {
        let problem = of_call(error, attempted);
        let is_missing = matches!(error, Error::Api(status) if status.code == 404);
        if is_missing && problem.next_step().is_none() {
            let Session { program, flags, .. } = self.session;
            return problem.advise(format!("See which there are: {program} app list -n {}{flags}", self.namespace));
        }
        problem
    }

    /// A command about it that helps on.
    pub fn command(&self, command: &str) -> String {
        let Session { program, flags, .. } = self.session;
        format!("{program} app {command} {} -n {}{flags}", self.name, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_its_namespace_before_it_and_nothing_that_leads_elsewhere() {
        let read = |text: &str| text.parse::<Name>().map(|name| (name.namespace, name.name));
        assert_eq!(read("web"), Ok((None, "web".to_owned())));
        assert_eq!(read("gitops/web.eu-1"), Ok((Some("gitops".to_owned()), "web.eu-1".to_owned())));
        for text in ["", "/web", "gitops/", "a/b/c", "..", "web?x=y", "Web", "web status", "%2e"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
