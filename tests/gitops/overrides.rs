//! What files in a folder say over the Application, and variables in what it says.

use serde_json::json;

use crate::story::{Story, automated, setting};

pub async fn files_in_the_folder_say_something_over_the_application(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("app/deep/size.yaml", &setting("size", "small"));
    s.git.write("app/.argocd-source.yaml", "directory: {recurse: true, exclude: color.yaml}\n");
    let first = s.git.commit("For all");
    let app = s.application("one", automated(true, true)).await;
    s.synced(&app, &first).await;
    assert_eq!((s.setting("color").await, s.setting("size").await.as_deref()), (None, Some("small")));

    s.git.write(&format!("app/.argocd-source-{app}.yaml"), "directory: {exclude: null}\n");
    let second = s.git.commit("And for this one");
    s.synced(&app, &second).await;
    s.until_setting("color", Some("blue")).await;

    for (said, expected) in [
        ("path: elsewhere\n", "path is for the Application itself to say"),
        ("kustomize: {version: v4}\n", "kustomize.version is not supported yet"),
        ("directory: [\n", ".argocd-source-"),
    ] {
        s.git.write(&format!("app/.argocd-source-{app}.yaml"), said).commit("Wrong");
        s.until(&app, "in trouble", |status| {
            status["conditions"][0]["message"].as_str().is_some_and(|message| message.contains(expected))
        })
        .await;
    }
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
}

/// An image that is written into Git by a program that looks for new ones.
pub async fn an_image_in_git_is_put_into_kustomizes_place(s: Story) {
    s.git.write("app/kustomization.yaml", "resources: [pod.yaml]\n");
    let pod = json!({
        "apiVersion": "v1", "kind": "PodTemplate", "metadata": { "name": "web" },
        "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] } },
    });
    s.git.write("app/pod.yaml", &pod.to_string());
    let first = s.git.commit("A pod");
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "kustomize": {
        "commonAnnotations": { "by": "$ARGOCD_APP_NAME of ${ARGOCD_APP_NAMESPACE} $$1" }, "commonAnnotationsEnvsubst": true,
    } });
    let app = s.application("web", changes).await;
    s.synced(&app, &first).await;
    let web = s.object("v1", "PodTemplate", "web").await.expect("it is there");
    assert_eq!(web["metadata"]["annotations"]["by"], format!("{app} of {} $1", s.namespace));
    let said = json!({ "kustomize": { "images": ["web=registry.example.com/web:2"] } });
    s.git.write(&format!("app/.argocd-source-{app}.yaml"), &said.to_string()).commit("A newer image");
    s.until_object(("v1", "PodTemplate"), "web", |web| {
        web["template"]["spec"]["containers"][0]["image"] == "registry.example.com/web:2"
            && web["metadata"]["annotations"]["by"] != json!(null)
    })
    .await;
}

pub async fn a_chart_is_told_of_its_application_and_of_its_commit(s: Story) {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\ndata:\n  value: {{ .Values.value | quote }}\n";
    s.git.write("app/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n").write("app/templates/map.yaml", map);
    s.git.write("app/values.yaml", "name: none\nvalue: none\n");
    let first = s.git.commit("A chart");
    let chart = |name: &str, value: &str| {
        let mut changes = automated(true, true);
        let parameters = json!([{ "name": "name", "value": name }, { "name": "value", "value": value }]);
        let files = ["envs/$ARGOCD_APP_NAME.yaml"];
        changes["spec"]["source"] = json!({ "helm": { "releaseName": "web", "parameters": parameters, "valueFiles": files, "ignoreMissingValueFiles": true } });
        changes
    };
    let named = s.application("named", chart("named", "$ARGOCD_APP_PROJECT_NAME of $ARGOCD_APP_SOURCE_PATH")).await;
    s.synced(&named, &first).await;
    assert_eq!(s.setting("named").await.as_deref(), Some("default of app"));
    let dated = s.application("dated", chart("dated", "at-$ARGOCD_APP_REVISION_SHORT")).await;
    s.synced(&dated, &first).await;
    assert_eq!(s.setting("dated").await, Some(format!("at-{}", &first[..7])));
    assert_eq!(s.renders().len(), 2);

    s.git.write("elsewhere/README.md", "Nothing of it");
    let second = s.git.commit("Elsewhere");
    s.until_setting("dated", Some(&format!("at-{}", &second[..7]))).await;
    s.wait(2).await;
    assert_eq!(s.renders().len(), 3, "the one that does not name the commit is not rendered for it");
    assert_eq!(s.status(&named).await["sync"]["revision"], first.as_str());
    // A file of values by its name, over which parameters go.
    s.git.write(&format!("app/envs/{named}.yaml"), "name: file\nvalue: file\n");
    s.git.commit("A file of its name");
    let parameters = json!([{ "name": "name", "value": "named" }]);
    let fewer = json!({ "spec": { "source": { "helm": { "parameters": parameters } } } });
    s.patch("argoproj.io/v1alpha1", "Application", &named, fewer).await;
    s.until_setting("named", Some("file")).await;
}
