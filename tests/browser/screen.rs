//! A page on what people have: a phone, a dark room, a stomach that does not like things that move.

use crate::driver::{Browser, Parts, Preference};
use crate::page::Page;

pub async fn a_narrow_screen_has_no_sideways_scroll(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.on_a_phone().await;
    for path in ["/rollouts", "/rollouts/web"] {
        browser.open(path).await;
        browser.heading(if path == "/rollouts" { "Rollouts" } else { "web" }).is_there().await;
        browser.has_no_sideways_scroll().await;
    }
}

pub async fn a_page_that_is_too_wide_is_found(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.resize(500, 700).await;
    browser.open("/broken").await;
    let out = browser.what_sticks_out().await.join("\n");
    assert!(out.contains("p.wide reaches to") && !out.contains("framed"), "{out}");
    // A page that says nothing of narrow screens is laid out for a wide one, where everything has room.
    browser.on_a_phone().await;
    browser.open("/broken").await;
    assert_ne!(browser.what_sticks_out().await, [""; 0]);
    browser.complaints().await;
}

pub async fn a_page_is_dark_or_light_as_people_ask(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    let body = browser.css("body");
    for (preference, color) in
        [(Preference::Light, "rgba(255, 255, 255, 1)"), (Preference::Dark, "rgba(17, 17, 17, 1)")]
    {
        browser.prefers(&[preference]).await;
        browser.open("/rollouts").await;
        assert_eq!(body.style("background-color").await, color);
        browser.is_accessible().await;
    }
    // It need not be opened anew.
    browser.prefers(&[Preference::Light]).await;
    assert_eq!(body.style("background-color").await, "rgba(255, 255, 255, 1)");
    assert!(browser.picture("light").await.exists());
}

pub async fn nothing_moves_where_people_ask_for_that(browser: Browser) {
    let page = Page::serve().await;
    let browser = browser.at(&page.url);
    browser.open("/rollouts").await;
    let dialog = browser.css("dialog");
    browser.row("web").button("Promote web").click().await;
    assert_eq!(dialog.style("animation-name").await, "appear");
    browser.prefers(&[Preference::Dark, Preference::LessMotion]).await;
    assert_eq!(dialog.style("animation-name").await, "none");
}
