//! The committed corpora as ordinary tests, on stable.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("a corpus for each target") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        run(&fs::read(&path).expect("a readable input"));
        count += 1;
    }
    assert!(count > 0, "{target} has a corpus");
}

#[test]
fn the_corpus_of_frame_has_no_finding() {
    replay("frame", aapns_fuzz::frame);
}

#[test]
fn the_corpus_of_hpack_has_no_finding() {
    replay("hpack", aapns_fuzz::hpack);
}

#[test]
fn the_corpus_of_models_has_no_finding() {
    replay("models", aapns_fuzz::models);
}

#[test]
fn the_corpus_of_connection_bytes_has_no_finding() {
    replay("connection_bytes", aapns_fuzz::connection_bytes);
}

#[test]
fn the_corpus_of_connection_ops_has_no_finding() {
    replay("connection_ops", aapns_fuzz::connection_ops);
}

#[test]
fn the_corpus_of_pool_ops_has_no_finding() {
    replay("pool_ops", aapns_fuzz::pool_ops);
}

#[test]
fn the_corpus_of_world_has_no_finding() {
    replay("world", aapns_fuzz::world);
}
