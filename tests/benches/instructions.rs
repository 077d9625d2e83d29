//! What is counted by `instructions.py`: `instructions CASE REQUESTS` does that many requests' worth of one case.
//!
//! Everything runs in memory, without TLS, on one thread, and asks no clock: the same build counts the same.

use aapns_proto::hpack::{Decoder, Encoder};
use bytes::Bytes;

#[allow(dead_code, reason = "shared with benches of other kinds")]
#[path = "support/blind.rs"]
mod blind;
#[path = "support/handle.rs"]
mod handle;
mod support;

use handle::Handle;
use support::{BATCH, TOKEN, answers, block, connected, linked, requests};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (case, requests) = match args.as_slice() {
        [case, requests] => (
            case.as_str(),
            requests.parse().expect("a number of requests"),
        ),
        _ => return println!("run it by instructions.py: CASE REQUESTS, of {CASES:?}"),
    };
    match case {
        "encode" => encode(requests),
        "decode" => decode(requests),
        "connection" => connection(requests),
        "pool" => pool(requests),
        "client" => client(requests),
        _ => panic!("no case {case:?}, but {CASES:?}"),
    }
}

const CASES: [&str; 5] = ["encode", "decode", "connection", "pool", "client"];

/// One field block out for each request.
fn encode(n: usize) {
    let requests = requests();
    let mut encoder = Encoder::new(Bytes::from_static(b"https"), Bytes::from_static(b"api"));
    encoder.set_authorization(Some(Bytes::from_static(TOKEN)));
    let mut out = Vec::new();
    for request in requests.iter().cycle().take(n) {
        out.clear();
        encoder.encode(std::hint::black_box(request), &mut out);
        std::hint::black_box(&out);
    }
}

/// One field block in for each response: a status, and a Huffman-coded `apns-id`.
fn decode(n: usize) {
    let block = block(&["apns-id"]);
    let mut decoder = Decoder::new(4096);
    for _ in 0..n {
        let sink = |name: &[u8], value: &[u8]| {
            std::hint::black_box((name, value));
        };
        let decoded = decoder.decode(std::hint::black_box(&block), 65_536, sink);
        decoded.expect("a right block");
    }
}

/// Requests through one connection, a batch of them at a time.
fn connection(n: usize) {
    let mut peer = connected();
    let (requests, answers) = (requests(), answers(&block(&["apns-id"])));
    for batch in 0..n.div_ceil(BATCH) {
        peer.round(&requests, &answers, batch);
    }
}

/// Requests through a pool and its one link.
fn pool(n: usize) {
    let mut peer = linked();
    let (requests, answers) = (requests(), answers(&block(&["apns-id"])));
    for batch in 0..n.div_ceil(BATCH) {
        peer.round(&requests, &answers, batch);
    }
}

/// Requests through the handle of a pool, a future for each, with the driver and a server: all but TLS and sockets.
fn client(n: usize) {
    let requests = requests();
    let mut handle = Handle::new();
    for _ in 0..n.div_ceil(BATCH) {
        handle.round(&requests);
    }
}
