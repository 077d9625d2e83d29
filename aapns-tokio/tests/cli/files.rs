//! The files of `aapns send --input`: which are refused, and that none is lost.

use super::support::{Target, aapns, finish, lines, spawn};

#[test]
fn a_file_that_cannot_be_written_costs_no_other() {
    let target = Target::new();
    let input = target.dir.write("in", lines(1));
    let output = target.dir.write("out", "results\n");
    let journal = target.dir.write("journal", "intents\n");
    for (output, journal, word) in [
        (&*output, "/no/dir/journal", "--journal"),
        ("/no/dir/out", &*journal, "--output"),
    ] {
        let args = ["--input", &input, "--output", output, "--journal", journal];
        target.send(&args).exits(2).complains(&["/no/dir", word]);
    }
    assert_eq!(target.dir.read("out"), "results\n");
    assert_eq!(target.dir.read("journal"), "intents\n");
    let args = ["--input", &input, "--output", &output];
    target.send(&args).exits(0);
    assert_eq!(target.dir.read("out").lines().count(), 1, "it begins anew");
}

#[test]
fn two_names_of_a_file_that_is_not_there_yet_are_one() {
    let target = Target::new();
    let input = target.dir.write("in", lines(1));
    let directory = target.dir.path("");
    let absolute = target.dir.path("same");
    for (output, journal) in [("./same", "same"), ("same", &absolute)] {
        let args = ["--input", &input, "--output", output, "--journal", journal];
        let mut command = aapns(target.send_args(&args));
        finish(spawn(command.current_dir(&directory)))
            .exits(2)
            .complains(&["--output", "--journal", "its own"]);
    }
    let args = ["--input", &input, "--output", "./a", "--journal", "b"];
    let mut command = aapns(target.send_args(&args));
    finish(spawn(command.current_dir(&directory))).exits(0);
}

#[test]
fn a_journal_is_a_file() {
    let target = Target::new();
    let input = target.dir.write("in", lines(1));
    target
        .send(&["--input", &input, "--journal", "-"])
        .exits(2)
        .complains(&["--journal", "give it a file"]);
}

#[cfg(unix)]
#[test]
fn results_that_nobody_wants_can_be_resumed() {
    let target = Target::new();
    let input = target.dir.write("in", lines(2));
    let args = ["--input", &input, "--output", "/dev/null", "--resume"];
    target.send(&args).exits(0);
}
