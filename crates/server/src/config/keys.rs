//! Which options there are for a file.

use clap::{Arg, ArgAction, Command};

/// What a file may say of one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// How a value looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `true` or `false`.
    Switch,
    /// A string or a number.
    One,
    /// That, or an array of such.
    Many,
}

/// Whether an option can be given by a file: whatever can be given by our environment, but for the file itself.
pub(super) fn can_be_in_file(arg: &Arg) -> bool {
    let ours = arg.get_env().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("DOCKLINE_"));
    ours && arg.get_long().is_some_and(|long| long != super::FILE)
}

/// All options of all subcommands: one file serves them all.
pub(super) fn options_of(command: &Command) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(command, &mut keys);
    keys
}

fn collect(command: &Command, keys: &mut Vec<Key>) {
    for arg in command.get_arguments().filter(|arg| can_be_in_file(arg)) {
        let Some(name) = arg.get_long() else { continue };
        if !keys.iter().any(|key| key.name == name) {
            let shape = if !arg.get_action().takes_values() {
                Shape::Switch
            } else if matches!(arg.get_action(), ArgAction::Append) {
                Shape::Many
            } else {
                Shape::One
            };
            keys.push(Key { name: name.to_owned(), shape });
        }
    }
    for inner in command.get_subcommands() {
        collect(inner, keys);
    }
}

/// The key that was most likely meant.
pub(super) fn nearest<'a>(name: &str, keys: &'a [Key]) -> Option<&'a str> {
    let scored = keys.iter().map(|key| (strsim::jaro_winkler(name, &key.name), key.name.as_str()));
    let (score, best) = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (score > 0.8).then_some(best)
}
