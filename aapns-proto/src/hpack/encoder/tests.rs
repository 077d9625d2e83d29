use super::*;
use crate::hpack::Decoder;
use crate::request::{Fields, Method};

mod heads;
mod histories;

type Field = (Vec<u8>, Vec<u8>);

const ID: &str = "eabeae54-14a8-11e5-b60b-1697f925ec7b";

fn encoder() -> Encoder {
    let mut encoder = Encoder::new("https".into(), "api.push.apple.com".into());
    encoder.set_authorization(Some("bearer ey.J0.x-y".into()));
    encoder
}

fn head(topic: &str) -> Head {
    let fields = Fields::new()
        .with("apns-topic", topic)
        .and_then(|fields| fields.with("apns-push-type", "alert"))
        .and_then(|fields| fields.with("apns-priority", "10"));
    Head::new(Method::POST, fields.unwrap())
}

fn request(head: &Head) -> Request {
    let request = Request::new(head.clone(), "/3/device/00ff", "{}").unwrap();
    request.field("apns-id", ID).unwrap()
}

fn encode(encoder: &mut Encoder, request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(request, &mut out);
    out
}

/// What a decoder must find.
fn fields_of(request: &Request, authorization: Option<&[u8]>) -> Vec<Field> {
    let mut fields: Vec<Field> = vec![
        (b":path".to_vec(), request.path().to_vec()),
        (b":method".to_vec(), request.head().method().as_str().into()),
        (b":scheme".to_vec(), b"https".to_vec()),
        (b":authority".to_vec(), b"api.push.apple.com".to_vec()),
    ];
    fields.extend(authorization.map(|value| (b"authorization".to_vec(), value.to_vec())));
    let own = request.head().fields().iter().chain(request.fields());
    fields.extend(own.map(|(name, value)| (name.to_vec(), value.to_vec())));
    fields
}

/// Two decoders that know nothing of the encoder, ours and fluke's, hold the same block.
struct Peer {
    ours: Decoder,
    flukes: fluke_hpack::Decoder<'static>,
}

impl Peer {
    fn new() -> Self {
        Self {
            ours: Decoder::new(4096),
            flukes: fluke_hpack::Decoder::new(),
        }
    }

    fn allow(&mut self, size: u32) {
        self.ours.set_max_table_size(size);
        self.flukes.set_max_allowed_table_size(size as usize);
    }

    fn decode(&mut self, block: &[u8]) -> Vec<Field> {
        let mut fields = Vec::new();
        let result = self.ours.decode(block, usize::MAX, |name, value| {
            fields.push((name.to_vec(), value.to_vec()));
        });
        assert_eq!(result, Ok(()), "{block:02x?}");
        assert_eq!(
            self.flukes.decode(block).as_ref(),
            Ok(&fields),
            "{block:02x?}"
        );
        fields
    }
}

fn contains(block: &[u8], part: &[u8]) -> bool {
    block.windows(part.len()).any(|window| window == part)
}

/// Whether the block inserts nothing: no representation begins with the bits 01.
fn inserts_nothing(block: &[u8]) -> bool {
    let mut rest = block;
    while let Some(&first) = rest.first() {
        if first & 0xc0 == 0x40 {
            return false;
        }
        if first & 0x80 != 0 {
            integer::decode(&mut rest, 7).unwrap();
        } else if first & 0x20 != 0 {
            integer::decode(&mut rest, 5).unwrap();
        } else {
            let strings = if integer::decode(&mut rest, 4).unwrap() == 0 {
                2
            } else {
                1
            };
            for _ in 0..strings {
                let length = integer::decode(&mut rest, 7).unwrap() as usize;
                rest = &rest[length..];
            }
        }
    }
    true
}

#[test]
fn the_third_request_of_a_head_is_path_indices_and_the_raw_values_of_its_own() {
    let (mut encoder, head) = (encoder(), head("com.example.app"));
    let first = encode(&mut encoder, &request(&head));
    let second = encode(&mut encoder, &request(&head));
    let third = encode(&mut encoder, &request(&head));
    assert!(first.len() > 100 && !inserts_nothing(&first));
    assert_eq!(second, third);

    let mut expected = b"\x04\x0e/3/device/00ff".to_vec();
    // :method POST, :scheme https, :authority, authorization as a literal of static name 23.
    expected.extend_from_slice(&[0x83, 0x87, 0xc2, 0x0f, 0x08]);
    let at = expected.len();
    assert_eq!(third[..at], expected);
    // topic, push type, priority; apns-id, newest and so index 62, with a raw value.
    let mut tail = vec![0xc1, 0xc0, 0xbf, 0x0f, 0x2f, 0x24];
    tail.extend_from_slice(ID.as_bytes());
    assert!(third.ends_with(&tail), "{third:02x?}");
}

#[test]
fn what_is_encoded_is_decoded_by_others() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    let heads = [
        head("a.b"),
        head("a.b.voip"),
        Head::new(Method::GET, Fields::new()),
    ];
    for nth in 0..20 {
        let request = request(&heads[nth % 3])
            .field("apns-expiration", nth.to_string())
            .and_then(|request| request.field("x-other", "1"))
            .unwrap();
        let block = encode(&mut encoder, &request);
        assert_eq!(
            peer.decode(&block),
            fields_of(&request, Some(b"bearer ey.J0.x-y"))
        );
    }
}

#[test]
fn e1_secrets_are_literals_even_when_a_head_has_them() {
    let mut encoder = Encoder::new("https".into(), "a".into());
    let fields = Fields::new().with("authorization", "bearer 000").unwrap();
    let head = Head::new(Method::POST, fields.with("cookie", "111").unwrap());
    let mut peer = Peer::new();
    for _ in 0..3 {
        let request = Request::new(head.clone(), "/", "").unwrap();
        let block = encode(&mut encoder, &request);
        // Static names 23 and 32, as literals without indexing.
        assert!(contains(&block, &[0x0f, 23 - 15]) && contains(&block, &[0x0f, 32 - 15]));
        peer.decode(&block);
    }
}

#[test]
fn e2_a_table_of_size_0_is_never_used() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    encoder.set_peer_table_size(0);
    peer.allow(0);
    let request = request(&head("a"));
    for nth in 0..3 {
        let block = encode(&mut encoder, &request);
        assert_eq!(
            block[0] == 0x20,
            nth == 0,
            "one size update, at the first block's start"
        );
        assert!(inserts_nothing(&block));
        assert_eq!(
            peer.decode(&block),
            fields_of(&request, Some(b"bearer ey.J0.x-y"))
        );
    }
}

#[test]
fn e2_a_table_lowered_and_raised_is_signalled_by_both_sizes() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    let request = request(&head("a"));
    for _ in 0..2 {
        peer.decode(&encode(&mut encoder, &request));
    }
    for size in [100, 60, 2000] {
        encoder.set_peer_table_size(size);
        peer.allow(size);
    }
    let block = encode(&mut encoder, &request);
    // 60 = 31 + 29, 2000 = 31 + 1969.
    assert_eq!(block[..5], [0x3f, 29, 0x3f, 0x80 | (1969 & 0x7f) as u8, 15]);
    assert!(
        !inserts_nothing(&block),
        "the lost entries are inserted again"
    );
    assert_eq!(
        peer.decode(&block),
        fields_of(&request, Some(b"bearer ey.J0.x-y"))
    );
    let block = encode(&mut encoder, &request);
    assert_eq!(block[0], PATH);
    peer.decode(&block);
}

#[test]
fn a_table_larger_than_4096_is_not_used() {
    let mut encoder = encoder();
    encoder.set_peer_table_size(1 << 20);
    assert_eq!(encode(&mut encoder, &request(&head("a")))[0], PATH);
}

#[test]
fn a_size_that_returns_before_the_next_block_is_signalled_only_if_it_was_lower() {
    let mut encoder = encoder();
    encoder.set_peer_table_size(8192);
    encoder.set_peer_table_size(4096);
    assert_eq!(encode(&mut encoder, &request(&head("a")))[0], PATH);
    encoder.set_peer_table_size(0);
    encoder.set_peer_table_size(4096);
    assert_eq!(
        encode(&mut encoder, &request(&head("a")))[..2],
        [0x20, 0x3f]
    );
}

#[test]
fn a_new_authorization_is_in_the_next_block_and_none_leaves_the_field_out() {
    let (mut encoder, mut peer, head) = (encoder(), Peer::new(), head("a"));
    for value in [
        Some("bearer one"),
        Some("bearer two"),
        None,
        Some("bearer one"),
    ] {
        encoder.set_authorization(value.map(Into::into));
        let request = request(&head);
        let block = encode(&mut encoder, &request);
        assert_eq!(
            peer.decode(&block),
            fields_of(&request, value.map(str::as_bytes))
        );
    }
}

#[test]
fn an_indexed_authorization_costs_one_octet_from_the_second_request_on() {
    let token = format!("bearer {}", "x".repeat(250));
    let mut encoder =
        Encoder::new("https".into(), "api.push.apple.com".into()).indexing_authorization();
    let (mut peer, head) = (Peer::new(), head("a"));
    for value in [token.clone(), token + "2"] {
        encoder.set_authorization(Some(value.clone().into()));
        let request = request(&head);
        let blocks: Vec<_> = (0..3).map(|_| encode(&mut encoder, &request)).collect();
        assert!(blocks[0].len() > 200 && blocks[2].len() < 70);
        for block in &blocks {
            assert_eq!(
                peer.decode(block),
                fields_of(&request, Some(value.as_bytes()))
            );
        }
    }
}

#[test]
fn an_empty_authority_is_left_out() {
    let mut encoder = Encoder::new("https".into(), Bytes::new());
    let request = Request::new(Head::new(Method::GET, Fields::new()), "/", "").unwrap();
    assert_eq!(
        encode(&mut encoder, &request),
        [0x04, 0x01, b'/', 0x82, 0x87]
    );
}

#[test]
fn the_list_size_is_what_a_decoder_counts() {
    let (mut encoder, head) = (encoder(), head("a"));
    let size = |fields: Vec<Field>| -> usize {
        fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + 32)
            .sum()
    };
    for value in [Some("bearer one"), None, Some("bearer 2")] {
        encoder.set_authorization(value.map(Into::into));
        let request = request(&head).field("x-y", "zzz").unwrap();
        let expected = size(fields_of(&request, value.map(str::as_bytes)));
        assert_eq!(encoder.list_size(&request), expected);
        encode(&mut encoder, &request);
        assert_eq!(encoder.list_size(&request), expected);
    }
}

#[test]
fn a_size_lowered_once_is_signalled_once() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    encoder.set_peer_table_size(64);
    peer.allow(64);
    let request = request(&head("a"));
    let block = encode(&mut encoder, &request);
    // 64 = 31 + 33; then the path.
    assert_eq!(block[..3], [0x3f, 33, PATH]);
    peer.decode(&block);
    let block = encode(&mut encoder, &request);
    assert_eq!(block[0], PATH);
    peer.decode(&block);
}

#[test]
fn debug_shows_the_table_and_the_number_of_heads() {
    let mut encoder = encoder();
    encode(&mut encoder, &request(&head("a")));
    let shown = format!("{encoder:?}");
    assert!(shown.contains("table_size: 4096, heads: 1"), "{shown}");
}

#[test]
fn debug_shows_no_token() {
    let mut encoder = encoder();
    encode(&mut encoder, &request(&head("com.example")));
    let shown = format!("{encoder:?}");
    assert!(
        !shown.contains("bearer") && !shown.contains("101, 121"),
        "{shown}"
    );
}
