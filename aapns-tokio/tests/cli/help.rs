//! Help, completions and man pages.

use super::support::{Dir, run};

#[test]
fn no_arguments_and_help_show_the_commands() {
    let help = run(["--help"]).exits(0);
    for command in [
        "demo",
        "send",
        "mock",
        "bench",
        "doctor",
        "channels",
        "broadcast",
        "simulator",
    ] {
        assert!(help.stdout.contains(command), "{command}");
    }
    assert!(help.stdout.contains("First steps"));
    assert!(run::<&str>([]).exits(2).stderr.contains("Usage"));
    assert!(run(["--version"]).exits(0).stdout.starts_with("aapns "));
}

#[test]
fn help_of_send_tells_the_fields_that_go_in_and_come_out() {
    let help = run(["send", "--help"]).exits(0).stdout;
    for word in [
        "collapse_id",
        "possible_duplicate",
        "not_processed",
        "--resume",
        "Examples",
        "Exit codes: 0 all delivered, 1 not all, 2 wrong usage or configuration, 3 interrupted.",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let short = run(["send", "-h"]).exits(0).stdout;
    assert!(
        !short.contains("possible_duplicate"),
        "the short help is short"
    );
    assert!(
        run(["doctor", "--help"])
            .exits(0)
            .stdout
            .contains("--probe\n")
    );
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let dir = Dir::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]).exits(0).stdout;
        assert!(script.contains("broadcast") && script.contains("concurrency"));
        // Elvish and PowerShell complete no values.
        let has_values = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(script.contains("at-most-once"), has_values, "{shell}");
        dir.write(shell, script);
    }
    assert!(run(["man"]).exits(0).stdout.contains("aapns"));
    run(["man", "--dir", &dir.path("new/man")]).exits(0);
    assert!(dir.read("new/man/aapns-send.1").contains("concurrency"));
    for page in ["aapns", "aapns-doctor", "aapns-channels-create"] {
        assert!(dir.read(&format!("new/man/{page}.1")).contains(".SH NAME"));
    }
}

/// What the shell itself makes of the script.
#[test]
fn bash_completes_flags_and_values() {
    let dir = Dir::new();
    let script = dir.write("aapns.bash", run(["completions", "bash"]).exits(0).stdout);
    let complete = |words: &str, last: &str, before: &str| {
        let text = format!(
            ". {script}; COMP_WORDS=({words} {last}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _aapns aapns '{last}' '{before}'; echo \"${{COMPREPLY[*]}}\""
        );
        std::process::Command::new("bash")
            .args(["-c", &text])
            .output()
    };
    let Ok(flags) = complete("aapns send", "--tok", "send") else {
        eprintln!("skipped: bash is not installed");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&flags.stdout).trim(), "--token-key");
    let values = complete("aapns send --policy", "at-m", "--policy").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&values.stdout).trim(),
        "at-most-once"
    );
    let commands = complete("aapns", "bro", "aapns").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&commands.stdout).trim(),
        "broadcast"
    );
}
