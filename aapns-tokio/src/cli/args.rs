//! The command line: what all commands share. Each command's own flags are in its module.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Args, CommandFactory, Parser, Subcommand};

use super::console::{Color, Console};
use super::{bench, broadcast, channels, demo, doctor, generate, mock, send, simulator};

/// The ids of each kind of credential. No command takes two kinds.
const CREDENTIALS: [&[&str]; 6] = [
    &["cert", "key"],
    &["p12", "p12_password_file"],
    &["token_key", "key_id", "team_id"],
    &["bearer_file"],
    &["token"],
    &["self_signed"],
];

/// What is for many notifications, and out of place where one is sent.
const MANY: [&str; 4] = ["input", "output", "resume", "journal"];

/// What `aapns help` says after the commands.
const FIRST_STEPS: &str = "\
First steps:
  aapns demo                                     needs nothing, and shows that it works
  aapns mock --port 8443 --self-signed certs     a fake Apple to send to
  aapns doctor --cert client.pem                 whether the way to Apple and the credential are good
  aapns send --cert client.pem DEVICE_TOKEN Hello";

/// Apple push notifications from the command line.
///
/// Every flag FLAG can be given by an environment variable AAPNS_FLAG. Results go to stdout,
/// everything else to stderr. Exit codes: 0 all delivered, 1 not all, 2 wrong usage or
/// configuration, 3 interrupted, 70 a bug.
#[derive(Debug, Parser)]
#[command(name = "aapns", version, about, long_about, after_help = FIRST_STEPS, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    speech: SpeechArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct SpeechArgs {
    /// Print results as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print nothing but results and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say what the connections did, too
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send 20,000 notifications to an embedded mock server, and check that none is lost
    Demo(demo::DemoArgs),
    /// Send one notification, or many from a file
    Send(Box<send::SendArgs>),
    /// Run a mock of the push service
    ///
    /// It serves until it is told to stop (Ctrl-C), checks requests and answers as Apple does, and prints
    /// {"listening": "127.0.0.1:PORT"} once it is ready, with "page" too if there is one. GET /__mock/requests on its port shows the last
    /// requests as JSON (?limit=N: the last N), DELETE forgets them.
    ///
    /// A scenario is a JSON file of answers, delays, resets, GOAWAYs, settings changes and cuts, and when:
    /// docs/MOCK.md describes it, aapns-tokio/schema/scenario.schema.json is its schema.
    Mock(mock::MockArgs),
    /// Measure how fast requests go to a server
    Bench(bench::BenchArgs),
    /// Check what can go wrong before the first push
    Doctor(Box<doctor::DoctorArgs>),
    /// Manage broadcast channels
    Channels(Box<channels::ChannelsArgs>),
    /// Send a Live Activity update to a broadcast channel
    Broadcast(Box<broadcast::BroadcastArgs>),
    /// Deliver to an iOS Simulator, through `xcrun simctl push`
    Simulator(simulator::SimulatorArgs),
    /// Print a completion script for a shell
    Completions(generate::CompletionsArgs),
    /// Write man pages
    Man(generate::ManArgs),
}

impl Cli {
    pub(crate) fn console(&self) -> Console {
        let SpeechArgs {
            json,
            quiet,
            verbose,
            color,
        } = self.speech;
        Console::new(json, quiet, verbose, color)
    }
}

/// The whole command line, with an environment variable for every flag.
pub(crate) fn command() -> clap::Command {
    with_environment(Cli::command(), &BTreeSet::new())
}

/// As [`command`], without the variables that what `args` say overrides.
pub(crate) fn command_for(args: impl Iterator<Item = OsString>) -> clap::Command {
    with_environment(Cli::command(), &given(args))
}

/// The ids of what stands on the command line itself, whatever is wrong with the rest of it.
fn given(args: impl Iterator<Item = OsString>) -> BTreeSet<String> {
    let command = Cli::command().ignore_errors(true);
    let Ok(matches) = command.try_get_matches_from(args) else {
        return BTreeSet::new();
    };
    let mut given = BTreeSet::new();
    let mut level = Some(&matches);
    while let Some(matches) = level {
        let ids = matches.ids().map(clap::Id::as_str);
        let is_given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        given.extend(ids.filter(is_given).map(str::to_owned));
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    given
}

/// The ids of this command's arguments that can't be together with those that are given.
fn overridden(command: &clap::Command, given: &BTreeSet<String>) -> BTreeSet<String> {
    let mut overridden = BTreeSet::new();
    for arg in command.get_arguments() {
        for other in command.get_arg_conflicts_with(arg) {
            for (one, another) in [(arg, other), (other, arg)] {
                if given.contains(one.get_id().as_str()) {
                    overridden.insert(another.get_id().to_string());
                }
            }
        }
    }
    let is_given = |ids: &&[&str]| ids.iter().any(|id| given.contains(*id));
    let (chosen, others): (Vec<_>, Vec<_>) = CREDENTIALS.into_iter().partition(is_given);
    if !chosen.is_empty() {
        overridden.extend(others.concat().into_iter().map(str::to_owned));
    }
    if given.contains("device_token") {
        overridden.extend(MANY.map(str::to_owned));
    }
    overridden
}

fn with_environment(command: clap::Command, given: &BTreeSet<String>) -> clap::Command {
    let ignored = overridden(&command, given);
    command
        .mut_args(|arg| give_variable(arg, &ignored))
        .mut_subcommands(|command| with_environment(command, given))
}

fn give_variable(arg: Arg, ignored: &BTreeSet<String>) -> Arg {
    let Some(long) = arg.get_long() else {
        return arg;
    };
    if matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::Version | ArgAction::HelpShort | ArgAction::HelpLong
    ) {
        return arg;
    }
    let variable = format!("AAPNS_{}", long.to_uppercase().replace('-', "_"));
    let is_ignored = ignored.contains(arg.get_id().as_str());
    // AAPNS_JSON=1 and =true switch on; 0, false and the empty string don't.
    let (arg, is_switch) = match arg.get_action() {
        ArgAction::SetTrue => (arg.value_parser(FalseyValueParser::new()), true),
        ArgAction::Count => (arg.value_parser(times), true),
        _ => (arg, false),
    };
    // Clap takes a switch for given whatever its variable says, and then looks for conflicts.
    let is_absent = std::env::var_os(&variable)
        .is_some_and(|value| value.is_empty() || (is_switch && is_off(&value)));
    if is_ignored || is_absent {
        return arg;
    }
    // A value may be private: help names the variable, never what is in it.
    arg.env(variable).hide_env_values(true).hide_env(true)
}

/// What clap's own parser of switches takes for off.
fn is_off(value: &OsStr) -> bool {
    ["0", "f", "false", "n", "no", "off"]
        .iter()
        .any(|off| value.eq_ignore_ascii_case(off))
}

/// How often a switch that counts is given: AAPNS_VERBOSE=2, or =true for once.
fn times(text: &str) -> Result<u8, std::num::ParseIntError> {
    let is_on = ["t", "true", "y", "yes", "on"]
        .iter()
        .any(|on| text.eq_ignore_ascii_case(on));
    if is_on { Ok(1) } else { text.parse() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(command: &clap::Command, visit: &mut impl FnMut(&Arg)) {
        command.get_arguments().for_each(&mut *visit);
        command.get_subcommands().for_each(|c| flags(c, visit));
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_is_given_is_known_in_spite_of_mistakes() {
        let given = |args: &[&str]| -> Vec<String> {
            let args = std::iter::once(&"aapns").chain(args);
            super::given(args.map(OsString::from))
                .into_iter()
                .filter(|id| !id.ends_with("Args"))
                .collect()
        };
        assert_eq!(given(&["-q", "mock", "--page", "1"]), ["page", "quiet"]);
        let send = ["send", "ab", "--cert=x", "-v", "--", "--key"];
        assert_eq!(given(&send), ["body", "cert", "device_token", "verbose"]);
        assert!(given(&["nonsense"]).is_empty());
    }

    #[test]
    fn every_flag_has_a_variable() {
        let mut seen = 0;
        flags(&command(), &mut |arg| {
            if let Some(long) = arg.get_long().filter(|l| !["help", "version"].contains(l)) {
                let variable = arg.get_env().and_then(|v| v.to_str()).unwrap_or_default();
                assert_eq!(
                    variable,
                    format!("AAPNS_{}", long.to_uppercase().replace('-', "_"))
                );
                seen += 1;
            }
        });
        assert!(seen > 50, "{seen}");
    }
}
