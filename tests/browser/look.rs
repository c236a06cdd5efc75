//! Looking at a page.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::json;

use crate::driver::{Browser, LIMIT, Parts};
use crate::page::Page;

pub async fn a_page_shows_what_it_has(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.has_title("Rollouts").await;
    browser.heading("Rollouts").is_there().await;
    browser.row("web").shows("✔ Healthy").await;
    browser.row("api").shows("॥ Paused").await;
    browser.css("tbody tr").are(2).await;
    assert_eq!(browser.row("web").link("web").attribute("href").await.as_deref(), Some("/rollouts/web"));
    let (spent, bytes) = browser.cost().await;
    assert!(spent < LIMIT && (500..5000).contains(&bytes), "{spent:?} {bytes}");
    browser.row("web").link("web").click().await;
    browser.arrives_at("/rollouts/web").await;
    browser.heading("web").is_there().await;
    assert_eq!(browser.css("h1").text().await, "web");
}

pub async fn a_page_that_complains_is_heard(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/broken").await;
    let heard = async || {
        let complaints = browser.complaints().await.join("\n");
        let all = ["Content Security Policy", "is not what it was", "404"];
        match all.iter().find(|it| !complaints.contains(**it)) {
            None => Ok(()),
            // The console is read once: what was there at first is there on the next visit again.
            Some(lacking) => {
                browser.open("/broken").await;
                Err(format!("no {lacking} in {complaints}"))
            }
        }
    };
    browser.eventually("an error, a refusal and what is not found", heard).await;
    // What the page says after the last look concerns no one here.
    browser.open("/rollouts").await;
    browser.complaints().await;
}

pub async fn a_part_that_is_not_there_is_named(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.row("web").shows("✔ Healthy").await;
    let hasty = browser.with_limit(Duration::from_secs(1));
    let looked = AssertUnwindSafe(hasty.row("web").shows("✖ Degraded")).catch_unwind().await;
    let why = looked.expect_err("it is healthy").downcast::<String>().expect("a text");
    assert!(why.starts_with("tests/browser/look.rs:"), "{why}");
    assert!(why.contains(r#": the row "web" was to show "✖ Degraded": it shows "web ✔ Healthy Promote""#), "{why}");
    assert!(why.ends_with("Nothing happened yet."), "it ends with what the page shows: {why}");
}

pub async fn no_other_host_is_reached(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    let asked = AssertUnwindSafe(browser.at("http://sluice.example").open("/")).catch_unwind().await;
    let why = asked.expect_err("there is none").downcast::<String>().expect("a text");
    assert!(why.contains("ERR_NAME_NOT_RESOLVED"), "{why}");
    let asked = browser.script("return performance.now()", json!([])).await;
    assert!(asked.as_f64().is_some_and(|it| Duration::from_secs_f64(it / 1000.0) < LIMIT), "it still answers");
    browser.complaints().await;
}

pub async fn a_row_is_found_among_a_thousand(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    browser.row("web").shows("✔ Healthy").await;
    let copy = "const row = document.querySelector('tbody tr');
        for (let number = 1; number <= 1000; number += 1) {
            const copy = row.cloneNode(true);
            copy.querySelector('a').textContent = `web-${number}`;
            row.parentElement.append(copy);
        }";
    browser.script(copy, json!([])).await;
    browser.css("tbody tr").are(1002).await;
    browser.row("web-1").shows("✔ Healthy").await;
    browser.row("web-1000").button("Promote web").click().await;
    browser.dialog("Promote web?").is_there().await;
}
