//! The documents beside the code: what they point at is there.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::{Path, PathBuf};

/// The repository's own folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Markdown files up to this depth, without what is built or fetched.
fn documents(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() && depth > 0 {
            documents(&path, depth - 1, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The targets of `[text](target)`, code aside.
fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            continue;
        }
        for rest in part.split("](").skip(1) {
            links.extend(rest.split(')').next());
        }
    }
    links
}

#[test]
fn links_of_the_documents_lead_to_files() {
    let mut paths = Vec::new();
    documents(&root(), 2, &mut paths);
    assert!(paths.len() >= 12, "{paths:?}");
    let mut seen = 0;
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        for link in links(&text) {
            let target = link.split('#').next().unwrap();
            // The guide's chapters name items of the crate.
            if target.is_empty() || target.contains("://") || target.contains("::") {
                continue;
            }
            seen += 1;
            let there = path.parent().unwrap().join(target);
            assert!(there.exists(), "{}: {link}", path.display());
        }
    }
    assert!(seen >= 8, "{seen}");
}

/// A crate's page on the registry has no folder above it.
#[test]
fn readmes_of_crates_point_at_nothing_outside_them() {
    for name in ["models", "proto", "tokio", "async-std"] {
        let folder = root().join(format!("aapns-{name}"));
        let text = std::fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(text.len() > 500, "{name}: too short for a front page");
        for link in links(&text) {
            assert!(!link.contains(".."), "{name}: {link}");
        }
    }
}

#[test]
fn the_changelog_and_the_manifest_know_every_crate() {
    let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let order = std::fs::read_to_string(root().join("docs/RELEASING.md")).unwrap();
    for name in ["models", "proto", "tokio", "async-std"] {
        let name = format!("`aapns-{name}`");
        for (document, text) in [
            ("changelog", &changelog),
            ("readme", &readme),
            ("releasing", &order),
        ] {
            assert!(text.contains(&name), "{name} is not in {document}");
        }
    }
}
