use super::*;

fn read(line: &str) -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> =
        std::iter::once("kubectl-sluice").chain(line.split(' ')).map(OsString::from).collect();
    super::read(Program::Sluice, &arguments)
}

#[test]
fn the_definition_is_sound() {
    command(Program::ArgoRollouts).debug_assert();
}

#[test]
fn the_name_of_the_executable_decides_how_usage_reads() {
    let path = OsString::from("/usr/local/bin/kubectl-argo-rollouts");
    assert_eq!(Program::of(Some(&path)), Program::ArgoRollouts);
    assert_eq!(Program::of(Some(&"kubectl-sluice".into())), Program::Sluice);
    let mut command = command(Program::ArgoRollouts);
    let error = command.try_get_matches_from_mut(["x", "abort"]).expect_err("a name is missing");
    let usage = error.format(&mut command).to_string();
    assert!(usage.contains("Usage: kubectl argo rollouts abort"), "{usage}");
}

#[test]
fn a_misused_command_is_no_verdict() {
    let code = |line: &str| code_of_misuse(Program::Sluice, &line.split(' ').map(OsString::from).collect::<Vec<_>>());
    assert_eq!(
        [code("kubectl-sluice lint --wrong"), code("kubectl-sluice --wrong lint"), code("x abort lint")],
        [2, 2, 1]
    );
    assert_eq!([code("x app diff"), code("x app -n a diff"), code("x app sync")], [2, 2, 1]);
    assert_eq!([code("x -n shop lint --wrong"), code("x --context=a lint"), code("x app get diff --wrong")], [2, 2, 1]);
    assert!(read("lint").is_err());
}

#[test]
fn flags_that_are_on_or_off_take_a_value_as_in_go_and_no_word_that_follows() {
    let read = |line: &str| format!("{:?}", read(line).expect(line));
    for (line, expected) in [
        ("promote web -c=true", "skip_current_step: true"),
        ("version --short=true", "short: true"),
        ("dashboard --read-only=true", "read_only: true"),
        ("lint a --strict=true", "strict: true"),
        ("events web -w=false", "watch: false"),
        ("top -A=true", "all_namespaces: true"),
        ("list rollouts -Aw", "watch: true"),
        ("app sync web", "prune: false"),
        ("app sync web --prune", "prune: true"),
        ("app sync web --prune=false", "prune: false"),
        ("app sync --prune web", "prune: true"),
        ("app delete web", "cascade: true"),
        ("app delete web --cascade=false", "cascade: false"),
    ] {
        assert!(read(line).contains(expected), "{line}");
    }
}

#[test]
fn a_flag_that_is_off_speaks_against_no_other_and_asks_for_none() {
    let read = |line: &str| format!("{:?}", read(line).expect(line));
    for (line, expected) in [
        ("promote web --full=false -c", "skip_current_step: true"),
        ("promote web --full --skip-all-steps=false", "full: true"),
        ("events web -w=false -o json", "watch: false"),
        ("app wait web --delete=false --health", "health: true"),
        ("app sync web --local-secrets=false", "local_secrets: false"),
        ("-n shop promote web --full=false -c", "skip_current_step: true"),
        // The last one counts, in whatever form.
        ("promote web --full --full=false", "full: false"),
        ("promote web -c --skip-current-step=false", "skip_current_step: false"),
    ] {
        assert!(read(line).contains(expected), "{line}");
    }
    let is_refused = |line: &str| super::tests::read(line).is_err();
    assert!(is_refused("promote web --full -c") && is_refused("promote web --full=true -c"));
    assert!(is_refused("abort web --full=false"), "another command's flag");
    assert!(is_refused("promote web -- --full=false"), "after that there are names alone");
}

#[test]
fn help_is_a_command_too() {
    let help = |line: &str| {
        let error = read(line).expect_err("the help is what comes instead");
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp);
        error.to_string()
    };
    assert!(help("help promote").contains("Usage: kubectl sluice promote"));
    assert_eq!(help("help get rollout"), help("get rollout --help"));
}

#[test]
fn command_lines_of_applications_that_make_no_sense_are_refused() {
    for line in [
        "app",
        "app sync",
        "app sync web -l team=a",
        "app get",
        "app get web -o name",
        "app get ../web",
        "app create",
        "app create web --sync-policy sometimes",
        "app create web -p image",
        "app wait web --delete --health",
        "app rollback web latest",
        "app manifests web --source anywhere",
        "app diff web --revision v2 --local .",
        "app manifests web --local-repo-root .",
        "app delete",
        "app delete web -p orphan",
        "app sync web --timeout -1",
        "app sync web --prune=maybe",
    ] {
        assert!(read(line).is_err(), "{line}");
    }
}

#[test]
fn command_lines_of_argo_rollouts_are_understood() {
    for line in [
        "get rollout web",
        "get ro web -w --no-color",
        "get rollout web --watch --timeout-seconds 10 -n shop",
        "get rollouts web --no-color=true -w=false",
        "get experiment web -w",
        "get exp web",
        "get analysisrun web-2 -w --no-color",
        "get ar web-2",
        "create analysisrun --from errors --name web-2 -a host=web -a path=/a=b --instance-id blue",
        "create -f rollout.yaml -f - -w --no-color",
        "create --filename analysis.yaml --watch=false --no-color=true",
        "explain web -o json",
        "history web -o wide",
        "events web -w",
        "wait web --for healthy --for=step=3 --timeout 5m",
        "wait web --for condition=Available=False",
        "get rollout web -o yaml",
        "get exp web -o name",
        "list rollouts -o wide -A",
        "status web -o json --watch=false",
        "create ar --from-file errors.yaml --generate-name web- --argument host=web",
        "create analysisrun --from errors --global",
        "terminate analysisrun web-2 web-3",
        "terminate experiment web",
        "list experiments -A",
        "list exp -w",
        "retry experiment web",
        "list rollouts -A -w",
        "list rollouts -Aw --timestamps --name web",
        "status web --watch=false",
        "status web -t 30s",
        "status web --timeout 1m --kubeconfig config --context other",
        "set image web web=web:2 *=web:3",
        "promote web --full",
        "promote web -c",
        "promote web --skip-all-steps",
        "abort web shop",
        "retry rollout web",
        "retry ro web shop",
        "pause web",
        "restart web -i 10s",
        "undo web --to-revision=3",
        "app list -l team=a -p default,shop -o wide",
        "app list -A -o name",
        "app get web --refresh --hard-refresh=true --show-operation -o yaml -n gitops",
        "app get gitops/web -N gitops",
        "app create web --repo https://git.example.com/a.git --path deploy --dest-server https://kubernetes.default.svc \
         --dest-namespace web --sync-policy auto --auto-prune --self-heal=true --allow-empty --sync-option Replace=true",
        "app create -f app.yaml --upsert --dry-run=client -o yaml",
        "app create web --repo a --helm-chart b --revision 1.* --dest-name in-cluster --values a.yaml --values b.yaml \
         -p image.tag=v2 --helm-set a=b --release-name c --project d --set-finalizer -l team=a --dry-run",
        "app create web --repo a --path b --dest-name c --directory-recurse --kustomize-image web=web:2 --sync-policy none",
        "app sync web api --prune --dry-run --revision v2 --force --strategy apply --timeout 60 --info why=because",
        "app sync -l team=a --async --replace --server-side --apply-out-of-sync-only --prune=false",
        "app sync web --resource apps:Deployment:web --resource !:Secret:a/b --resource *:ConfigMap:*",
        "app sync web --retry-limit 3 --retry-backoff-duration 10s --retry-backoff-max-duration 1m --retry-backoff-factor 3",
        "app sync web --retry-limit -1 --retry-refresh",
        "app wait web --health --sync --operation --timeout 300 --resource apps:Deployment:web",
        "app wait -l team=a --suspended --degraded",
        "app wait web api --delete",
        "app history web -o id",
        "app rollback web",
        "app rollback web 3 --prune --dry-run --timeout 60 --async",
        "app manifests web --source live -o json",
        "app diff web --local ./web --local-repo-root . --exit-code=false --hard-refresh",
        "app terminate-op web",
        "app delete web api -y --cascade=false --wait",
        "app delete -l team=a --yes --propagation-policy background",
        "app delete web -p foreground --cascade",
        "app confirm-deletion web",
        "lint -f rollout.yaml",
        "lint manifests - -o json --complete --strict",
        "dashboard",
        "dashboard -p 3200 --root-path ui --read-only",
        "version --short",
        "completion bash",
        "--namespace shop promote web -v 9 --loglevel debug --as admin --as-group a --as-group b",
    ] {
        if let Err(error) = read(line) {
            panic!("{line}: {error}");
        }
    }
}
