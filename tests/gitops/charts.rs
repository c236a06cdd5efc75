//! Charts of Helm repositories and registries, as Helm itself publishes them.

use serde_json::{Value, json};
use sluice::gitops::Programs;

use crate::charts_server::{Registry, Site, basic};
use crate::repository::Repository;
use crate::server::LOGIN;
use crate::story::{Story, automated};

/// An Application of a chart, in place of a folder in Git.
fn of_chart(url: &str, chart: &str, revision: &str) -> Value {
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({
        "repoURL": url, "chart": chart, "targetRevision": revision, "path": null, "helm": { "releaseName": chart },
    });
    changes
}

/// Vouches for servers on this machine.
async fn vouch(s: &Story, certificates: &[&str]) {
    let metadata = json!({ "name": "argocd-tls-certs-cm", "labels": { "app.kubernetes.io/part-of": "argocd" } });
    let data = json!({ "localhost": certificates.join("\n") });
    s.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data })).await;
}

/// Says how a repository is reached.
async fn secret(s: &Story, name: &str, url: &str, more: Value) {
    let labels = json!({ "argocd.argoproj.io/secret-type": "repository" });
    let mut data = json!({ "type": "helm", "url": url });
    json_patch::merge(&mut data, &more);
    let metadata = json!({ "name": name, "labels": labels });
    s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })).await;
}

fn login() -> Value {
    json!({ "username": LOGIN.0, "password": LOGIN.1 })
}

pub async fn a_chart_comes_from_a_repository_with_a_login(s: Story) {
    let site = Site::start(true).await;
    site.publish("web", "1.0.0", "one");
    site.publish("web", "2.0.0", "too new");
    vouch(&s, &[&site.certificate]).await;
    let app = s.application("chart", of_chart(&site.url, "web", "1.*")).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("401") && message.contains("secret-type: repository"), "{message}");
    secret(&s, "charts", &site.url, login()).await;
    let status = s.synced(&app, "1.0.0").await;
    assert_eq!(status["sourceType"], "Helm");
    assert_eq!(s.setting("web").await.as_deref(), Some("one"));
    assert!(!status.to_string().contains(LOGIN.1));
    // A newer version in the range is what it stands for now.
    site.publish("web", "1.10.0", "ten");
    let status = s.synced(&app, "1.10.0").await;
    s.until_setting("web", Some("ten")).await;
    let history: Vec<&Value> =
        status["history"].as_array().expect("a history").iter().map(|it| &it["revision"]).collect();
    assert_eq!(history, ["1.0.0", "1.10.0"]);
    // What is here is not downloaded again, now or by another process.
    let looked = |status: u16| site.asked("index.yaml").iter().filter(|asked| asked.status == status).count();
    let before = (site.asked(".tgz").len(), looked(304));
    while looked(304) < before.1 + 2 {
        s.pause().await;
    }
    let whole = looked(200);
    let s = s.with(Programs::default()).await;
    while looked(200) == whole {
        s.pause().await;
    }
    s.synced(&app, "1.10.0").await;
    s.patch(
        "argoproj.io/v1alpha1",
        "Application",
        &app,
        json!({ "spec": { "source": { "targetRevision": "1.0.0" } } }),
    )
    .await;
    s.until_setting("web", Some("one")).await;
    assert_eq!(site.asked(".tgz").len(), before.0);
}

pub async fn a_chart_takes_values_of_another_source(s: Story) {
    let site = Site::start(false).await;
    site.publish("web", "1.0.0", "default");
    vouch(&s, &[&site.certificate]).await;
    let values = Repository::new();
    let first = values.write("envs/eu.yaml", "value: of Git\n").commit("Values");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = Value::Null;
    changes["spec"]["sources"] = json!([
        { "repoURL": site.url, "chart": "web", "targetRevision": "1.0.0", "helm": {
            "releaseName": "web", "valueFiles": ["eu.yaml", "$values/envs/eu.yaml"],
        } },
        { "repoURL": values.url(), "targetRevision": "main", "ref": "values" },
    ]);
    let app = s.application("chart", changes).await;
    s.until_setting("web", Some("of Git")).await;
    let revisions = |commit: &str| json!(["1.0.0", commit]);
    s.until(&app, "synced", |status| {
        status["sync"]["status"] == "Synced" && status["sync"]["revisions"] == revisions(&first)
    })
    .await;
    let second = values.write("envs/eu.yaml", "other: nothing\n").commit("Other values");
    s.until_setting("web", Some("of the chart's own file")).await;
    s.until(&app, "synced again", |status| status["sync"]["revisions"] == revisions(&second)).await;
}

pub async fn a_chart_gets_what_it_needs_from_repositories(s: Story) {
    let (site, registry) = (Site::start(true).await, Registry::start().await);
    for (version, value) in [("1.0.0", "locked"), ("1.1.0", "newer")] {
        site.publish("db", version, value);
    }
    site.publish("queue", "3.2.1", "named");
    registry.push("cache", "0.1.0", "of a registry");
    vouch(&s, &[&site.certificate]).await;
    let mut more = login();
    more["name"] = json!("shop");
    secret(&s, "charts", &site.url, more).await;
    // The name of the host alone has somebody who vouches for it.
    let place = format!("{}/team/charts", registry.host);
    secret(&s, "registry", &place, json!({ "enableOCI": "true", "insecureOCIForceHttp": "true" })).await;
    let needs = json!([
        { "name": "db", "version": "^1", "repository": site.url },
        { "name": "queue", "version": "3.x", "repository": "@shop" },
        { "name": "cache", "version": "*", "repository": format!("oci://{place}") },
        { "name": "part", "version": "1.0.0", "repository": "file://../part" },
    ]);
    let chart = json!({ "apiVersion": "v2", "name": "app", "version": "1.0.0", "dependencies": needs });
    let lock = json!({ "dependencies": [{ "name": "db", "version": "1.0.0", "repository": site.url }] });
    s.git.write("app/Chart.yaml", &chart.to_string()).write("app/Chart.lock", &lock.to_string());
    s.git.write("part/Chart.yaml", "apiVersion: v2\nname: part\nversion: 1.0.0\n");
    s.git.write("part/templates/map.yaml", &crate::story::setting("part", "beside"));
    let first = s.git.commit("A chart");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "helm": { "releaseName": "shop" } });
    let app = s.application("chart", changes).await;
    s.synced(&app, &first).await;
    let all = async || {
        let names = ["db", "queue", "cache", "part"];
        let mut found = Vec::new();
        for name in names {
            found.push(s.setting(name).await.unwrap_or_default());
        }
        found
    };
    assert_eq!(all().await, ["locked", "named", "of a registry", "beside"]);
    s.git.remove("app/Chart.lock");
    let second = s.git.commit("No lock");
    s.synced(&app, &second).await;
    s.until_setting("db", Some("newer")).await;
    let chart = json!({
        "apiVersion": "v2", "name": "app", "version": "1.0.0",
        "dependencies": [{ "name": "db", "version": "9.x", "repository": "alias:shop" }],
    });
    s.git.write("app/Chart.yaml", &chart.to_string()).commit("Too much");
    let message = s.condition(&app, "ComparisonError").await;
    assert!(
        message.contains("it needs the chart db") && message.contains("\"9.x\": the highest are 1.1.0"),
        "{message}"
    );
    assert_eq!(s.setting("db").await.as_deref(), Some("newer"), "what there is stays");
    // A project that does not permit the repository does not lend its login either.
    let any = json!([{ "server": "*", "namespace": "*" }]);
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": { "name": "team" },
        "spec": { "sourceRepos": [s.git.url()], "destinations": any },
    });
    s.create(project).await;
    let mut other = automated(true, true);
    other["spec"]["project"] = json!("team");
    let app = s.application("other", other).await;
    let message = s.condition(&app, "ComparisonError").await;
    let expected = format!("the repository {} is not permitted in project 'team'", site.url);
    assert!(message.contains(&expected), "{message}");
}

pub async fn what_cannot_be_had_of_a_repository_is_named(s: Story) {
    let (site, empty) = (Site::start(false).await, Site::start(false).await);
    let archive = site.publish("web", "1.0.0", "one");
    std::fs::write(empty.path("index.yaml"), "<html>Sign in</html>").expect("a file");
    let published = std::fs::read(&archive).expect("a file");
    site.publish("api", "1.0.0", "api");
    std::fs::copy(site.path("api-1.0.0.tgz"), &archive).expect("a file");
    vouch(&s, &[&site.certificate, &empty.certificate]).await;
    let nowhere = format!("{}/nowhere", site.url);
    for (name, url, chart, revision, expected) in [
        ("misspelt", &site.url, "wbe", "1.0.0", "no chart \"wbe\"; there is web"),
        ("range", &site.url, "web", "2.x", "no version in the range \"2.x\": there is 1.0.0"),
        ("branch", &site.url, "web", "main", "neither a version nor a range"),
        ("html", &empty.url, "web", "", "no index of a Helm repository"),
        ("nowhere", &nowhere, "web", "", "404 Not Found; see what repoURL should be"),
        ("tampered", &site.url, "web", "1.0.0", "is not the one that was published: its SHA-256 is"),
    ] {
        let app = s.application(name, of_chart(url, chart, revision)).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(expected), "{name}: {message}");
        assert!(message.contains(url.as_str()) && !message.contains("/tmp/"), "{name}: {message}");
    }
    std::fs::write(&archive, published).expect("a file");
    s.synced(&format!("tampered-{}", s.namespace), "1.0.0").await;
    assert_eq!(s.setting("web").await.as_deref(), Some("one"));
}

pub async fn a_login_follows_a_chart_elsewhere_where_that_was_asked_for_alone(s: Story) {
    let (site, open, strict) = (Site::start(true).await, Site::start(false).await, Site::start(true).await);
    for (name, value) in [("led", "by a redirect"), ("named", "by the index"), ("far", "with the login")] {
        site.publish(name, "1.0.0", value);
    }
    site.lead("led-1.0.0.tgz", &open);
    site.name("named-1.0.0.tgz", &open);
    site.name("far-1.0.0.tgz", &strict);
    vouch(&s, &[&site.certificate, &open.certificate, &strict.certificate]).await;
    secret(&s, "charts", &site.url, login()).await;
    for name in ["led", "named"] {
        let app = s.application(name, of_chart(&site.url, name, "1.0.0")).await;
        s.synced(&app, "1.0.0").await;
        let asked = open.asked(&format!("{name}-1.0.0.tgz"));
        assert!(asked.len() == 1 && asked[0].login.is_none(), "{name}: {asked:?}");
    }
    assert!(site.asked("led-1.0.0.tgz").iter().all(|asked| asked.login == Some(basic())));
    let app = s.application("far", of_chart(&site.url, "far", "1.0.0")).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("401") && message.contains("helm.passCredentials"), "{message}");
    assert!(strict.asked("far-1.0.0.tgz").iter().all(|asked| asked.login.is_none()));
    let change = json!({ "spec": { "source": { "helm": { "passCredentials": true } } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, change).await;
    s.synced(&app, "1.0.0").await;
    assert_eq!(s.setting("far").await.as_deref(), Some("with the login"));
}

pub async fn a_chart_comes_from_a_registry(s: Story) {
    let registry = Registry::start().await;
    registry.push("web", "1.0.0", "one");
    registry.push("web", "2.0.0-rc.1", "too new");
    let url = format!("{}/team/charts", registry.host);
    secret(&s, "charts", &url, json!({ "enableOCI": "true", "name": "charts" })).await;
    let app = s.application("chart", of_chart(&url, "web", ">=1.0")).await;
    s.synced(&app, "1.0.0").await;
    assert_eq!(s.setting("web").await.as_deref(), Some("one"));
    registry.push("web", "1.1.0+build.7", "seven");
    s.synced(&app, "1.1.0+build.7").await;
    s.until_setting("web", Some("seven")).await;
    let change = json!({ "spec": { "source": { "repoURL": format!("oci://{url}"), "targetRevision": "2.0.0-rc.1" } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, change).await;
    s.synced(&app, "2.0.0-rc.1").await;
    for (name, chart, revision, expected) in [
        ("missing", "wbe", "1.x", "the registry has no chart team/charts/wbe"),
        ("version", "web", "3.0.0", "no version \"3.0.0\": the highest are 2.0.0-rc.1, 1.1.0+build.7, 1.0.0"),
    ] {
        let app = s.application(name, of_chart(&format!("oci://{url}"), chart, revision)).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(expected), "{name}: {message}");
    }
}

pub async fn an_index_leads_to_a_registry(s: Story) {
    let (registry, site) = (Registry::start().await, Site::start(true).await);
    registry.push("web", "1.0.0", "one");
    site.refer(&registry, "web", "1.0.0");
    secret(&s, "charts", &site.url, json!({ "username": LOGIN.0, "password": LOGIN.1, "insecure": "true" })).await;
    let app = s.application("chart", of_chart(&site.url, "web", "")).await;
    s.synced(&app, "1.0.0").await;
    assert_eq!(s.setting("web").await.as_deref(), Some("one"));
}

pub async fn a_registry_gives_out_tokens(s: Story) {
    let registry = Registry::start().await;
    registry.push("web", "1.0.0", "one");
    let (front, tokens) = registry.behind_tokens().await;
    vouch(&s, &[&front.certificate, &tokens.certificate]).await;
    let url = front.url.replacen("https", "oci", 1).replace("colors.git", "team/charts");
    let app = s.application("chart", of_chart(&url, "web", "*")).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("401") && message.contains("secret-type: repository"), "{message}");
    secret(&s, "charts", &url, login()).await;
    let status = s.synced(&app, "1.0.0").await;
    assert_eq!(s.setting("web").await.as_deref(), Some("one"));
    assert!(!status.to_string().contains("t0ken"));
}
