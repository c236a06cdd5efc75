//! `man`: manual pages, for whoever packages the plugin.

use std::path::PathBuf;

use clap_mangen::Man;

use crate::cli::{self, Program};
use crate::problem::Problem;
use crate::term;

/// Arguments of `man`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder to write the pages of all commands into; without it, the page of the whole is printed
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints or writes the pages.
pub fn run(args: &Args, program: Program) -> Result<(), Problem> {
    let pages = pages(program)?;
    let Some(folder) = &args.folder else {
        let whole = pages.into_iter().next().map(|(_, page)| page).unwrap_or_default();
        return Ok(term::print(&String::from_utf8_lossy(&whole))?);
    };
    for (name, page) in pages {
        let path = folder.join(format!("{name}.1"));
        let failed = |error| Problem::new(format!("cannot write {}: {error}", path.display()));
        std::fs::write(&path, page).map_err(failed)?;
    }
    Ok(())
}

/// The pages with their names, that of the whole first: `kubectl-sluice`, `kubectl-sluice-get-rollout`.
fn pages(program: Program) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let mut command = cli::command(program).version(env!("CARGO_PKG_VERSION"));
    command.build();
    let mut pages = Vec::new();
    collect(&command, program.executable(), &mut pages)?;
    Ok(pages)
}

fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Problem> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name.to_owned())).render(&mut page)?;
    pages.push((name.to_owned(), page));
    // What `help` says is in the pages themselves.
    let shown = |inner: &&clap::Command| !inner.is_hide_set() && inner.get_name() != "help";
    for inner in command.get_subcommands().filter(shown) {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(command: &clap::Command, name: &str, pages: &[(String, Vec<u8>)]) {
        let (_, page) = pages.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} has no page"));
        let page = String::from_utf8_lossy(page).replace('\\', "");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if let Some(long) = arg.get_long() {
                assert!(page.contains(&format!("--{long}")), "{name}: --{long} is not in\n{page}");
            }
        }
        let shown = |inner: &&clap::Command| !inner.is_hide_set() && inner.get_name() != "help";
        for inner in command.get_subcommands().filter(shown) {
            complete(inner, &format!("{name}-{}", inner.get_name()), pages);
        }
    }

    #[test]
    fn every_command_has_a_page_with_all_of_its_flags() {
        for program in [Program::Sluice, Program::ArgoRollouts] {
            let mut command = cli::command(program);
            command.build();
            complete(&command, program.executable(), &pages(program).expect("pages"));
        }
    }
}
