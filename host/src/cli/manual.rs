//! `session-host completions`, and `session-host man`, hidden: the description of the command line for shells and for `man`.

use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::{
    Exit,
    arguments::{Arguments, NAME},
    output,
};

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut visible(), NAME, &mut script);
    output::print_block(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}

/// Writes a manual page of each command into a folder.
pub(super) fn pages(folder: &Path) -> anyhow::Result<Exit> {
    clap_mangen::generate_to(visible(), folder)
        .with_context(|| format!("cannot write the manual pages into {}", folder.display()))?;
    Ok(Exit::Done)
}

/// The command line without hidden commands, which completions would offer.
fn visible() -> Command {
    let complete = Arguments::command();
    let commands: Vec<Command> = complete
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .cloned()
        .collect();
    let mut visible = Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .args(complete.get_arguments().cloned())
        .subcommands(commands);
    if let Some(about) = complete.get_about() {
        visible = visible.about(about.clone());
    }
    match complete.get_after_help() {
        Some(text) => visible.after_help(text.clone()),
        None => visible,
    }
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;
    use crate::config::{Commands, KEYS, Key};

    /// Each command with its flags, as its help shows them.
    fn flags_of_all_commands() -> Vec<(String, Arg)> {
        let mut command = visible();
        command.build();
        let of = |command: &Command| {
            let name = command.get_name().to_owned();
            let flags = command.get_arguments().filter(|argument| !argument.is_positional());
            flags.map(|flag| (name.clone(), flag.clone())).collect::<Vec<_>>()
        };
        let commands = std::iter::once(&command).chain(command.get_subcommands());
        commands.flat_map(of).collect()
    }

    fn help_of(flag: &Arg) -> String {
        let command = Command::new("one").disable_help_flag(true).arg(flag.clone());
        command.term_width(0).render_help().to_string()
    }

    #[test]
    fn the_help_of_a_flag_that_takes_a_value_names_its_default() {
        for (command, flag) in flags_of_all_commands() {
            let help = help_of(&flag);
            let takes_value = flag.get_action().takes_values();
            assert!(!takes_value || help.contains("[default: "), "{command}: {help}");
        }
    }

    /// Whether the flag sets the key. A command may have a flag of its own with the name of a flag of all commands.
    fn is_flag_of(key: &Key, flag: &Arg) -> bool {
        let is_of_all = key.flag.is_some_and(|flag| flag.commands == Commands::All);
        flag.get_id() == key.name && flag.is_global_set() == is_of_all
    }

    #[test]
    fn the_help_of_a_flag_that_has_a_variable_names_it() {
        for (command, flag) in flags_of_all_commands() {
            let help = help_of(&flag);
            let of_setting = KEYS.iter().find(|key| is_flag_of(key, &flag));
            let of_clap = flag.get_env().map(|name| name.to_string_lossy().into_owned());
            let variable = of_setting.map(|key| key.variable.to_owned()).or(of_clap);
            let is_named = |variable: String| help.contains(&format!("[env: {variable}]"));
            assert!(variable.is_none_or(is_named), "{command}: {help}");
        }
    }

    #[test]
    fn no_setting_with_a_flag_lacks_it() {
        let flags = flags_of_all_commands();
        for key in KEYS.iter().filter(|key| key.flag.is_some()) {
            assert!(flags.iter().any(|(_, flag)| is_flag_of(key, flag)), "{}", key.name);
        }
    }

    #[test]
    fn each_visible_command_has_a_page_and_hidden_ones_have_none() {
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name));
        for command in visible().get_subcommands() {
            let name = format!("session-host-{}.1", command.get_name());
            assert!(page(&name).is_ok(), "{name}");
        }
        let main = page("session-host.1").unwrap();
        assert!(
            main.contains("session\\-host\\-run(1)") && main.contains("Exit status"),
            "{main}"
        );
        assert!(page("session-host-worker.1").is_err() && page("session-host-man.1").is_err());
    }
}
