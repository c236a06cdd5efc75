//! A metric provider that counts the lines of a file that contain a text.
//!
//! With `--listen /run/line-count.sock` it listens on a socket: then it runs beside the controller, and not below it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_plugin::{
    About, Context, DescribeMetric, Failure, Measurement, MetricMetadata, MetricProvider, MetricProviderPlugin,
    RunMetric, listen_unix, serve,
};
use sluice_plugin_examples::{argument, directory, file};

/// No more of a file is looked at.
const MOST: u64 = 64 << 20;

fn main() -> io::Result<()> {
    let plugin = MetricProvider(LineCount { directory: directory().map_err(io::Error::other)? });
    match argument("--listen") {
        Some(socket) => listen_unix(&plugin, Path::new(&socket)),
        None => serve(&plugin),
    }
}

struct LineCount {
    directory: PathBuf,
}

impl MetricProviderPlugin for LineCount {
    fn about(&self) -> About {
        About::new("line-count", env!("CARGO_PKG_VERSION")).at_a_time(4)
    }

    fn run(&self, call: &RunMetric, _: &Context) -> Result<Measurement, Failure> {
        let (path, text) = (file(&self.directory, &call.config)?, text(&call.config)?);
        let (lines, count) = counted(&path, text)
            .map_err(|error| Failure::unavailable(format!("cannot read {}: {error}", path.display())))?;
        let metadata = BTreeMap::from([("lines".to_owned(), lines.to_string())]);
        Ok(Measurement { metadata, ..Measurement::of(count) })
    }

    fn metadata(&self, call: &DescribeMetric, _: &Context) -> Result<MetricMetadata, Failure> {
        let (path, text) = (file(&self.directory, &call.config)?, text(&call.config)?);
        let query = format!("lines of {} with {text:?}", path.display());
        Ok(MetricMetadata { metadata: BTreeMap::from([("query".to_owned(), query)]) })
    }
}

fn text(config: &Value) -> Result<&str, Failure> {
    let text = config["contains"].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Failure::InvalidConfig("contains is required: a text".to_owned()))
}

/// How many lines there are, and how many of them contain the text.
fn counted(path: &Path, text: &str) -> io::Result<(u64, u64)> {
    let (mut lines, mut count) = (0, 0);
    for line in BufReader::new(File::open(path)?.take(MOST)).split(b'\n') {
        lines += 1;
        count += u64::from(String::from_utf8_lossy(&line?).contains(text));
    }
    Ok((lines, count))
}
