//! `app sync`.

use serde_json::{Value, json};
use sluice_core::api::{Backoff, Info};
use sluice_core::time::parse_go_duration;

use super::look::Folder;
use super::operate::{After, operate};
use super::target::{Found, Many, One};
use crate::act::app::sync::{self, Strategy, Wish};
use crate::application::selection::Selection;
use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `app sync`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    targets: Many,
    /// Another revision than the Application's
    #[arg(long, value_name = "REVISION", conflicts_with = "local")]
    revision: Option<String>,
    #[command(flatten)]
    folder: Folder,
    /// With --local: send Secrets, too: they can be read in the Application until the sync is over
    #[arg(long, requires = "local")]
    local_secrets: bool,
    /// Let objects go that Git does not have any more
    #[arg(long)]
    prune: bool,
    /// Change nothing: only let the API server say whether it would take everything
    #[arg(long)]
    dry_run: bool,
    /// These objects alone, as GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME, with * for anything and ! before what is left out
    #[arg(long = "resource", value_name = "OBJECT")]
    resources: Vec<Selection>,
    /// Delete objects that cannot be changed, and make them again
    #[arg(long)]
    force: bool,
    /// With hooks or without
    #[arg(long, value_enum, default_value_t = Way::Hook)]
    strategy: Way,
    /// Only what is out of sync
    #[arg(long)]
    apply_out_of_sync_only: bool,
    /// Apply on the server
    #[arg(long)]
    server_side: bool,
    /// Replace objects instead of changing them
    #[arg(long)]
    replace: bool,
    /// A sync option, such as PruneLast=true; may be repeated
    #[arg(long = "sync-option", value_name = "OPTION", value_parser = option)]
    options: Vec<String>,
    /// Something to show, as NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = info)]
    info: Vec<Info>,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    after: After,
}

/// With hooks or without.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Way {
    /// Without hooks
    Apply,
    /// With hooks
    Hook,
}

impl From<Way> for Strategy {
    fn from(way: Way) -> Strategy {
        match way {
            Way::Apply => Strategy::Apply,
            Way::Hook => Strategy::Hook,
        }
    }
}

/// What becomes of a sync that fails.
#[derive(clap::Args, Debug)]
struct RetryArgs {
    /// How often it is tried again, for ever where it is negative; as the Application has it, where it is 0
    #[arg(long = "retry-limit", value_name = "COUNT", default_value_t = 0, allow_negative_numbers = true)]
    limit: i64,
    /// The first wait
    #[arg(long = "retry-backoff-duration", value_name = "DURATION", default_value = "5s", value_parser = duration)]
    duration: String,
    /// The longest wait
    #[arg(long = "retry-backoff-max-duration", value_name = "DURATION", default_value = "3m0s", value_parser = duration)]
    max_duration: String,
    /// By how much each wait is longer than the one before
    #[arg(long = "retry-backoff-factor", value_name = "FACTOR", default_value_t = 2, value_parser = clap::value_parser!(i64).range(1..))]
    factor: i64,
    /// Take the newest commit with each try
    #[arg(long = "retry-refresh")]
    refresh: bool,
}

fn option(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.to_owned()),
        _ => Err("write OPTION=VALUE, such as PruneLast=true".to_owned()),
    }
}

fn info(text: &str) -> Result<Info, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Info { name: name.to_owned(), value: value.to_owned() }),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// A duration as the controller reads it: `1m30s`, or a number of seconds.
fn duration(text: &str) -> Result<String, String> {
    let is_seconds = text.parse::<u32>().is_ok();
    let duration = parse_go_duration(text);
    match duration {
        Ok(duration) if duration.is_negative() => Err(format!("{text} is negative")),
        Err(error) if !is_seconds => Err(error.to_string()),
        _ => Ok(text.to_owned()),
    }
}

impl Args {
    fn wish(&self) -> Wish {
        let flags = [
            (self.replace, "Replace=true"),
            (self.server_side, "ServerSideApply=true"),
            (self.apply_out_of_sync_only, "ApplyOutOfSyncOnly=true"),
        ];
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, option)| option.to_owned());
        let RetryArgs { limit, duration, max_duration, factor, refresh } = &self.retry;
        let (duration, max_duration) = (duration.clone(), max_duration.clone());
        let backoff = Backoff { duration, factor: Some(*factor), max_duration };
        Wish {
            revision: self.revision.clone(),
            prune: self.prune,
            dry_run: self.dry_run,
            resources: self.resources.clone(),
            strategy: self.strategy.into(),
            force: self.force,
            options: flags.chain(self.options.iter().cloned()).collect(),
            retry: sync::retry(*limit, backoff, *refresh),
            info: self.info.clone(),
            manifests: Vec::new(),
        }
    }
}

/// Syncs the Applications, one after the other: the next one when the one before it has come to its end, however that was.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let all = args.targets.all(session).await?;
    let is_alone = all.len() == 1;
    let mut failed = Vec::new();
    for one in &all {
        match Box::pin(sync(one, &args)).await {
            Ok(()) => {}
            Err(problem) if is_alone || problem.is_silent() => return Err(problem),
            Err(problem) => {
                term::complain(&problem);
                failed.push(one.name());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Problem::new(format!("{} of {} syncs failed: {}", failed.len(), all.len(), failed.join(", "))))
}

async fn sync(one: &One<'_>, args: &Args) -> Result<(), Problem> {
    let mut wish = args.wish();
    if args.folder.is_said() {
        let application = one.read().await?.application;
        let manifests = Box::pin(args.folder.manifests(one, application)).await?;
        if !args.local_secrets {
            let attempted = |why: String| Problem::new(format!("cannot sync {}: {why}", one.title()));
            check_secrets(&manifests).map_err(|why| {
                attempted(why).advise("Commit them instead, or send them all the same with --local-secrets.")
            })?;
        }
        wish.manifests = manifests.iter().map(ToString::to_string).collect();
    }
    let build =
        |found: &Found, user: &str| sync::operation(&wish, &found.application, user).map(|operation| json!(operation));
    operate(one, &format!("sync {}", one.title()), &build, args.after).await
}

/// What is sent is part of the Application while the sync goes on, and more people may read that than Secrets.
fn check_secrets(manifests: &[Value]) -> Result<(), String> {
    let is_secret = |object: &&Value| object["apiVersion"] == "v1" && object["kind"] == "Secret";
    let names =
        manifests.iter().filter(is_secret).map(|object| object["metadata"]["name"].as_str().unwrap_or_default());
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Ok(());
    }
    let what = if names.len() == 1 { "the Secret" } else { "the Secrets" };
    let names = names.join(", ");
    Err(format!("the folder has {what} {names}, and whoever reads the Application could read what is sent"))
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

    fn wish(line: &str) -> Result<Wish, String> {
        let line = Line::try_parse_from(std::iter::once("sync").chain(line.split(' ')));
        line.map(|line| line.args.wish()).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_a_wish() {
        assert_eq!(wish("web"), Ok(Wish::default()));
        let read =
            wish("web --replace --server-side --apply-out-of-sync-only --sync-option PruneLast=true").expect("flags");
        let expected = ["Replace=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true", "PruneLast=true"];
        assert_eq!(read.options, expected);
        let read = wish("-l team=a --retry-limit 3 --retry-backoff-duration 10 --retry-refresh").expect("flags");
        let retry = read.retry.expect("retries");
        assert_eq!((retry.limit, retry.refresh), (3, true));
        let backoff = Backoff { duration: "10".to_owned(), factor: Some(2), max_duration: "3m0s".to_owned() };
        assert_eq!(retry.backoff, Some(backoff));
        let read = wish("web --retry-limit -1 --strategy apply --force --info why=because").expect("flags");
        assert_eq!((read.retry.map(|retry| retry.limit), read.strategy, read.force), (Some(-1), Strategy::Apply, true));
        assert_eq!(read.info, [Info { name: "why".to_owned(), value: "because".to_owned() }]);
    }

    #[test]
    fn secrets_are_told_from_what_is_only_called_so() {
        let object =
            |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
        assert_eq!(check_secrets(&[object("v1", "ConfigMap"), object("example.com/v1", "Secret")]), Ok(()));
        let why = check_secrets(&[object("v1", "Secret"), object("v1", "Secret")]).expect_err("Secrets");
        assert!(why.starts_with("the folder has the Secrets a, a, and "), "{why}");
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_asked_for() {
        for (line, why) in [
            ("web -l team=a", "cannot be used with"),
            ("web --retry-backoff-duration soon", "invalid duration"),
            ("web --retry-backoff-duration=-1s", "is negative"),
            ("web --local-secrets", "--local <PATH>"),
            ("web --sync-option PruneLast", "write OPTION=VALUE"),
            ("web --info because", "write NAME=VALUE"),
            ("web --resource Deployment", "GROUP:KIND:NAME"),
            ("web --strategy fast", "possible values: apply, hook"),
            ("web/status/x", "write NAME or NAMESPACE/NAME"),
        ] {
            let refused = wish(line).expect_err(line);
            assert!(refused.contains(why), "{line}: {refused}");
        }
    }
}
