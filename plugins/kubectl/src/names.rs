//! Names of objects on the command line.

/// Names become parts of addresses: what is none is refused before it is sent. Applications have names of their own form.
pub fn checked(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let title = arg.get_value_names().and_then(|titles| titles.first()).map_or("", |title| title.as_str());
        let is_name = match title {
            "ROLLOUT" | "EXPERIMENT" | "ANALYSISRUN" | "TEMPLATE" => true,
            "NAME" => arg.is_positional(),
            _ => false,
        };
        if is_name { arg.value_parser(name) } else { arg }
    });
    command.mut_subcommands(|inner| if inner.get_name() == "app" { inner } else { checked(inner) })
}

/// A name as Kubernetes has them.
fn name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_allowed);
    if is_name { Ok(text.to_owned()) } else { Err("a name has small letters, digits, '-' and '.' only".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lead_to_another_address_is_no_name() {
        assert!(["web", "web-2.a", "9"].into_iter().all(|text| name(text).is_ok()));
        assert!(["", "..", "../web", "web/status", "Web", "web?x", "é"].into_iter().all(|text| name(text).is_err()));
    }
}
