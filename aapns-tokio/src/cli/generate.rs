//! Completion scripts and man pages, made from the command line itself.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::console::Console;
use super::exit::{Exit, Fault, Outcome};

/// `aapns completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

/// `aapns man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this directory; without it, the main page goes to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs, console: Console) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::args::command(),
        "aapns",
        &mut script,
    );
    console.result(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Success)
}

pub(crate) fn man(args: &ManArgs, console: Console) -> Outcome {
    let command = super::args::command();
    match &args.dir {
        Some(dir) => {
            let made = std::fs::create_dir_all(dir);
            made.and_then(|()| clap_mangen::generate_to(command, dir))
                .map_err(|error| {
                    Fault::file(
                        "write man pages to",
                        dir,
                        &error,
                        "give a directory that you may write to",
                    )
                })?;
            console.note(format_args!(
                "Man pages are in {}; see them with: man -l {}/aapns.1",
                dir.display(),
                dir.display()
            ));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .map_err(|error| Fault::bug(format_args!("the man page can't be made: {error}")))?;
            console.result(String::from_utf8_lossy(&page).trim_end());
        }
    }
    Ok(Exit::Success)
}
