//! What a real Kubernetes control plane said, and whether it, or what stands in for it, still says so. README.md tells how
//! transcripts are read, replayed and recorded.

mod compare;
mod exchange;
mod names;
mod pointer;
mod real;
mod runner;
mod sandboxed;
mod target;
mod transcript;
mod yaml;

/// Declares a test for each transcript of a folder, on one target.
macro_rules! transcripts {
    ($connect:path, $test:meta $(, $ignore:meta)?; $folder:literal: $($name:ident),+ $(,)?) => {
        $(
            #[$test]
            $(#[$ignore])?
            async fn $name() {
                let target = $connect().await;
                let file = concat!($folder, "/", stringify!($name), ".http");
                let replayed = $crate::runner::replay(&target, stringify!($name), &$crate::compare::recorded(file)).await;
                $crate::compare::compare(file, &replayed, $crate::target::Target::is_real(&target));
            }
        )+
    };
}

/// Declares every transcript, on one target.
macro_rules! every_transcript {
    ($connect:path, $($attributes:meta),+) => {
        mod api {
            transcripts! { $connect, $($attributes),+; "api":
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
                unknown_fields,
                validation,
                versions,
                watching,
            }
        }
    };
}

mod on_the_real_control_plane {
    every_transcript!(crate::real::Real::connect, tokio::test);
}

mod in_the_sandbox {
    every_transcript!(
        crate::sandboxed::Sandboxed::start,
        tokio::test(start_paused = true),
        ignore = "not the same yet"
    );
}
