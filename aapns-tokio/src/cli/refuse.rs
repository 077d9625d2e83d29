//! Errors of usage, as one line that says what is wrong, where, and what to do.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{Command, ValueEnum};

use super::console::{Color, Console};
use super::exit::Exit;
use super::secrets::without_secrets;

/// Prints help where that was asked for, and anything else as one line.
pub(super) fn refuse(error: &Error, command: &Command) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Success;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Exit::Usage;
    }
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let console = Console::new(false, false, 0, color(&args));
    let name = full_name(command, args.into_iter());
    let what = without_secrets(&explain(error));
    console.error(format_args!("{what}; see {name} --help"));
    Exit::Usage
}

/// What the arguments say of colours, else the variable: they are looked at, as they can't be understood.
fn color(args: &[String]) -> Color {
    let mut said = std::env::var("AAPNS_COLOR").ok();
    let mut args = args.iter().take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == "--color" {
            said = args.next().cloned();
        } else if let Some(when) = arg.strip_prefix("--color=") {
            said = Some(when.to_owned());
        }
    }
    said.and_then(|when| Color::from_str(&when, false).ok())
        .unwrap_or_default()
}

/// The command that the arguments name, as far as they do: `aapns channels read`.
fn full_name(command: &Command, args: impl Iterator<Item = String>) -> String {
    let mut name = command.get_name().to_owned();
    let mut command = command;
    for arg in args {
        if let Some(found) = command.find_subcommand(&arg) {
            name = format!("{name} {arg}");
            command = found;
        }
    }
    name
}

fn explain(error: &Error) -> String {
    let named = names(error, ContextKind::InvalidArg);
    let first = named.first().map_or("", String::as_str);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("missing: {}", named.join(" and ")),
        ErrorKind::UnknownArgument if is_number(first.trim_start_matches('-')) => {
            format!("{first}: a number can't be negative here")
        }
        ErrorKind::UnknownArgument if !first.starts_with('-') => {
            format!("there is no place for '{first}'; quote text that has spaces")
        }
        _ => plain(&error.to_string()),
    }
}

/// The error's own words, without the pages that follow them.
fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .map(|line| {
            let line = line.trim_start_matches("error: ");
            of_number(of_choice(line.trim_start_matches("tip: ")))
        })
        .collect();
    words.join("; ")
}

/// `[possible values: a, b]`, as advice.
fn of_choice(line: &str) -> String {
    match line.strip_prefix("[possible values: ") {
        Some(rest) => format!("give one of: {}", rest.trim_end_matches(']')),
        None => line.to_owned(),
    }
}

/// What the standard library and clap say of numbers, as advice.
fn of_number(line: String) -> String {
    const NO_NUMBER: [&str; 3] = [
        "invalid digit found in string",
        "cannot parse integer from empty string",
        "number too large to fit in target type",
    ];
    if let Some(start) = NO_NUMBER.iter().find_map(|text| line.strip_suffix(text)) {
        return format!("{start}give a whole number, not below 0");
    }
    let range = line.rsplit_once(" is not in ").and_then(|(start, range)| {
        // The value stands there a second time.
        let (value, _) = start.rsplit_once(": ")?;
        let (least, most) = range.split_once("..")?;
        Some(match most.strip_prefix('=') {
            Some(most) => format!("{value}: give a number from {least} to {most}"),
            None => format!("{value}: give a number, {least} or more"),
        })
    });
    range.unwrap_or(line)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}

fn names(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::command;
    use super::*;

    #[test]
    fn every_kind_of_mistake_is_told_in_plain_words() {
        for (args, words) in [
            (&["mock"][..], "missing: --port <P>"),
            (
                &["send", "ab", "x", "--token-key", "k"],
                "missing: --key-id <ID> and --team-id <ID>",
            ),
            (
                &["send", "ab", "Hello", "world"],
                "there is no place for 'world'; quote text that has spaces",
            ),
            (
                &["send", "ab", "x", "--badge", "-1"],
                "-1: a number can't be negative here",
            ),
            (
                &["send", "ab", "x", "--badge", "many"],
                "invalid value 'many' for '--badge <N>': give a whole number, not below 0",
            ),
            (
                &["bench", "--ca", "x", "--port", "0"],
                "invalid value '0' for '--port <PORT>': give a number from 1 to 65535",
            ),
            (
                &["send", "ab", "x", "--policy", "once"],
                "invalid value 'once' for '--policy <POLICY>'; give one of: at-least-once, at-most-once",
            ),
            (
                &["sned"],
                "unrecognized subcommand 'sned'; a similar subcommand exists: 'send'",
            ),
        ] {
            let args = std::iter::once(&"aapns").chain(args);
            let error = command().try_get_matches_from(args).unwrap_err();
            assert_eq!(explain(&error), words);
        }
    }

    #[test]
    fn help_is_that_of_the_command_that_was_meant() {
        let name = |args: &[&str]| full_name(&command(), args.iter().map(|arg| (*arg).to_owned()));
        assert_eq!(name(&[]), "aapns");
        assert_eq!(name(&["--json", "send", "ab"]), "aapns send");
        assert_eq!(name(&["channels", "read", "x"]), "aapns channels read");
        assert_eq!(name(&["nonsense"]), "aapns");
    }
}
