//! Submodules: each is read in its place, in the commit that it is of there.

use serde_json::{Value, json};

use crate::repository::Repository;
use crate::server::{LOGIN, Server};
use crate::story::{Story, automated, setting};

fn recursing(path: &str) -> Value {
    let mut changes = automated(true, true);
    changes["spec"]["source"] = json!({ "directory": { "recurse": true }, "path": path });
    changes
}

pub async fn a_submodule_is_read_in_its_place(s: Story) {
    let (base, inner) = (Repository::new(), Repository::new());
    inner.write("shape.yaml", &setting("shape", "round"));
    let round = inner.commit("A shape");
    base.write("color.yaml", &setting("color", "blue")).link("size.yaml", "../../sizes/small.yaml");
    base.commit("A color");
    base.submodule("inner", &inner.url(), &round).git(&["commit", "--quiet", "--message", "Another submodule"]);
    let blue = base.git(&["rev-parse", "HEAD"]);
    base.write("color.yaml", &setting("color", "red")).git(&["add", "color.yaml"]);
    base.git(&["commit", "--quiet", "--message", "Red"]);
    let red = base.git(&["rev-parse", "HEAD"]);

    let named = base.path().file_name().expect("a name").to_string_lossy().into_owned();
    s.git.write("sizes/small.yaml", &setting("size", "small")).write("app/README.md", "A folder").commit("A folder");
    // It is beside its repository. The other one is read by nobody, and cannot be.
    s.git.submodule("app/base", &format!("../{named}"), &blue).submodule("other", "https://127.0.0.1:9/away", &blue);
    s.git.git(&["commit", "--quiet", "--message", "A submodule"]);
    let first = s.git.git(&["rev-parse", "HEAD"]);
    let app = s.application("colors", recursing("app")).await;
    s.synced(&app, &first).await;
    for (name, value) in [("color", "blue"), ("shape", "round"), ("size", "small")] {
        assert_eq!(s.setting(name).await.as_deref(), Some(value), "{name}");
    }
    // An Application may be in it.
    let inside = s.application("inside", recursing("app/base/inner")).await;
    s.until(&inside, "synced", |status| status["sync"]["status"] == "Synced").await;

    s.git.submodule("app/base", &format!("../{named}"), &red).git(&["commit", "--quiet", "--message", "Red"]);
    let second = s.git.git(&["rev-parse", "HEAD"]);
    s.synced(&app, &second).await;
    s.until_setting("color", Some("red")).await;
}

pub async fn a_submodule_of_a_server_is_fetched_with_its_own_secret(s: Story) {
    let base = Repository::new();
    base.write("color.yaml", &setting("color", "blue"));
    let blue = base.commit("A color");
    base.write("color.yaml", &setting("color", "red")).commit("Red");
    let server = Server::start(&base.path()).await;
    s.git.submodule("app", &server.url, &blue).git(&["commit", "--quiet", "--message", "A submodule"]);
    let commit = s.git.git(&["rev-parse", "HEAD"]);
    let app = s.application("colors", recursing("app")).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains(&format!("the submodule app: {}", server.url)), "{message}");

    let door = |project: &str| json!({ "url": server.url, "username": LOGIN.0, "password": LOGIN.1, "insecure": "true", "project": project });
    let secret = async |name: &str, project: &str| {
        let metadata = json!({ "name": name, "labels": { "argocd.argoproj.io/secret-type": "repository" } });
        s.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": door(project) }))
            .await;
    };
    secret("theirs", "theirs").await;
    s.wait(2).await;
    assert_eq!(s.setting("color").await, None, "the Secret of another project lets nobody in");
    secret("ours", "default").await;
    s.synced(&app, &commit).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
}

pub async fn a_submodule_that_cannot_be_fetched_is_named(s: Story) {
    s.git.write("other/color.yaml", &setting("color", "blue"));
    let own = s.git.commit("A color");
    let away = "0123456789012345678901234567890123456789";
    let url = s.git.url();
    let cases = [
        ("options", "--upload-pack=touch /tmp/was-here", "is neither one of HTTPS nor of SSH"),
        ("helper", "ext::sh -c id", "is neither one of HTTPS nor of SSH"),
        ("proxy", "ssh://-oProxyCommand=id/base", "is neither one of HTTPS nor of SSH"),
        ("plain", "http://127.0.0.1:9/base", "is not encrypted"),
        ("nothing", "file:///there/is/none", "file:///there/is/none"),
        ("lost", url.as_str(), "it is not there, or not all of it"),
    ];
    for (path, url, _) in cases {
        let commit = if path == "lost" { away } else { own.as_str() };
        s.git.submodule(path, url, commit);
    }
    s.git.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{own},unsaid")]);
    s.git.git(&["commit", "--quiet", "--message", "Hostile"]);
    for (path, _, expected) in cases.into_iter().chain([("unsaid", "", ".gitmodules does not say where it is from")]) {
        let app = s.application(path, recursing(path)).await;
        let message = s.condition(&app, "ComparisonError").await;
        assert!(message.contains(&format!("the submodule {path}: ")) && message.contains(expected), "{message}");
    }
}

/// A commit cannot have itself, but it may have one that has another, and so on.
pub async fn submodules_come_to_an_end(s: Story) {
    s.git.write("color.yaml", &setting("color", "blue"));
    let mut last = s.git.commit("A color");
    let url = s.git.url();
    for _ in 0..7 {
        s.git.submodule("again", &url, &last).git(&["commit", "--quiet", "--message", "Again"]);
        last = s.git.git(&["rev-parse", "HEAD"]);
    }
    let deep = s.application("deep", recursing(".")).await;
    let message = s.condition(&deep, "ComparisonError").await;
    assert!(message.contains("submodules lie in each other more than 5 deep"), "{message}");

    s.git.git(&["rm", "--quiet", "--cached", "again"]);
    let first = s.git.git(&["rev-list", "--max-parents=0", "HEAD"]);
    for index in 0..21 {
        s.git.submodule(&format!("many/{index}"), &url, &first);
    }
    s.git.git(&["commit", "--quiet", "--message", "Many"]);
    let many = s.application("many", recursing("many")).await;
    let message = s.condition(&many, "ComparisonError").await;
    assert!(message.contains("there are more than 20 submodules"), "{message}");
}
