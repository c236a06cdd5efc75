//! Every template in `examples/analysis`, with arguments for a service that is good and for one that is bad.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::analyses::{phase_of, told};
use crate::prometheus::Prometheus;
use crate::scenario::Scenario;
use crate::served::{BAD, GOOD};
use crate::story::Story;

/// How one of the templates ends.
struct Case {
    file: &'static str,
    args: Vec<(&'static str, String)>,
    phase: &'static str,
    /// What its message contains.
    message: &'static str,
}

/// A row for each outcome of each file. A file without a row fails the test.
fn cases(prometheus: &Prometheus) -> Vec<Case> {
    let case = |file, args: &[(&'static str, &str)], phase, message| {
        let args = args.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Case { file, args, phase, message }
    };
    let asked = prometheus.url.as_str();
    let at = |path: &str| format!("http://{}{path}", prometheus.served);
    vec![
        case("job.yaml", &[("url", &at("/good"))], "Successful", ""),
        case("job.yaml", &[("url", &at("/bad"))], "Failed", "has failed: BackoffLimitExceeded"),
        case("latency.yaml", &[("service", GOOD), ("prometheus", asked)], "Successful", ""),
        case("latency.yaml", &[("service", BAD), ("prometheus", asked)], "Failed", "result is [1."),
        case("latency.yaml", &[("service", BAD), ("prometheus", asked), ("seconds", "3.0")], "Successful", ""),
        case("success-rate.yaml", &[("service", GOOD), ("prometheus", asked)], "Successful", ""),
        case("success-rate.yaml", &[("service", BAD), ("prometheus", asked)], "Failed", "is true; result is [0."),
        case("success-rate.yaml", &[("service", "nobody"), ("prometheus", asked)], "Inconclusive", "inconclusive (3)"),
        case("web.yaml", &[("url", &at("/good/checks"))], "Successful", ""),
        case("web.yaml", &[("url", &at("/bad/checks"))], "Failed", "failed (3) > failureLimit (2)"),
    ]
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/analysis"))
}

/// The spec of an AnalysisRun of the template in a file. Its waits are cut to a second, and nothing else.
fn run_of(case: &Case) -> Value {
    let text = std::fs::read_to_string(folder().join(case.file)).expect("a file");
    let template: Value = serde_saphyr::from_str(&text).expect("one document of YAML");
    assert_eq!(template["kind"], "AnalysisTemplate", "{}", case.file);
    let mut spec = template["spec"].clone();
    let args = spec["args"].as_array_mut().expect("arguments");
    for (name, value) in &case.args {
        let arg = args.iter_mut().find(|arg| arg["name"] == *name);
        arg.unwrap_or_else(|| panic!("{} has no argument {name}", case.file))["value"] = json!(value);
    }
    for metric in spec["metrics"].as_array_mut().expect("metrics") {
        for wait in ["interval", "initialDelay"] {
            if !metric[wait].is_null() {
                metric[wait] = json!("1s");
            }
        }
    }
    spec
}

/// Waits until there are rates of what is served.
async fn until_scraped(s: &Scenario, prometheus: &Prometheus) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url =
        format!("{}/api/v1/query?query=rate(http_requests_total%7Bservice=%22{GOOD}%22%7D%5B1m%5D)>0", prometheus.url);
    s.eventually("there are rates", async || {
        let answer = client.get(&url).send().await.map_err(|error| error.to_string())?;
        let answer = answer.text().await.map_err(|error| error.to_string())?;
        if answer.contains(GOOD) { Ok(()) } else { Err(answer) }
    })
    .await;
}

pub async fn every_template_of_the_examples_ends_as_it_should(story: Story) {
    let s = &story.s;
    let prometheus = Prometheus::get(s).await;
    let cases = cases(prometheus);
    let files = std::fs::read_dir(folder()).expect("a folder").map(|entry| entry.expect("a file").file_name());
    let files: BTreeSet<String> = files.map(|name| name.into_string().expect("a name")).collect();
    let known: BTreeSet<String> = cases.iter().map(|case| case.file.to_owned()).collect();
    assert_eq!(files, known, "each file in examples/analysis needs a row in this test, and each row a file");
    until_scraped(s, prometheus).await;
    let name = |number: usize| format!("run-{number}");
    for (number, case) in cases.iter().enumerate() {
        s.analyse(&name(number), run_of(case)).await;
    }
    for (number, Case { file, args, phase, message }) in cases.iter().enumerate() {
        let what = format!("{file} with {args:?} has ended");
        let run = s
            .until_run(&what, |run| {
                let is_over = !["", "Pending", "Running"].contains(&phase_of(run));
                is_over && run.metadata.name.as_deref() == Some(&name(number))
            })
            .await;
        assert_eq!(phase_of(&run), *phase, "{file} with {args:?}: {}", told(&run));
        assert!(told(&run).contains(message), "{file} with {args:?}: {}", told(&run));
        println!("{file} with {args:?}: {}", told(&run));
    }
}
