//! Any history of an encoder, decoded by others.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// What can happen to an encoder.
#[derive(Clone, Debug)]
enum Step {
    Allow(u32),
    Authorize(Option<String>),
    Encode {
        head: usize,
        path: String,
        own: Vec<(usize, String)>,
    },
}

const NAMES: [&str; 6] = [
    "apns-id",
    "apns-expiration",
    "apns-collapse-id",
    "x-custom",
    "accept",
    "content-type",
];

fn step() -> impl Strategy<Value = Step> {
    let own = prop::collection::vec((0..NAMES.len(), "[!-~]{0,70}"), 0..5);
    prop_oneof![
        1 => prop::sample::select(vec![0, 33, 64, 100, 200, 500, 1000, 4096, 5000, u32::MAX])
            .prop_map(Step::Allow),
        1 => prop::option::of("bearer [A-Za-z0-9._-]{0,300}").prop_map(Step::Authorize),
        12 => (0..24_usize, "/[!-~]{0,200}", own)
            .prop_map(|(head, path, own)| Step::Encode { head, path, own }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_history_is_decoded_by_others(steps in prop::collection::vec(step(), 1..80), indexing: bool) {
        let mut encoder = Encoder::new("https".into(), "api.push.apple.com".into());
        if indexing {
            encoder = encoder.indexing_authorization();
        }
        let mut peer = Peer::new();
        let mut authorization: Option<String> = None;
        // Few long-lived heads, many that come and go, and some with large fields.
        let mut heads: VecDeque<Head> = (0..24)
            .map(|n| head(&format!("{}{n}", "topic.".repeat(n * n % 29))))
            .collect();
        for step in steps {
            match step {
                Step::Allow(size) => {
                    encoder.set_peer_table_size(size);
                    peer.allow(size);
                }
                Step::Authorize(value) => {
                    encoder.set_authorization(value.clone().map(Into::into));
                    authorization = value;
                }
                Step::Encode { head, path, own } => {
                    let mut request = Request::new(heads[head].clone(), path, "").unwrap();
                    for (name, value) in own {
                        request = request.field(NAMES[name], value).unwrap();
                    }
                    let size = encoder.list_size(&request);
                    let block = encode(&mut encoder, &request);
                    let fields = peer.decode(&block);
                    let counted: usize = fields.iter().map(|(n, v)| n.len() + v.len() + 32).sum();
                    prop_assert_eq!(size, counted);
                    prop_assert_eq!(fields, fields_of(&request, authorization.as_ref().map(String::as_bytes)));
                    heads.rotate_left(usize::from(head == 3));
                }
            }
        }
    }
}
