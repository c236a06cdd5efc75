//! `version`.

/// Arguments of `version`.
#[derive(clap::Args)]
pub struct Args {
    /// Only the number
    #[arg(long)]
    short: bool,
}

/// Prints the version.
pub fn run(args: &Args) {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    if args.short {
        println!("{version}");
    } else {
        println!("kubectl-sluice: {version}");
        println!("  Platform: {}/{}", std::env::consts::OS, std::env::consts::ARCH);
    }
}
