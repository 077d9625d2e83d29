//! A panic is a bug, and has an exit code of its own.

use std::io::Write;

/// Ends the process with 70 on a panic, on whatever thread it happens, and says in one line where.
pub(crate) fn exit_with_70() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        let what = what.replace('\n', " ");
        let _ = writeln!(
            std::io::stderr(),
            "send_ndjson: a bug at {place}: {what}; please report it with the command that led here"
        );
        std::process::exit(70);
    }));
}
