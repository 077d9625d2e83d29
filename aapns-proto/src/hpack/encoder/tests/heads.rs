//! What is remembered of heads and names, and for how long.

use super::*;

#[test]
fn heads_that_push_each_other_out_of_a_small_table_settle_down() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    encoder.set_peer_table_size(300);
    peer.allow(300);
    let heads: Vec<Head> = (0..8)
        .map(|n| head(&format!("com.example.app{n}")))
        .collect();
    let mut round = |peer: &mut Peer| -> Vec<Vec<u8>> {
        let blocks: Vec<_> = heads
            .iter()
            .map(|head| encode(&mut encoder, &request(head)))
            .collect();
        blocks.iter().for_each(|block| drop(peer.decode(block)));
        blocks
    };
    round(&mut peer);
    let second = round(&mut peer);
    assert!(second.iter().all(|block| inserts_nothing(block)));
    assert_eq!(second, round(&mut peer));
}

#[test]
fn more_heads_than_slots_are_coded_right() {
    let (mut encoder, mut peer) = (encoder(), Peer::new());
    let heads: Vec<Head> = (0..40)
        .map(|n| head(&format!("com.example.app{n}")))
        .collect();
    for nth in 0..400 {
        let request = request(&heads[nth * nth % 40]);
        let block = encode(&mut encoder, &request);
        assert_eq!(
            peer.decode(&block),
            fields_of(&request, Some(b"bearer ey.J0.x-y"))
        );
        assert!(encoder.heads.len() <= limits::CACHED_HEADS);
    }
}

#[test]
fn a_head_made_anew_for_each_request_shares_a_slot() {
    let mut encoder = encoder();
    let blocks: Vec<_> = (0..4)
        .map(|_| encode(&mut encoder, &request(&head("a"))))
        .collect();
    assert_eq!(encoder.heads.len(), 1);
    assert_eq!(blocks[1], blocks[3]);
}

#[test]
fn the_least_recently_used_head_goes_first() {
    let mut encoder = encoder();
    let heads: Vec<Head> = (0..=limits::CACHED_HEADS)
        .map(|n| head(&format!("t{n}")))
        .collect();
    let (extra, heads) = heads.split_last().unwrap();
    for head in heads.iter().chain([&heads[0], extra]) {
        encode(&mut encoder, &request(head));
    }
    assert!(encoder.heads.peek(&heads[0]).is_some());
    assert!(encoder.heads.peek(&heads[1]).is_none());
    assert!(encoder.heads.peek(extra).is_some());
}

#[test]
fn a_field_of_a_quarter_of_the_table_is_inserted_and_a_larger_one_is_not() {
    // Name and value and 32: 1024 is a quarter of 4096.
    for (length, is_inserted) in [(1024 - 33, true), (1024 - 32, false)] {
        let mut encoder = encoder();
        let fields = Fields::new().with("x", vec![b'~'; length]).unwrap();
        let head = Head::new(Method::POST, fields);
        let request = Request::new(head, "/", "").unwrap();
        encode(&mut encoder, &request);
        let second = encode(&mut encoder, &request);
        assert_eq!(second.len() < 500, is_inserted);
    }
}

#[test]
fn what_differs_has_its_name_indexed() {
    let (mut encoder, head) = (encoder(), head("a"));
    let request = |n: u32| {
        let request = Request::new(head.clone(), "/", "").unwrap();
        let request = request.field("apns-id", ID).unwrap();
        let request = request.field("apns-expiration", n.to_string()).unwrap();
        request.field("apns-collapse-id", n.to_string()).unwrap()
    };
    encode(&mut encoder, &request(10));
    let block = encode(&mut encoder, &request(11));
    // Literals without indexing, named by the newest entries; the values raw.
    let tail = [0x0f, 0x30, 2, b'1', b'1', 0x0f, 0x2f, 2, b'1', b'1'];
    assert!(block.ends_with(&tail), "{block:02x?}");
    assert!(contains(&block, &[0x0f, 0x31, 36]), "{block:02x?}");
}

#[test]
fn heads_keep_their_slots_by_use() {
    let mut encoder = encoder();
    let heads: Vec<Head> = (0..2 * limits::CACHED_HEADS)
        .map(|n| head(&format!("t{n}")))
        .collect();
    let (old, new) = heads.split_at(limits::CACHED_HEADS);
    for head in old {
        encode(&mut encoder, &request(head));
    }
    assert_eq!(encoder.heads.len(), limits::CACHED_HEADS);
    // Half of the old ones are used again, back to front: the others go first, in their order.
    let (kept, gone) = old.split_at(limits::CACHED_HEADS / 2);
    for head in kept.iter().rev() {
        encode(&mut encoder, &request(head));
    }
    for (n, head) in new.iter().take(gone.len()).enumerate() {
        encode(&mut encoder, &request(head));
        assert!(encoder.heads.peek(&gone[n]).is_none());
        assert!(
            gone[n + 1..]
                .iter()
                .all(|head| encoder.heads.peek(head).is_some())
        );
        assert!(kept.iter().all(|head| encoder.heads.peek(head).is_some()));
    }
    encode(&mut encoder, &request(&new[gone.len()]));
    assert!(encoder.heads.peek(kept.last().unwrap()).is_none());
}

#[test]
fn names_and_values_are_huffman_coded_where_that_is_shorter() {
    let mut encoder = encoder();
    // Letters have five to seven bits, `~` has thirteen.
    let fields = Fields::new().with("x-letters", "letters").unwrap();
    let fields = fields.with("~~~~", "}}}}").unwrap();
    let request = Request::new(Head::new(Method::POST, fields), "/", "").unwrap();
    let block = encode(&mut encoder, &request);
    for text in [b"x-letters".as_slice(), b"letters"] {
        let mut coded = Vec::new();
        httlib_huffman::encode(text, &mut coded).unwrap();
        assert!(contains(&block, &coded) && !contains(&block, text));
    }
    assert!(contains(&block, b"~~~~") && contains(&block, b"}}}}"));
}
