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

/// What stands between two spaces is one word, although bash takes it apart at the signs of `COMP_WORDBREAKS` (`a:b`,
/// `--flag=value`) and replaces what follows the last of them alone.
const BASH: &str = r#"_FUNCTION() {
    local rest="${COMP_LINE:0:COMP_POINT}" last=-1 cut="" next word line sign i
    local -a given=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        next="${rest#"${rest%%[![:space:]]*}"}"
        word="${COMP_WORDS[i]}"
        [[ $i -eq $COMP_CWORD ]] && word="$next"
        if [[ $last -lt 0 || "$next" != "$rest" ]]; then
            given[++last]="$word"
        else
            given[last]+="$word"
        fi
        rest="${next#"$word"}"
    done
    for sign in : =; do
        [[ "$COMP_WORDBREAKS" == *"$sign"* ]] || continue
        word="${given[last]%"${given[last]##*"$sign"}"}"
        [[ ${#word} -gt ${#cut} ]] && cut="$word"
    done
    COMPREPLY=()
    while IFS= read -r line; do
        word="${line%%$'\t'*}"
        case "$word" in
            :0) compopt -o default 2>/dev/null ;;
            :6) compopt -o nospace 2>/dev/null ;;
            :*) ;;
            *) COMPREPLY+=("${word#"$cut"}") ;;
        esac
    done < <(NAME __complete "${given[@]:1}" 2>/dev/null)
}
complete -F _FUNCTION NAME
"#;

/// As a file of the `fpath` it is the function itself, which is called at once.
const ZSH: &str = r#"#compdef NAME
_FUNCTION() {
    local line word meaning files space=' '
    local -a given words_found meanings
    given=("${(@)words[2,CURRENT]}")
    given[-1]="$PREFIX"
    while IFS= read -r line; do
        word="${line%%$'\t'*}"
        meaning="${line#*$'\t'}"
        case "$word" in
            :0) files=yes ;;
            :6) space='' ;;
            :*) ;;
            *) words_found+=("$word"); [ "$meaning" = "$word" ] && meanings+=("$word") || meanings+=("$word -- $meaning") ;;
        esac
    done < <(NAME __complete "${given[@]}" 2>/dev/null)
    if [ -n "$files" ]; then
        compset -P '--*='
        _files
    elif (( ${#words_found} )); then
        compadd -S "$space" -l -d meanings -- "${words_found[@]}"
    fi
}
if [ "$funcstack[1]" = "_NAME" ]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION NAME
fi
"#;

const FISH: &str = r"function __FUNCTION_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l found (NAME __complete $words[2..-1] 2>/dev/null)
    string match -v -r '^:[0-9]+$' -- $found
    if contains -- :0 $found
        __fish_complete_path (commandline -ct)
    end
end
complete -c NAME -f -a '(__FUNCTION_candidates)'
";
