//! Applications in the dashboard, as people use them.

use serde_json::{Value, json};
use sluice::dashboard::access::Gate;

use crate::driver::{Browser, Key, Parts, Preference};
use crate::gitops::{HOME, Stage, object};

/// The most that a page with a thousand objects may have, in bytes.
const SIZE: u64 = 300_000;

fn page(name: &str) -> String {
    format!("/applications/{HOME}/{name}")
}

/// A thousand objects in four groups, three of which differ and one of which ails.
fn thousand() -> Value {
    let maps = (0..900).map(|index| match index {
        500..502 => object("ConfigMap", &format!("map-{index:04}"), "OutOfSync"),
        _ => object("ConfigMap", &format!("map-{index:04}"), "Synced"),
    });
    let secrets = (0..50).map(|index| object("Secret", &format!("secret-{index:02}"), "Synced"));
    let services = (0..49).map(|index| object("Service", &format!("service-{index:02}"), "Synced"));
    let health = json!({"status": "Degraded", "message": "the update was given up"});
    let rollout = json!({"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": "shop", "name": "web",
        "status": "OutOfSync", "health": health});
    let all: Vec<Value> = maps.chain(secrets).chain(services).chain([rollout]).collect();
    assert_eq!(all.len(), 1_000);
    json!({"status": {"resources": all, "sync": {"status": "OutOfSync"}}})
}

/// Syncs of the past, the second by a person.
fn history() -> Value {
    let entry = |id: i64, revision: &str, who: Value| {
        json!({"id": id, "revision": revision, "deployedAt": "2026-01-01T00:00:00Z", "initiatedBy": who,
            "source": {"repoURL": "https://git.example.com/team/colors.git", "path": "deploy"}})
    };
    let entries = [
        entry(4, "1111111aaaaaaabbbbbbbcccccccdddddddeeeee", json!({"automated": true})),
        entry(5, "2222222aaaaaaabbbbbbbcccccccdddddddeeeee", json!({"username": "jane"})),
    ];
    json!({"status": {"history": entries}})
}

pub async fn an_application_of_a_thousand_objects_stays_readable(browser: Browser) {
    let stage = Stage::usual().await;
    stage.create("large", &thousand()).await;
    stage.shows(&page("large"), "<h1>large").await;
    let browser = browser.at(&stage.listen().await);
    browser.open(&page("large")).await;
    // What differs comes first, and nothing else.
    browser.css("#objects tbody tr").are(3).await;
    browser.css("#objects").link("web").is_there().await;
    browser.is_accessible().await;

    browser.css("#objects").link("All 1000").click().await;
    browser.css("#objects .group").are(4).await;
    browser.css("#objects tbody tr").are(0).await;
    browser.css("#objects").shows("2 differ").await;
    browser.css("#objects").link("ConfigMap").click().await;
    browser.css("#objects tbody tr").are(900).await;
    let (took, bytes) = browser.cost().await;
    println!("a page of 1000 objects, 900 of them open: {bytes} bytes in {took:?}");
    assert!(bytes < SIZE, "{bytes}");

    browser.field("Search").fill("map-0042").await;
    browser.press(&[Key::Enter]).await;
    browser.css("#objects tbody tr").are(1).await;
    browser.row("map-0042").shows("✔ Synced").await;
    browser.field("Search").fill("").await;
    browser.press(&[Key::Enter]).await;
    browser.css("#objects").link("Not healthy 1").click().await;
    browser.row("web").shows("the update was given up").await;
    browser.row("web").link("web").click().await;
    browser.arrives_at("/rollouts/shop/web").await;
    // The objects are what the Application says; this rollout is not there.
    browser.complaints().await;
}

pub async fn what_a_sync_would_change_is_looked_at_and_synced(browser: Browser) {
    let stage = Stage::usual().await;
    let _repository = stage.colors().await;
    stage.shows(&page("colors"), "<h1>colors").await;
    let browser = browser.at(&stage.listen().await);
    browser.open("/applications").await;
    browser.row("colors").shows("⚠ OutOfSync").await;
    browser.row("colors").link("colors").click().await;
    browser.arrives_at(&page("colors")).await;
    browser.css("#objects").link("color").click().await;
    browser.css("pre.yaml").shows("value: blue").await;
    browser.is_accessible().await;
    browser.link("What a sync would change").click().await;
    browser.css("pre.diff").shows("- value: blue").await;
    browser.css("pre.diff").shows("+ value: <green>").await;
    browser.css("main").does_not_show("login").await;
    browser.is_accessible().await;
    browser.link("colors").click().await;
    browser.link("Differences").click().await;
    browser.css("main").shows("Secret login").await;
    browser.css("main").does_not_show("MTIzNA").await;

    browser.link("colors").click().await;
    browser.arrives_at(&page("colors")).await;
    browser.link("Sync").click().await;
    let question = browser.dialog("Sync colors?");
    question.shows("brought to what the newest commit says").await;
    browser.is_accessible().await;
    question.field("Prune: let objects go that are not wanted any more").click().await;
    question.button("Sync").click().await;
    let told = browser.dialog("Sync colors");
    told.shows("a sync of application 'colors' is asked for").await;
    browser.is_accessible().await;
    told.link("Close").click().await;
    assert_eq!(stage.stored("colors").await["operation"]["sync"]["prune"], true);
    // Nobody has loaded the page again.
    browser.css("#operation").shows("Operation asked for").await;
    let at = "2026-01-01T00:00:00Z";
    let over = json!({"operation": {"sync": {}}, "phase": "Succeeded", "startedAt": at, "finishedAt": at});
    let synced = json!({"sync": {"status": "Synced"}, "operationState": over});
    stage.change("colors", &json!({"operation": null, "status": synced})).await;
    browser.css("#head").shows("✔ Synced").await;
    browser.css("#operation").shows("Last operation").await;

    browser.link("Hard refresh").click().await;
    browser.dialog("Hard refresh colors?").button("Hard refresh").click().await;
    browser.dialog("Hard refresh colors").shows("is refreshed hard").await;
    assert_eq!(stage.stored("colors").await["metadata"]["annotations"]["argocd.argoproj.io/refresh"], "hard");
}

pub async fn somebody_sees_who_synced_which_commit_and_goes_back(browser: Browser) {
    let stage = Stage::usual().await;
    stage.create("web", &history()).await;
    stage.shows(&page("web"), "Roll back to 4").await;
    let browser = browser.at(&stage.listen().await);
    browser.open("/applications").await;
    browser.row("web").shows("jane").await;
    browser.row("web").link("web").click().await;
    browser.css("#history tbody tr:first-child").shows("jane 2222222").await;
    browser.css("#history tbody tr:last-child").shows("1111111").await;
    browser.link("Roll back to 5").is_gone().await;
    browser.link("Roll back to 4").click().await;
    let question = browser.dialog("Roll back web?");
    question.shows("brought to what was synced under id 4").await;
    question.link("Cancel").click().await;
    question.is_gone().await;
    assert_eq!(stage.stored("web").await["operation"], Value::Null, "nobody has confirmed it");
    browser.link("Roll back to 4").click().await;
    question.button("Roll back").click().await;
    browser.dialog("Roll back web").shows("a rollback of application 'web' to id 4 is asked for").await;
    assert!(
        stage.stored("web").await["operation"]["sync"]["revision"].as_str().is_some_and(|it| it.starts_with("1111111"))
    );
    browser.press(&[Key::Escape]).await;

    // What is refused is shown with its reason: that one is not over yet.
    browser.link("Sync").click().await;
    browser.dialog("Sync web?").button("Sync").click().await;
    browser.dialog("Sync web").css("[role=alert]").shows("another operation is already in progress").await;
    browser.complaints().await;
}

pub async fn an_application_is_found_and_synced_with_the_keyboard(browser: Browser) {
    let stage = Stage::usual().await;
    stage.create("large", &thousand()).await;
    stage.shows(&page("large"), "<h1>large").await;
    let browser = browser.at(&stage.listen().await);
    browser.open("/applications").await;
    browser.press(&[Key::Character('/')]).await;
    browser.focus_comes_to("searchbox Search").await;
    browser.tab_to("link large").await;
    browser.press(&[Key::Enter]).await;
    browser.arrives_at(&page("large")).await;
    browser.tab_to("link Sync").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Sync large?").is_there().await;
    browser.press(&[Key::Escape]).await;
    browser.dialog("Sync large?").is_gone().await;
    browser.focus_comes_to("link Sync").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Sync large?").is_there().await;
    browser.tab_to("button Sync").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Sync large").shows("is asked for").await;
    browser.press(&[Key::Escape]).await;
    browser.tab_to("link All 1000").await;
    browser.press(&[Key::Enter]).await;
    browser.css("#objects .group").are(4).await;
    browser.tab_to("link Secret").await;
    browser.press(&[Key::Enter]).await;
    browser.css("#objects tbody tr").are(50).await;
}

pub async fn a_phone_shows_an_application_in_the_dark(browser: Browser) {
    let stage = Stage::new(true, Gate::Owner, false).await;
    stage.create("an-application-with-a-name-that-is-longer-than-a-phone-is-wide", &thousand()).await;
    stage.create("web", &history()).await;
    let long = page("an-application-with-a-name-that-is-longer-than-a-phone-is-wide");
    stage.shows(&long, "</h1>").await;
    stage.shows(&page("web"), "Roll back to 4").await;
    let browser = browser.at(&stage.listen().await);
    let open = format!("{long}?show=all&open=%2FSecret%2Fshop");
    let paths = ["/applications", &long, &open, &page("web"), &format!("{long}/do/sync")];
    browser.prefers(&[Preference::Dark]).await;
    browser.on_a_phone().await;
    for path in paths {
        browser.open(path).await;
        browser.has_no_sideways_scroll().await;
        browser.is_accessible().await;
    }
}
