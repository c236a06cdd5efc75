//! What a real Kubernetes control plane said, and whether it, or what stands in for it, still says so. README.md tells how
//! transcripts are read, replayed and recorded.

mod compare;
mod console;
mod exchange;
mod names;
mod pointer;
mod real;
mod runner;
mod sandboxed;
mod table;
mod target;
mod transcript;
mod yaml;

/// Declares a test for each transcript of a folder, on one target.
macro_rules! transcripts {
    ($connect:path, $test:meta, $replay:path, $folder:literal, $extension:literal: $($name:ident),+ $(,)?) => {
        /// What is replayed here.
        #[allow(dead_code, reason = "the list of one target is enough to compare with the files")]
        pub const TITLES: &[&str] = &[$(stringify!($name)),+];

        $(
            #[$test]
            async fn $name() {
                let target = $connect().await;
                let file = concat!($folder, "/", stringify!($name), $extension);
                let replayed = $replay(&target, stringify!($name), &$crate::compare::recorded(file)).await;
                $crate::compare::compare(file, &replayed, $crate::target::Target::is_real(&target));
            }
        )+
    };
}

/// Declares the transcripts of requests, on one target.
macro_rules! requests {
    ($connect:path, $test:meta) => {
        pub mod api {
            transcripts! { $connect, $test, crate::runner::replay, "api", ".http":
                access,
                applying,
                applying_lists,
                autoscalers,
                creation,
                custom_resources,
                defaults,
                deleting,
                dependents,
                discovery,
                dry_runs,
                expressions,
                generations,
                impersonation,
                namespaces,
                patching,
                pod_changes,
                pods,
                protobuf,
                quotas,
                reading,
                refusals,
                replacing,
                representations,
                rollouts,
                scaling,
                tokens,
                unknown_fields,
                validation,
                validation_rules,
                versions,
                watching,
            }
        }

        pub mod workloads {
            transcripts! { $connect, $test, crate::runner::replay, "workloads", ".http":
                adoption,
                autoscaling,
                autoscaling_limits,
                deployments,
                disruption,
                endpoints,
                ending_jobs,
                failing_pods,
                jobs,
                replaced_jobs,
                replica_sets,
                resting_jobs,
                scaling_down,
                stuck_deployments,
            }
        }
    };
}

/// Declares every console session, on one target.
macro_rules! sessions {
    ($connect:path) => {
        pub mod kubectl {
            transcripts! { $connect, tokio::test, crate::console::replay, "kubectl", ".txt":
                accounts,
                applying,
                changing,
                creating,
                deleting,
                describing,
                discovering,
                jobs,
                reading,
                rollouts_of_deployments,
                server_side,
                waiting,
            }
        }
    };
}

mod on_the_real_control_plane {
    requests!(crate::real::Real::connect, tokio::test);
    sessions!(crate::real::Real::connect);
}

mod on_the_served_sandbox {
    sessions!(crate::sandboxed::Sandboxed::serve);
}

/// In virtual time.
mod in_the_sandbox {
    requests!(crate::sandboxed::Sandboxed::start, tokio::test(start_paused = true));
}

#[test]
fn every_file_is_a_test() {
    use on_the_real_control_plane::{api, kubectl, workloads};
    for (folder, titles) in [("api", api::TITLES), ("kubectl", kubectl::TITLES), ("workloads", workloads::TITLES)] {
        let files = std::fs::read_dir(compare::path(folder)).expect("a folder");
        let files = files.map(|file| file.expect("a file").path());
        let mut files: Vec<String> =
            files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        let mut titles = titles.to_vec();
        files.sort_unstable();
        titles.sort_unstable();
        assert_eq!(files, titles, "{folder}");
    }
}
