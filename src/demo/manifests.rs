//! What the demo has in Git: the files of `examples/demo/`, as fast as the demo is, with the image that is released.

use std::net::SocketAddr;

/// The file of the Rollout.
pub const ROLLOUT: &str = "rollout.yaml";
/// What there is before the first request.
const FILES: [(&str, &str); 4] = [
    ("services.yaml", include_str!("../../examples/demo/services.yaml")),
    ("route.yaml", include_str!("../../examples/demo/route.yaml")),
    ("analysis.yaml", include_str!("../../examples/demo/analysis.yaml")),
    (ROLLOUT, include_str!("../../examples/demo/rollout.yaml")),
];
/// The image of the first release, and what comes after it in the others.
const IMAGE: &str = "argoproj/rollouts-demo:";
const FIRST: &str = "blue";
/// The annotation of the pods that each release has.
const ANNOTATION: &str = "        node.sluice.dev/start-delay:";
/// What the manifests say of Prometheus, where the demo puts its own.
const PROMETHEUS: &str = "http://prometheus.monitoring:9090";
/// Times in the manifests, in milliseconds, the least that they may be, and how they stand there. The start of an analysis is known in whole
/// seconds, so that up to one of its delay is lost.
const TIMES: [(f64, f64, &str, &str); 4] = [
    (4000.0, 0.0, "duration: 4s", "duration: {}"),
    (2000.0, 1500.0, "initialDelay: 2s", "initialDelay: {}"),
    (1000.0, 0.0, "interval: 1s", "interval: {}"),
    (3000.0, 0.0, "[3s]", "[{}]"),
];

/// What is committed first: times are as much shorter as the demo is faster, and measurements come from its own counters.
pub fn first(speed: f64, prometheus: SocketAddr) -> Vec<(&'static str, String)> {
    FILES.iter().map(|(name, manifest)| (*name, adapted(manifest, speed, prometheus))).collect()
}

fn adapted(manifest: &str, speed: f64, prometheus: SocketAddr) -> String {
    let manifest = manifest.replace(PROMETHEUS, &format!("http://{prometheus}"));
    TIMES.iter().fold(manifest, |manifest, (usual, least, written, form)| {
        let millis = (usual / speed).max(*least).round();
        let time = if millis % 1000.0 == 0.0 { format!("{:.0}s", millis / 1000.0) } else { format!("{millis:.0}ms") };
        manifest.replace(written, &form.replace("{}", &time))
    })
}

/// The first Rollout with another version, whose pods behave as an annotation says.
pub fn release(first: &str, version: &str, behaviour: Option<&str>) -> String {
    let rollout = first.replace(&format!("{IMAGE}{FIRST}"), &format!("{IMAGE}{version}"));
    let added = behaviour.map(|annotation| format!("        {annotation}\n")).unwrap_or_default();
    rollout.replacen(ANNOTATION, &format!("{added}{ANNOTATION}"), 1)
}

/// What is different in a file, as people read it in a commit: the lines that went, and those that came.
pub fn difference(before: &str, after: &str) -> String {
    let only = |sign: &'static str, these: &str, those: &str| -> Vec<String> {
        let missing = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        missing.map(|line| format!("   {sign} {line}")).collect()
    };
    [only("-", before, after), only("+", after, before)].concat().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_demo_has_shorter_times_and_measures_its_own_requests() {
        let analysis = FILES[2].1;
        let address = ([127, 0, 0, 1], 4711).into();
        let usual = adapted(analysis, 1.0, address);
        assert_eq!(usual, analysis.replace("prometheus.monitoring:9090", "127.0.0.1:4711"));
        assert_ne!(usual, analysis);
        let fast = adapted(analysis, 4.0, address);
        for time in ["initialDelay: 1500ms", "interval: 250ms", "[750ms]"] {
            assert!(fast.contains(time), "{time} is not in\n{fast}");
        }
        assert!(!fast.contains("[3s]"), "{fast}");
        assert!(adapted(FILES[3].1, 0.5, address).contains("duration: 8s"));
    }

    #[test]
    fn a_release_changes_the_image_and_how_its_pods_behave() {
        let blue = FILES[3].1;
        let yellow = release(blue, "yellow", None);
        let expected =
            "   -         image: argoproj/rollouts-demo:blue\n   +         image: argoproj/rollouts-demo:yellow";
        assert_eq!(difference(blue, &yellow), expected);
        let red = release(blue, "red", Some("node.sluice.dev/ready: never"));
        let expected = "   -         image: argoproj/rollouts-demo:yellow
   +         node.sluice.dev/ready: never
   +         image: argoproj/rollouts-demo:red";
        assert_eq!(difference(&yellow, &red), expected);
        let rollout: serde_json::Value = serde_saphyr::from_str(&red).expect("YAML");
        assert_eq!(rollout["spec"]["template"]["metadata"]["annotations"]["node.sluice.dev/ready"], "never");
    }
}
