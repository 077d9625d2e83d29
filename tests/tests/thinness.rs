//! The adapters are thin, and hold no protocol logic: measured, so that they stay so.

use std::fs;
use std::path::{Path, PathBuf};

/// Code lines of an adapter, without mock, program, guide, observability and tests.
const ADAPTER: usize = 500;

/// What is no adapter: products of their own in the same crate.
const APART: [&str; 6] = ["bin", "cli", "guide", "mock", "observability", "tests"];

/// The longest line, and the most octets that lines have on average: code that is dense to be short.
const WIDTH: usize = 120;
const DENSITY: usize = 42;

/// Words of HTTP/2, of delivery and of retries, none of which is a runtime's to know.
const PROTOCOL: [&str; 22] = [
    "backoff",
    "breaker",
    "continuation",
    "credit",
    "frame",
    "goaway",
    "headers",
    "hpack",
    "huffman",
    "jitter",
    "preface",
    "reason",
    "refused",
    "resend",
    "retry",
    "rst",
    "settings",
    "status",
    "stream_id",
    "throttle",
    "unregistered",
    "window",
];

#[test]
fn each_adapter_is_thin_and_not_by_dense_code() {
    for name in ["aapns-tokio", "aapns-async-std"] {
        let code = adapter(name);
        let octets: usize = code.iter().map(|line| line.trim().len()).sum();
        println!(
            "{name}: {} lines, {} octets each",
            code.len(),
            octets / code.len()
        );
        assert!(code.len() > 100, "{name}: {} lines counted", code.len());
        assert!(code.len() < ADAPTER, "{name}: {} lines", code.len());
        assert!(octets / code.len() <= DENSITY, "{name}: {octets} octets");
        for line in &code {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
    }
}

#[test]
fn no_adapter_knows_the_protocol() {
    for name in ["aapns-tokio", "aapns-async-std"] {
        let mut is_passed_on = false;
        for line in adapter(name) {
            // Names of the core that it passes on to its users are none of its own logic.
            is_passed_on |= line.starts_with("pub use");
            let lower = line.to_lowercase();
            let mut words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
            let word = words.find(|word| PROTOCOL.contains(word));
            assert!(word.is_none() || is_passed_on, "{name}: {line}");
            is_passed_on &= !line.ends_with(';');
        }
    }
}

/// A copy of `driver`, `link` or `pool` in an adapter would show here as well.
#[test]
fn an_adapter_is_a_connector_a_timer_and_a_stream() {
    for name in ["aapns-tokio", "aapns-async-std"] {
        let mut files: Vec<String> = sources(name)
            .iter()
            .map(|path| path.file_name().expect("a name").to_string_lossy().into())
            .collect();
        files.sort();
        assert_eq!(
            files,
            ["connect.rs", "lib.rs", "runtime.rs", "transport.rs"]
        );
    }
}

/// Other names for the runtime apart: what is written for one adapter compiles with the other.
#[test]
fn both_adapters_offer_the_same_names() {
    let names = |name: &str| -> Vec<String> {
        let code = code(&root().join(name).join("src/lib.rs")).join("\n");
        let statements = code.split(';').map(str::trim);
        let mut names: Vec<String> = statements
            .filter(|statement| {
                statement.starts_with("pub use aapns_") || statement.starts_with("pub type")
            })
            .map(|statement| statement.split_whitespace().collect::<String>())
            .map(|statement| statement.replace("<AsyncStd", "<Tokio"))
            .collect();
        names.sort();
        names
    };
    assert!(names("aapns-tokio").len() > 10);
    assert_eq!(names("aapns-tokio"), names("aapns-async-std"));
}

#[test]
fn the_examples_of_the_core_are_as_short_as_they_say() {
    for (name, limit) in [("blocking", 200), ("simulation", 150)] {
        let path = root().join(format!("aapns-proto/examples/{name}.rs"));
        let code = code(&path);
        assert!(code.len() <= limit, "{name}: {} lines", code.len());
        assert!(code.iter().all(|line| line.chars().count() <= WIDTH));
    }
}

fn adapter(name: &str) -> Vec<String> {
    sources(name).iter().flat_map(|path| code(path)).collect()
}

/// The files of an adapter, without what is apart.
fn sources(name: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().expect("a name").to_string_lossy();
            if APART.contains(&stem.as_ref()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The lines of a file that are code: no comments, no documentation, no blank lines, no tests.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a source file");
    let text = text
        .split("\n#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    text.lines().filter(is_code).map(str::to_owned).collect()
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_owned()
}
