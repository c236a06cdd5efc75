//! The dashboard of rollouts, as people use it.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, WatchEvent, WatchParams};
use serde_json::json;
use sluice::clock::Clock;
use sluice_core::api::Rollout;

use crate::dashboard::{OWN, SHARED, Stage};
use crate::driver::{Browser, Key, Parts, Preference};

pub async fn a_rollout_is_found_updated_promoted_and_taken_back(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "web").await;
    stage.rollout("bank", "api").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts").await;
    browser.css(r#"tr[id="shop/web"]"#).shows("✔ Healthy").await;
    browser.field("Search").fill("shop").await;
    browser.press(&[Key::Enter]).await;
    browser.css("tbody tr").are(1).await;
    browser.css("tbody tr").link("web").click().await;
    browser.arrives_at("/rollouts/shop/web").await;

    browser.link("Set image").click().await;
    let question = browser.dialog("Set image web?");
    question.shows("which begins an update").await;
    question.field("Image").fill("web:2").await;
    question.button("Set image").click().await;
    browser.dialog("Set image web").shows("rollout 'web' image updated").await;
    browser.dialog("Set image web").link("Close").click().await;
    // Nobody has loaded the page again.
    browser.css("#head").shows("॥ Paused").await;
    browser.css("#head").shows("the pause step waits for a promotion").await;
    browser.css(".steps .current").shows("wait until promoted").await;
    browser.region("Traffic").shows("50 %").await;

    browser.link("Promote").click().await;
    browser.dialog("Promote web?").button("Promote").click().await;
    browser.dialog("Promote web").shows("rollout 'web' promoted").await;
    browser.press(&[Key::Escape]).await;
    browser.css("#head").shows("✔ Healthy").await;
    browser.css("#revision-2 summary").shows("stable").await;

    browser.link("Roll back to revision 1").click().await;
    browser.dialog("Roll back web?").shows("The pod template of revision 1 is put back").await;
    browser.dialog("Roll back web?").button("Roll back").click().await;
    browser.dialog("Roll back web").shows("rollout 'web' goes back").await;
    browser.press(&[Key::Escape]).await;
    browser.css("#revision-3 summary").shows("web:1").await;
}

pub async fn what_is_refused_is_shown_with_its_reason(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts/shop/web").await;
    browser.link("Set image").click().await;
    browser.dialog("Set image web?").field("Image").fill("web 2").await;
    browser.dialog("Set image web?").button("Set image").click().await;
    browser.dialog("Set image web").css("[role=alert]").shows(r#""web 2" is not the name of an image"#).await;
    // That a request was refused is for the console, too.
    browser.complaints().await;
}

/// Notes when the row of a rollout comes.
const NOTE: &str = "
    const note = () => { if (!window.came && document.getElementById(arguments[0])) window.came = Date.now(); };
    new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
";

pub async fn a_change_is_on_the_page_within_a_second(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts").await;
    browser.css("body[data-live=yes]").is_there().await;
    browser.script(NOTE, json!(["shop/api"])).await;
    let rollouts: Api<Rollout> = Api::namespaced(stage.client.clone(), "shop");
    let only = WatchParams::default().fields("metadata.name=api");
    let events = rollouts.watch(&only, "0").await.expect("a watch");
    let told = async {
        let mut events = events.boxed();
        while !matches!(events.try_next().await.expect("an event"), Some(WatchEvent::Added(_))) {}
        Clock::System.now()
    };
    let (told, ()) = tokio::join!(told, stage.rollout("shop", "api"));
    browser.row("api").is_there().await;
    let came = browser.script("return window.came", json!([])).await;
    let took = came.as_i64().expect("a time") - told.as_millisecond();
    println!("a change is on the page {took} ms after the API server's event");
    // Within a second where nothing else runs; a busy machine has more time.
    assert!(took < 10_000, "{took} ms");
}

pub async fn a_thousand_rollouts_stay_quick_to_look_through(browser: Browser) {
    let stage = Stage::new(OWN).await;
    let names = (0..1000).map(|number| format!("web-{number:04}"));
    stream::iter(names).for_each_concurrent(8, async |name| stage.rollout("shop", &name).await).await;
    stage.until_page_says("/rollouts", "All <b>1000</b>").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts").await;
    browser.css("tbody tr").are(1000).await;
    let (took, bytes) = browser.cost().await;
    println!("a page of 1000 rollouts: {bytes} bytes in {took:?}");
    assert!(bytes < 300_000, "{bytes}");
    browser.field("Search").fill("0042").await;
    browser.press(&[Key::Enter]).await;
    browser.css("tbody tr").are(1).await;
    browser.row("web-0042").is_there().await;
}

pub async fn everything_on_a_rollout_is_done_with_the_keyboard(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "web").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts").await;
    browser.row("web").shows("✔ Healthy").await;
    browser.press(&[Key::Character('/')]).await;
    browser.focus_comes_to("searchbox Search").await;
    browser.tab_to("link web").await;
    browser.press(&[Key::Enter]).await;
    browser.arrives_at("/rollouts/shop/web").await;
    browser.tab_to("link Pause").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Pause web?").is_there().await;
    browser.press(&[Key::Escape]).await;
    browser.dialog("Pause web?").is_gone().await;
    browser.focus_comes_to("link Pause").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Pause web?").is_there().await;
    browser.tab_to("button Pause").await;
    browser.press(&[Key::Enter]).await;
    browser.dialog("Pause web").shows("rollout 'web' paused").await;
    browser.css("#head").shows("॥ Paused").await;
}

pub async fn a_phone_shows_all_of_it_in_the_dark(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "a-rollout-with-a-name-that-is-longer-than-a-phone-is-wide").await;
    let path = "/rollouts/shop/a-rollout-with-a-name-that-is-longer-than-a-phone-is-wide";
    stage.until_page_says("/rollouts?status=Healthy", path).await;
    let browser = browser.at(&stage.address);
    for preference in [Preference::Light, Preference::Dark] {
        browser.prefers(&[preference]).await;
        for path in ["/rollouts", path, &format!("{path}/do/set-image"), "/login"] {
            browser.open(path).await;
            browser.is_accessible().await;
        }
    }
    browser.on_a_phone().await;
    for path in ["/rollouts", path, &format!("{path}/do/promote"), "/login"] {
        browser.open(path).await;
        browser.has_no_sideways_scroll().await;
        browser.is_accessible().await;
    }
}

pub async fn somebody_logs_in_with_a_token(browser: Browser) {
    let stage = Stage::new(SHARED).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list"]}]);
    let token = stage.token("viewer", &rules).await;
    stage.until_seen("/rollouts/shop/web", &token).await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts/shop/web").await;
    browser.arrives_at("/login?to=%2Frollouts%2Fshop%2Fweb").await;
    browser.field("Token").fill("wrong").await;
    browser.button("Log in").click().await;
    browser.css("[role=alert]").shows("does not know this token").await;
    browser.complaints().await;
    browser.field("Token").fill(&token).await;
    browser.button("Log in").click().await;
    browser.arrives_at("/rollouts/shop/web").await;
    browser.link("Abort").click().await;
    browser.dialog("Abort web?").button("Abort").click().await;
    browser.dialog("Abort web").css("[role=alert]").shows("cannot abort rollout 'web'").await;
    browser.complaints().await;
    browser.press(&[Key::Escape]).await;
    browser.button("Log out").click().await;
    browser.arrives_at("/login").await;
}
