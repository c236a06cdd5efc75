//! `app wait`.

use kube::Error;

use super::follow::{Deadline, Timeout, deleted, follow, tell};
use super::target::{Many, One};
use crate::application::goal::Goal;
use crate::application::selection::Selection;
use crate::client::Session;
use crate::clock;
use crate::problem::Problem;
use crate::term;
use crate::view::app::changes::Told;
use crate::view::app::page::{Shown, render};

/// Arguments of `app wait`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Without any of --sync, --health, --operation, --suspended, --degraded and --delete it waits for the first three. Of \
    --health, --suspended and --degraded one is enough."
)]
pub struct Args {
    #[command(flatten)]
    targets: Many,
    /// Until they are synced
    #[arg(long)]
    sync: bool,
    /// Until they are healthy
    #[arg(long)]
    health: bool,
    /// Until no operation is under way
    #[arg(long)]
    operation: bool,
    /// Until they are suspended
    #[arg(long)]
    suspended: bool,
    /// Until they are degraded
    #[arg(long)]
    degraded: bool,
    /// Until they are gone
    #[arg(long, conflicts_with_all = ["sync", "health", "operation", "suspended", "degraded", "resources"])]
    delete: bool,
    /// Until these objects of them are so, as GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; may be repeated
    #[arg(long = "resource", value_name = "OBJECT")]
    resources: Vec<Selection>,
    #[command(flatten)]
    timeout: Timeout,
}

impl Args {
    fn goal(&self) -> Goal {
        let Args { sync, health, operation, suspended, degraded, resources, .. } = self;
        let [sync, health, operation] = [*sync, *health, *operation];
        let goal =
            Goal { sync, operation, health, suspended: *suspended, degraded: *degraded, resources: resources.clone() };
        goal.or_all()
    }
}

/// Waits, for all of them together no longer than the time that is given.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let deadline = args.timeout.begin();
    let goal = args.goal();
    for one in args.targets.all(session).await? {
        if args.delete {
            gone(&one, deadline).await?;
        } else {
            reached(&one, &goal, deadline).await?;
        }
    }
    Ok(())
}

/// Waits until a goal is reached.
async fn reached(one: &One<'_>, goal: &Goal, deadline: Deadline) -> Result<(), Problem> {
    // One that is not there is a mistake, not something to wait for.
    let found = one.read().await?;
    let mut open = goal.open(&found.application);
    let (mut told, paint) = (Told::default(), term::paint(false));
    let end = follow(one, deadline, |application| {
        let application = application.ok_or_else(|| deleted(one))?;
        tell(&mut told, application, paint)?;
        open = goal.open(application);
        Ok(open.is_empty().then(|| application.clone()))
    });
    let Some(application) = end.await? else { return Err(deadline.passed(one, &open.join("; "))) };
    Ok(term::print(&format!("\n{}", render(&application, Shown::default(), clock::now(), paint)))?)
}

/// Waits until an Application is not there any more.
pub async fn gone(one: &One<'_>, deadline: Deadline) -> Result<(), Problem> {
    match one.api().get(one.name()).await {
        Err(Error::Api(status)) if status.code == 404 && status.details.is_some() => return told_gone(one),
        Err(error) => return Err(one.explain(&error, &format!("read {}", one.title()))),
        Ok(_) => {}
    }
    let (mut told, paint) = (Told::default(), term::paint(false));
    let end = follow(one, deadline, |application| match application {
        None => Ok(Some(())),
        Some(application) => tell(&mut told, application, paint).map(|()| None),
    });
    end.await?.ok_or_else(|| deadline.passed(one, "it is still there"))?;
    told_gone(one)
}

fn told_gone(one: &One<'_>) -> Result<(), Problem> {
    Ok(term::line(&format!("{} is gone", one.title()))?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn read(line: &str) -> Result<Args, clap::Error> {
        Line::try_parse_from(std::iter::once("wait").chain(line.split(' '))).map(|line| line.args)
    }

    #[test]
    fn what_is_not_said_is_all_that_should_be() {
        let all = Goal { sync: true, operation: true, health: true, ..Goal::default() };
        assert_eq!(read("web").expect("flags").goal(), all);
        let some = Goal { suspended: true, health: true, ..Goal::default() };
        assert_eq!(read("web --suspended --health").expect("flags").goal(), some);
        let resources = vec!["apps:Deployment:web".parse().expect("one")];
        assert_eq!(read("web --resource apps:Deployment:web").expect("flags").goal(), Goal { resources, ..all });
        assert!(read("web --delete --sync").is_err());
    }
}
