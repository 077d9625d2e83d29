//! Each feature is in its crate's front page: who reads that knows all that can be switched on.

use std::fs;
use std::path::Path;

/// For the tests of this workspace alone.
const OURS: [&str; 1] = ["mutants"];

#[test]
fn every_feature_is_in_its_crates_front_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for name in [
        "aapns-models",
        "aapns-proto",
        "aapns-tokio",
        "aapns-async-std",
    ] {
        let manifest = fs::read_to_string(root.join(name).join("Cargo.toml")).expect("a manifest");
        let page = fs::read_to_string(root.join(name).join("README.md")).expect("a front page");
        let (_, features) = manifest.split_once("[features]\n").expect("features");
        let features = features.split("\n\n").next().expect("their section");
        for line in features.lines() {
            let feature = line.split(" = ").next().unwrap_or_default();
            let is_name = feature
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if feature.is_empty() || !is_name || feature == "default" || OURS.contains(&feature) {
                continue;
            }
            assert!(page.contains(&format!("`{feature}`")), "{name}: {feature}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} features");
}
