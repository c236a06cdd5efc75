//! Looks at what a sync would do.

use serde_json::{Value, json};
use sluice::gitops::preview::{Local, Preview, Stand, Wish};

use crate::story::{Story, setting};

/// A workload of which the API server fills in most.
fn workload() -> String {
    let labels = json!({ "app": "web" });
    let container = json!({ "name": "web", "image": "web:1", "ports": [{ "containerPort": 80 }] });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    })
    .to_string()
}

async fn look(s: &Story, app: &str, wish: Wish) -> Preview {
    let application = s.applications().get(app).await.expect("it is there");
    Box::pin(Preview::new(&s.client(), application, wish)).await.expect("a look")
}

/// What a sync would do, by the names of objects.
async fn stands(s: &Story, app: &str, wish: Wish) -> Vec<(String, Stand)> {
    let mut preview = look(s, app, wish).await;
    let sights = preview.sights().await.expect("sights");
    assert_eq!(preview.unknown(), Vec::<String>::new());
    sights.into_iter().map(|sight| (sight.key.name, sight.stand)).collect()
}

fn named<const N: usize>(stands: [(&str, Stand); N]) -> Vec<(String, Stand)> {
    stands.into_iter().map(|(name, stand)| (name.to_owned(), stand)).collect()
}

fn local(s: &Story, folder: &str, root: Option<&str>) -> Wish {
    let place = |name: &str| s.folder().join("local").join(name);
    let local = Local { source: 0, folder: place(folder), root: root.map(place) };
    Wish { local: Some(local), ..Wish::default() }
}

/// Writes a file of a folder that is in no repository.
fn write(s: &Story, name: &str, content: &str) {
    let path = s.folder().join("local").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, content).expect("a file");
}

pub async fn a_look_says_what_a_sync_would_do(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/web.yaml", &workload());
    let first = s.git.commit("Blue");
    let app = s.application("colors", json!({})).await;
    let new = named([("color", Stand::New), ("web", Stand::New)]);
    assert_eq!(stands(&s, &app, Wish::default()).await, new);
    assert_eq!(s.setting("color").await, None, "a look writes nothing");
    s.patch("argoproj.io/v1alpha1", "Application", &app, json!({ "operation": { "sync": {} } })).await;
    s.until(&app, "synced", |status| status["operationState"]["phase"] == "Succeeded").await;
    let same = named([("color", Stand::Same), ("web", Stand::Same)]);
    assert_eq!(stands(&s, &app, Wish::default()).await, same);

    s.git.write("app/color.yaml", &setting("color", "green")).remove("app/web.yaml");
    s.git.commit("Green");
    let next = named([("color", Stand::Differs), ("web", Stand::Goes)]);
    assert_eq!(stands(&s, &app, Wish::default()).await, next);
    let before = Wish { revisions: [(0, first)].into(), ..Wish::default() };
    assert_eq!(stands(&s, &app, before).await, same);
    write(&s, "app/color.yaml", &setting("color", "blue"));
    write(&s, "app/shape.yaml", &setting("shape", "round"));
    let here = named([("color", Stand::Same), ("shape", Stand::New), ("web", Stand::Goes)]);
    assert_eq!(stands(&s, &app, local(&s, "app", None)).await, here);
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
}

pub async fn a_folder_of_a_program_is_looked_at(s: Story) {
    s.git.commit("Nothing yet");
    let app = s.application("colors", json!({})).await;
    write(&s, "chart/Chart.yaml", "apiVersion: v2\nname: colors\nversion: 1.0.0\n");
    write(&s, "chart/values.yaml", "color: blue\n");
    write(&s, "chart/templates/color.yaml", &setting("color", "{{ .Values.color }}"));
    let values =
        |manifests: Vec<Value>| -> Vec<Value> { manifests.into_iter().map(|it| it["data"]["value"].clone()).collect() };
    let chart = look(&s, &app, local(&s, "chart", None)).await.manifests().await;
    assert_eq!(values(chart.expect("manifests")), ["blue"]);
    write(&s, "base/kustomization.yaml", "resources: [color.yaml]\n");
    write(&s, "base/color.yaml", &setting("color", "red"));
    write(&s, "overlay/kustomization.yaml", "resources: [../base]\n");
    let overlay = look(&s, &app, local(&s, "overlay", Some(""))).await.manifests().await;
    assert_eq!(values(overlay.expect("manifests")), ["red"]);
    let alone = look(&s, &app, local(&s, "overlay", None)).await.manifests().await.expect_err("there is no base");
    let folder = s.folder().join("local/overlay").display().to_string();
    assert!(alone.starts_with(&format!("{folder}: kustomize: Error: ")), "{alone}");
}
