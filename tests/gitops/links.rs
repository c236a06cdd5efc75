//! Symbolic links in a repository: each leads where it leads, and none leads out.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};

fn recursing() -> Value {
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "directory": { "recurse": true } });
    changes
}

pub async fn a_link_leads_where_it_leads(s: Story) {
    s.git.write("shared/colors/color.yaml", &setting("color", "blue")).write("shared/size.yaml", &setting("size", "s"));
    s.git.write("app/deep/shape.yaml", &setting("shape", "round"));
    s.git.link("app/colors", "../shared/colors").link("app/size.yaml", "./deep/../size-of-all.yaml");
    // A link to a link, and one in a folder to which a link has led.
    s.git.link("app/size-of-all.yaml", "../shared/size.yaml").link("shared/colors/kind.yaml", "../../kinds/kind.yaml");
    s.git.write("kinds/kind.yaml", &setting("kind", "good")).link("current", "app");
    let commit = s.git.commit("Links");
    let mut changes = recursing();
    changes["spec"]["source"]["path"] = json!("current/");
    let app = s.application("links", changes).await;
    s.synced(&app, &commit).await;
    for (name, value) in [("color", "blue"), ("size", "s"), ("shape", "round"), ("kind", "good")] {
        assert_eq!(s.setting(name).await.as_deref(), Some(value), "{name}");
    }
}

pub async fn a_link_that_leads_nowhere_or_out_is_named(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue"));
    s.git.link("app/README", "gone").write("out/README.md", "Out").link("out/passwd.yaml", "../../../../etc/passwd");
    s.git.write("gone/README.md", "Gone").link("gone/size.yaml", "../shared/size.yaml");
    s.git.write("way/README.md", "A folder outside").link("way/all", "/etc");
    s.git.write("round/README.md", "Round").link("round/a.yaml", "b.yaml").link("round/b.yaml", "a.yaml");
    s.git.link("path", "../elsewhere");
    let commit = s.git.commit("Links");
    let app = s.application("colors", automated(true, true)).await;
    s.synced(&app, &commit).await;
    for (path, expected) in [
        ("out", "out/passwd.yaml is a symbolic link to \"../../../../etc/passwd\", which leads out of the repository"),
        ("gone", "gone/size.yaml is a symbolic link to \"../shared/size.yaml\", which leads nowhere"),
        ("way", "way/all is a symbolic link to \"/etc\", which leads out of the repository"),
        ("round", "which is behind 40 others"),
        ("path", "path is a symbolic link to \"../elsewhere\", which leads out of the repository"),
    ] {
        let mut changes = recursing();
        changes["spec"]["source"]["path"] = json!(path);
        let name = s.application(path, changes).await;
        let message = s.condition(&name, "ComparisonError").await;
        assert!(message.contains(expected), "{message}");
    }
}

pub async fn links_in_a_circle_come_to_an_end(s: Story) {
    s.git.write("circle/color.yaml", &setting("color", "blue")).link("circle/deep/up", "..");
    s.git.write("wide/0/README.md", "The last one");
    // Each folder has the next one ten times.
    for level in 1..40 {
        for copy in 0..10 {
            s.git.link(&format!("wide/{level}/{copy}"), &format!("../{}", level - 1));
        }
    }
    s.git.commit("Circles");
    for (name, path, expected) in [
        ("circle", "circle", "deep/up leads, over a symbolic link, to a folder that it is in itself"),
        ("wide", "wide/39", "there are more than 20000 folders"),
    ] {
        let mut changes = recursing();
        changes["spec"]["source"]["path"] = json!(path);
        let app = s.application(name, changes).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(expected), "{message}");
    }
}

pub async fn a_commit_that_changes_what_a_link_leads_to_is_seen(s: Story) {
    s.git.write("shared/color.yaml", &setting("color", "blue")).link("app/color.yaml", "../shared/color.yaml");
    let first = s.git.commit("A link");
    let app = s.application("links", automated(true, true)).await;
    s.synced(&app, &first).await;
    s.git.write("shared/color.yaml", &setting("color", "red"));
    let second = s.git.commit("What it leads to");
    s.synced(&app, &second).await;
    s.until_setting("color", Some("red")).await;
    // And what has nothing to do with it is no new version.
    s.git.write("shared/size.yaml", &setting("size", "small")).commit("Beside it");
    s.wait(3).await;
    assert_eq!(s.status(&app).await["sync"]["revision"], second.as_str());
}

pub async fn a_program_finds_what_links_lead_to(s: Story) {
    s.git.write("versions/v2/kustomization.yaml", "resources: [../../base, color.yaml]\nnamePrefix: my-\n");
    s.git.link("versions/v2/color.yaml", "../../colors/blue.yaml").write("colors/blue.yaml", &setting("color", "blue"));
    s.git.write("base/kustomization.yaml", "resources: [size.yaml]\n").write("base/size.yaml", &setting("size", "s"));
    s.git.link("app", "versions/v2");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chart\ndata:\n  value: {{ .Values.a }}\n";
    s.git.write("web/values.yaml", "a: chart\n").link("web/templates", "../parts").write("parts/map.yaml", map);
    s.git
        .write("charts/one.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
        .link("web/Chart.yaml", "../charts/one.yaml");
    s.git.link("envs/now.yaml", "eu.yaml").write("envs/eu.yaml", "a: eu\n");
    let first = s.git.commit("Links");
    let app = s.application("kustomize", automated(true, true)).await;
    s.synced(&app, &first).await;
    assert_eq!(s.setting("my-color").await.as_deref(), Some("blue"));
    assert_eq!(s.setting("my-size").await.as_deref(), Some("s"));
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "path": "web", "helm": { "valueFiles": ["../envs/now.yaml"] } });
    let chart = s.application("helm", changes).await;
    s.synced(&chart, &first).await;
    assert_eq!(s.setting("chart").await.as_deref(), Some("eu"));
    assert_eq!(s.renders().len(), 2);

    s.git.write("envs/eu.yaml", "a: europe\n").commit("What the link of the values leads to");
    s.until_setting("chart", Some("europe")).await;
    s.git.write("colors/blue.yaml", &setting("color", "light blue")).commit("And that of Kustomize");
    s.until_setting("my-color", Some("light blue")).await;
    assert_eq!(s.renders().len(), 4, "the other one of each is not rendered for that");
}
