//! A traffic router that writes what is to be into a file, for a proxy that reads it.
//!
//! Without the file, everything goes to the stable Service. A proxy that has read the file may confirm it by a copy of it, under the same name
//! and `.applied`: then the router knows what the proxy does.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_plugin::{
    About, Apply, Context, Failure, Observation, Observe, Release, Routing, Share, Subject, TrafficRouter,
    TrafficRouterPlugin, Weights, capability, serve,
};
use sluice_plugin_examples::{directory, file};

fn main() -> io::Result<()> {
    let directory = directory().map_err(io::Error::other)?;
    serve(&TrafficRouter(FileRouter { directory }))
}

struct FileRouter {
    directory: PathBuf,
}

/// What is in a file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    /// The Rollout that it belongs to.
    owner: Subject,
    /// What is to be.
    routing: Routing,
}

impl TrafficRouterPlugin for FileRouter {
    fn about(&self) -> About {
        About::new("file-router", env!("CARGO_PKG_VERSION")).with(capability::HEADER_ROUTES)
    }

    fn apply(&self, call: &Apply, _: &Context) -> Result<Observation, Failure> {
        let path = file(&self.directory, &call.config)?;
        let wanted = Written { owner: call.rollout.clone(), routing: call.routing.clone() };
        let present = read(&path)?;
        if let Some(Written { owner, .. }) = &present
            && owner.uid != call.rollout.uid
        {
            return Err(Failure::InvalidConfig(format!("{} belongs to {owner} already", path.display())));
        }
        // The same call again changes nothing.
        if present.as_ref() != Some(&wanted) {
            write(&path, &wanted).map_err(|error| cannot("write", &path, &error))?;
        }
        observe(&path, &call.routing)
    }

    fn observe(&self, call: &Observe, _: &Context) -> Result<Observation, Failure> {
        observe(&file(&self.directory, &call.config)?, &call.routing)
    }

    fn release(&self, call: &Release, _: &Context) -> Result<(), Failure> {
        let path = file(&self.directory, &call.config)?;
        match read(&path)? {
            Some(written) if written.owner.uid == call.rollout.uid => {
                fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))
            }
            _ => Ok(()),
        }
    }
}

/// What the file says, in shares of the total that was asked for.
fn observe(path: &Path, asked: &Routing) -> Result<Observation, Failure> {
    let Some(Written { routing, .. }) = read(path)? else {
        let weights = Weights { stable: Share::exactly(asked.total), ..Weights::default() };
        return Ok(Observation { weights, ..Observation::default() });
    };
    let share = |weight: u32| {
        let (scaled, of) = (u64::from(weight) * u64::from(asked.total), u64::from(routing.total.max(1)));
        Share { lowest: (scaled / of) as u32, highest: scaled.div_ceil(of) as u32 }
    };
    let weights =
        Weights { canary: share(routing.canary.weight), stable: share(routing.stable.weight), additional: Vec::new() };
    let confirmed = confirmation(path)?.map(|copy| copy == fs::read(path).unwrap_or_default());
    Ok(Observation {
        weights,
        verified: confirmed,
        behind: (confirmed == Some(false)).then(|| "the proxy".to_owned()),
        check_after_ms: (confirmed == Some(false)).then_some(1000),
        has_routes: !routing.routes.is_empty(),
        ..Observation::default()
    })
}

fn confirmation(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let path = path.with_added_extension("applied");
    found(fs::read(&path)).map_err(|error| cannot("read", &path, &error))
}

fn read(path: &Path) -> Result<Option<Written>, Failure> {
    let Some(bytes) = found(fs::read(path)).map_err(|error| cannot("read", path, &error))? else { return Ok(None) };
    let written = serde_json::from_slice(&bytes).map_err(|error| {
        let why = format!("{} does not read as routes: {error}; delete it, and it is written anew", path.display());
        Failure::unavailable(why)
    });
    written.map(Some)
}

/// Writes the file in one piece, so that nobody reads half of it.
fn write(path: &Path, written: &Written) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    let text: Value = serde_json::to_value(written)?;
    fs::write(&beside, format!("{text:#}\n"))?;
    fs::rename(&beside, path)
}

fn found<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::unavailable(format!("cannot {what} {}: {error}", path.display()))
}
