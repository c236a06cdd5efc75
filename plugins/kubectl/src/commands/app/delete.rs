//! `app delete`.

use kube::Error;
use kube::api::{DeleteParams, Patch, Preconditions};

use super::follow::Timeout;
use super::target::{Found, Many, One};
use super::wait;
use crate::act::app::delete::{self, Cascade, Propagation};
use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// How often to start over when the Application changed between reading and writing.
const ATTEMPTS: usize = 5;

/// Arguments of `app delete`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    targets: Many,
    /// Whether their objects go, too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    cascade: bool,
    /// How they go
    #[arg(long, short = 'p', value_enum, default_value_t = Propagation::Foreground, value_name = "POLICY")]
    propagation_policy: Propagation,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Wait until they are gone
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    timeout: Timeout,
}

/// Deletes the Applications.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let deadline = args.timeout.begin();
    let cascade = args.cascade.then_some(args.propagation_policy);
    let mut deleted = Vec::new();
    for one in args.targets.all(session).await? {
        let found = one.read().await?;
        if !args.yes && !is_meant(&one, cascade)? {
            term::line(&format!("{} stays", one.title()))?;
            continue;
        }
        let found = mark(&one, found, cascade).await?;
        delete(&one, &found).await?;
        deleted.push(one);
    }
    if args.wait {
        for one in &deleted {
            wait::gone(one, deadline).await?;
        }
    }
    Ok(())
}

/// Asks whoever sits in front of it.
fn is_meant(one: &One<'_>, cascade: Cascade) -> Result<bool, Problem> {
    let objects = if cascade.is_some() { "and all its resources" } else { "and leave its resources behind" };
    let question = format!("Are you sure you want to delete '{}' {objects}? [y/N] ", one.name());
    let answer = term::ask(&question)?;
    answer.ok_or_else(|| {
        let what = format!("cannot delete {}: nobody can be asked whether that is meant", one.title());
        Problem::new(what).advise("Say so with --yes.")
    })
}

/// Writes down what becomes of its objects. Gives the Application as it is then.
async fn mark(one: &One<'_>, mut found: Found, cascade: Cascade) -> Result<Found, Problem> {
    let attempted = format!("delete {}", one.title());
    let cannot = |why: String| Problem::new(format!("cannot {attempted}: {why}"));
    let mut attempt = 1;
    loop {
        let Some(finalizers) = delete::finalizers(&found.application, cascade).map_err(cannot)? else {
            return Ok(found);
        };
        let patch = Patch::Merge(delete::patch(&found.application, &finalizers));
        match one.patch(&patch).await {
            Ok(_) => return Ok(found),
            Err(Error::Api(refused)) if refused.is_conflict() && attempt < ATTEMPTS => {
                attempt += 1;
                found = one.read().await?;
            }
            Err(error) => return Err(one.explain(&error, &attempted)),
        }
    }
}

/// Deletes the Application that was read, and no other of its name.
async fn delete(one: &One<'_>, found: &Found) -> Result<(), Problem> {
    if found.application.metadata.deletion_timestamp.is_some() {
        return Ok(term::line(&format!("{} is being deleted already", one.title()))?);
    }
    let uid = found.application.metadata.uid.clone();
    let params = DeleteParams {
        preconditions: Some(Preconditions { uid, ..Preconditions::default() }),
        ..DeleteParams::default()
    };
    match one.api().delete(one.name(), &params).await {
        Ok(_) => Ok(term::line(&format!("{} deleted", one.title()))?),
        Err(error) => Err(one.explain(&error, &format!("delete {}", one.title()))),
    }
}
