//! Blue-green: the new version is asked through the preview Service before the switch, and by users after it.

use serde_json::{Value, json};

use crate::scenario::{Subject, blue_green};
use crate::story::{NEW, OLD, PODS, Story, analysis};

const SERVICES: [&str; 2] = ["active", "preview"];

async fn deploy(story: &mut Story, when: &str) -> Subject {
    let how =
        blue_green(PODS, json!({ "scaleDownDelaySeconds": 5, "abortScaleDownDelaySeconds": 5, (when): analysis() }));
    story.deploy(&SERVICES, how["spec"]["strategy"].clone()).await
}

async fn until_phase(story: &Story, phase: &str) {
    story.s.until_run(&format!("a run is {phase}"), |run| crate::analyses::phase_of(run) == phase).await;
}

async fn selected(web: &Subject) -> Value {
    json!({ "active": web.selected("active").await, "preview": web.selected("preview").await })
}

pub async fn a_good_version_is_switched_to(mut story: Story) {
    let web = deploy(&mut story, "prePromotionAnalysis").await;
    story.update(&web, true).await;
    until_phase(&story, "Running").await;
    assert_eq!(selected(&web).await, json!({ "active": OLD, "preview": NEW }));
    story.until_promoted(&web).await;
    assert_eq!(selected(&web).await, json!({ "active": NEW, "preview": NEW }));
    story.until_answers_come_from("active", NEW).await;
    let report = story.end();
    assert_eq!((report.count("active", OLD).errors, report.count("active", NEW).errors), (0, 0));
}

pub async fn a_bad_version_is_never_switched_to(mut story: Story) {
    let web = deploy(&mut story, "prePromotionAnalysis").await;
    story.update(&web, false).await;
    story.until_aborted(&web, "Blue/green pre-promotion analysis").await;
    story.until_answers_come_from("active", OLD).await;
    let report = story.end();
    assert!(report.count("preview", NEW).errors > 0, "the preview was asked");
    assert_eq!(report.count("active", NEW).answers, 0, "no user has seen it");
    assert_eq!(report.count("active", OLD).errors, 0);
}

pub async fn a_good_version_stays_switched_to(mut story: Story) {
    let web = deploy(&mut story, "postPromotionAnalysis").await;
    story.update(&web, true).await;
    web.until_selected("active", NEW).await;
    story.mark("switched");
    let stable = web.status().await.stable_rs;
    assert_eq!(stable, web.replica_sets().await[0].hash().expect("a hash").as_str(), "the old version can come back");
    story.until_promoted(&web).await;
    story.until_answers_come_from("active", NEW).await;
    assert_eq!(story.end().count("active", NEW).errors, 0);
}

pub async fn a_bad_version_is_switched_back_from(mut story: Story) {
    let web = deploy(&mut story, "postPromotionAnalysis").await;
    story.update(&web, false).await;
    web.until_selected("active", NEW).await;
    story.mark("switched");
    story.until_aborted(&web, "Blue/green post-promotion analysis").await;
    assert_eq!(web.selected("active").await, OLD);
    story.until_answers_come_from("active", OLD).await;
    let report = story.end();
    assert!(report.count("active", NEW).errors > 0, "users have seen it");
    assert_eq!(report.count("active", OLD).errors, 0);
}
