//! Canaries: half of the pods are the new version's, and so are half of the requests.

use serde_json::{Value, json};

use crate::report::{Count, Report};
use crate::scenario::Subject;
use crate::story::{NEW, OLD, Story, analysis};

/// The Service of all pods.
const WEB: &str = "web";

/// The steps wait for the analysis.
fn at_a_step() -> Value {
    json!({ "canary": { "steps": [{ "setWeight": 50 }, { "analysis": analysis() }] } })
}

/// The analysis runs beside a pause: one that ends by itself, after all measurements, or only by a person.
fn beside_the_steps(pause: &Value) -> Value {
    json!({ "canary": { "analysis": analysis(), "steps": [{ "setWeight": 50 }, { "pause": pause }] } })
}

/// A version without errors that has taken over.
async fn take_over(mut story: Story, how: Value) {
    let web = story.deploy(&[WEB], how).await;
    story.update(&web, true).await;
    story.until_promoted(&web).await;
    story.until_answers_come_from(WEB, NEW).await;
    let report = story.end();
    assert_eq!((report.count(WEB, OLD).errors, report.count(WEB, NEW).errors), (0, 0));
}

/// A version with errors that was given up.
async fn give_up(mut story: Story, how: Value, of: &str) {
    let web = story.deploy(&[WEB], how).await;
    story.update(&web, false).await;
    story.until_aborted(&web, of).await;
    story.until_answers_come_from(WEB, OLD).await;
    check(&story.end(), &web).await;
}

async fn check(report: &Report, web: &Subject) {
    assert_eq!(report.count(WEB, OLD).errors, 0);
    let Count { answers, errors } = report.count(WEB, NEW);
    assert!(errors > 0 && errors < answers / 2, "{errors} of {answers}");
    let status = web.status().await;
    assert_eq!(status.current_step_index, Some(0));
    assert_eq!(status.stable_rs, web.replica_sets().await[0].hash().expect("a hash").as_str());
}

pub async fn a_good_version_promotes_itself_at_a_step(story: Story) {
    take_over(story, at_a_step()).await;
}

pub async fn a_bad_version_aborts_itself_at_a_step(story: Story) {
    give_up(story, at_a_step(), "Step-based analysis").await;
}

pub async fn a_good_version_promotes_itself_with_analysis_beside_its_steps(story: Story) {
    take_over(story, beside_the_steps(&json!({ "duration": "20s" }))).await;
}

pub async fn a_bad_version_aborts_itself_with_analysis_beside_its_steps(story: Story) {
    give_up(story, beside_the_steps(&json!({})), "Background analysis").await;
}
