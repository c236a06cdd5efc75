//! How an open page of the dashboard goes on when its stream, or the person before it, does something unusual.

use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::Rollout;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::dashboard::{OWN, Stage};
use crate::driver::{Browser, Parts};

/// A network between a browser and a dashboard whose connections can die without a word to either.
struct Network {
    address: String,
    deaths: watch::Sender<u32>,
}

impl Network {
    async fn before(dashboard: &str) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let to = dashboard.trim_start_matches("http://").to_owned();
        let deaths = watch::Sender::new(0);
        let died = deaths.clone();
        tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let (to, mut died) = (to.clone(), died.subscribe());
                tokio::spawn(async move {
                    let mut dashboard = TcpStream::connect(to).await.expect("a connection");
                    tokio::select! {
                        _ = copy_bidirectional(&mut browser, &mut dashboard) => {}
                        // Both stay open, and nothing passes.
                        _ = died.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Network { address, deaths }
    }

    fn dies(&self) {
        self.deaths.send_modify(|deaths| *deaths += 1);
    }
}

/// Lets the page's time run faster, and notes what it says of its connection.
const HURRY: &str = "
    const real = Date.now, start = real();
    Date.now = () => start + (real() - start) * 10;
    window.said = [];
    const connection = document.getElementById('connection');
    new MutationObserver(() => window.said.push(connection.textContent)).observe(connection, { childList: true });
";

pub async fn a_page_whose_stream_died_silently_says_so_and_gets_another(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let network = Network::before(&stage.address).await;
    let browser = browser.at(&network.address);
    browser.open("/rollouts").await;
    browser.css("body[data-live=yes]").is_there().await;
    network.dies();
    stage.rollout("shop", "api").await;
    browser.script(HURRY, json!([])).await;
    browser.row("api").is_there().await;
    let said = browser.script("return window.said.join('; ')", json!([])).await;
    assert!(said.as_str().is_some_and(|said| said.contains("not kept up to date since")), "{said}");
}

pub async fn what_is_pressed_and_never_released_holds_up_no_change(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts", "/rollouts/shop/web").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts").await;
    browser.css("body[data-live=yes]").is_there().await;
    // The release goes to a menu of the browser, or to what a button of the mouse is dragged to.
    let press = "document.body.dispatchEvent(new PointerEvent('pointerdown', { button: arguments[0], bubbles: true }))";
    for (button, name) in [(2, "api"), (0, "late")] {
        browser.script(press, json!([button])).await;
        stage.rollout("shop", name).await;
        browser.row(name).is_there().await;
    }
}

pub async fn what_has_the_focus_keeps_it_through_a_change(browser: Browser) {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "web").await;
    stage.until_page_says("/rollouts?status=Healthy", "/rollouts/shop/web").await;
    let browser = browser.at(&stage.address);
    browser.open("/rollouts/shop/web").await;
    browser.css("body[data-live=yes]").is_there().await;
    let mark = "const it = document.querySelector('#revision-1'); it.dataset.mark = 1; it.firstElementChild.focus()";
    browser.script(mark, json!([])).await;
    let rollouts: Api<Rollout> = Api::namespaced(stage.client.clone(), "shop");
    let restarted = json!({"spec": {"template": {"metadata": {"annotations": {"again": "yes"}}}}});
    rollouts.patch("web", &PatchParams::default(), &Patch::Merge(&restarted)).await.expect("it is changed");
    browser.css("#revision-1[data-mark]").is_gone().await;
    let focused = browser.script("return document.activeElement.parentElement.id", json!([])).await;
    assert_eq!(focused, "revision-1");
}
