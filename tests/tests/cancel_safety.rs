//! What can be dropped says what dropping it does: held against the sources of the public API.
//!
//! That it is so is tested by the suite of all adapters (`suite/cancellation.rs`).

use std::fs;
use std::path::Path;

/// The futures with names that requests return.
const FUTURES: [&str; 4] = [
    "-> Post<R>",
    "-> Posting",
    "-> Sending<R>",
    "-> Broadcasting<R>",
];

#[test]
fn every_public_future_documents_its_cancel_safety() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for folder in ["aapns-proto/src/client", "aapns-tokio/src/mock"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                seen += check(&path);
            }
        }
    }
    assert!(seen >= 25, "{seen} futures were found");
}

/// How many public futures a file has; each is documented.
fn check(path: &Path) -> usize {
    let text = fs::read_to_string(path).expect("a source file");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut seen = 0;
    for (at, line) in lines.iter().enumerate() {
        if !line.starts_with("pub fn ") && !line.starts_with("pub async fn ") {
            continue;
        }
        let end = lines[at..]
            .iter()
            .position(|line| line.ends_with(['{', ';']));
        let signature = lines[at..at + end.expect("a signature's end") + 1].join(" ");
        let is_future = signature.starts_with("pub async fn ")
            || FUTURES.iter().any(|future| signature.contains(future));
        if !is_future {
            continue;
        }
        let above = lines[..at].iter().rev();
        let mut docs = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
        assert!(
            docs.any(|line| *line == "/// # Cancel safety"),
            "{}: {signature}",
            path.display()
        );
        seen += 1;
    }
    seen
}
