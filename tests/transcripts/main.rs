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

/// Declares every transcript, on one target.
macro_rules! every_transcript {
    ($connect:path) => {
        mod api {
            transcripts! { $connect, tokio::test, crate::runner::replay, "api", ".http":
                access,
                applying,
                applying_lists,
                creation,
                custom_resources,
                defaults,
                deleting,
                dependents,
                discovery,
                dry_runs,
                generations,
                impersonation,
                namespaces,
                patching,
                pods,
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
                versions,
                watching,
            }
        }

        mod workloads {
            transcripts! { $connect, tokio::test, crate::runner::replay, "workloads", ".http":
                adoption,
                deployments,
                disruption,
                endpoints,
                failing_pods,
                jobs,
                replica_sets,
                scaling_down,
                stuck_deployments,
            }
        }

        mod kubectl {
            transcripts! { $connect, tokio::test, crate::console::replay, "kubectl", ".txt":
                accounts,
                applying,
                changing,
                creating,
                deleting,
                describing,
                discovering,
                reading,
                rollouts_of_deployments,
                server_side,
                waiting,
            }
        }
    };
}

mod on_the_real_control_plane {
    every_transcript!(crate::real::Real::connect);
}

/// In virtual time. What is not here is not the same yet.
mod in_the_sandbox {
    mod api {
        transcripts! { crate::sandboxed::Sandboxed::start, tokio::test(start_paused = true), crate::runner::replay, "api", ".http":
            access,
            applying,
            applying_lists,
            creation,
            defaults,
            deleting,
            discovery,
            dry_runs,
            generations,
            impersonation,
            patching,
            pods,
            quotas,
            reading,
            refusals,
            replacing,
            representations,
            rollouts,
            scaling,
            tokens,
            unknown_fields,
            versions,
            watching,
        }
    }

    mod workloads {
        transcripts! { crate::sandboxed::Sandboxed::start, tokio::test(start_paused = true), crate::runner::replay, "workloads", ".http":
            adoption,
            deployments,
            disruption,
            endpoints,
            failing_pods,
            replica_sets,
            scaling_down,
            stuck_deployments,
        }
    }
}

#[test]
fn every_file_is_a_test() {
    for folder in ["api", "kubectl", "workloads"] {
        for file in std::fs::read_dir(compare::path(folder)).expect("a folder") {
            let path = file.expect("a file").path();
            let title = path.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(
                include_str!("main.rs").contains(&format!(" {title},\n")),
                "main.rs does not list {}",
                path.display()
            );
        }
    }
}
