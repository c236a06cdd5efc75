//! `completion`: a script that a shell loads.

use clap_complete::Shell;

use crate::cli::{self, Program};
use crate::problem::Problem;
use crate::term;

/// Arguments of `completion`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "kubectl 1.26 and later completes plugins by a program of its own name: link kubectl_complete-sluice to \
    kubectl-sluice, in a folder of the PATH."
)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script. It completes the executable; kubectl completes plugins by a protocol of its own.
pub fn run(args: &Args, program: Program) -> Result<(), Problem> {
    let executable = program.executable();
    // A function's name has no hyphen everywhere.
    let fill = |script: &str| script.replace("FUNCTION", &executable.replace('-', "_")).replace("NAME", executable);
    let script = match args.shell {
        Shell::Bash => fill(BASH),
        Shell::Zsh => fill(ZSH),
        Shell::Fish => fill(FISH),
        // These know the words of the command line, and no names of the cluster.
        shell => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut cli::command(program), executable, &mut script);
            String::from_utf8_lossy(&script).into_owned()
        }
    };
    Ok(term::print(&script)?)
}

/// bash takes the sign in `--flag=value` for a word of its own; so does what reads the words.
const BASH: &str = r#"_FUNCTION() {
    local line word
    COMPREPLY=()
    while IFS= read -r line; do
        word="${line%%$'\t'*}"
        case "$word" in
            :6) compopt -o nospace 2>/dev/null ;;
            :*) ;;
            *) COMPREPLY+=("$word") ;;
        esac
    done < <(NAME __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _FUNCTION NAME
"#;

const ZSH: &str = r#"#compdef NAME
_FUNCTION() {
    local line word meaning space=' '
    local -a words_found meanings
    while IFS= read -r line; do
        word="${line%%$'\t'*}"
        meaning="${line#*$'\t'}"
        case "$word" in
            :6) space='' ;;
            :*) ;;
            *) words_found+=("$word"); [ "$meaning" = "$word" ] && meanings+=("$word") || meanings+=("$word -- $meaning") ;;
        esac
    done < <(NAME __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#words_found} )) && compadd -S "$space" -l -d meanings -- "${words_found[@]}"
}
compdef _FUNCTION NAME
"#;

const FISH: &str = r"function __FUNCTION_candidates
    set -l words (commandline -opc) (commandline -ct)
    NAME __complete $words[2..-1] 2>/dev/null | string match -v -r '^:[0-9]+$'
end
complete -c NAME -f -a '(__FUNCTION_candidates)'
";
