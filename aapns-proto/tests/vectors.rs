//! The public HPACK stories and HTTP/2 frame cases, from the folder that `AAPNS_VECTORS` names,
//! and our own, committed beside this file.

#![allow(clippy::unwrap_used, reason = "a broken vector must stop the test")]

use std::fs;
use std::path::{Path, PathBuf};

use aapns_proto::frame::{Frame, FrameHeader};
use aapns_proto::hpack::Decoder;
use serde_json::Value;

/// The folder of others' data, or `None` after saying so.
fn public(folder: &str) -> Option<PathBuf> {
    match std::env::var_os("AAPNS_VECTORS") {
        Some(root) => Some(Path::new(&root).join(folder)),
        None => {
            println!("skipped: AAPNS_VECTORS is not set");
            None
        }
    }
}

/// Every JSON file below `folder`.
fn cases(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "json") {
                let case = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                found.push((path, case));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn hex(text: &str) -> Vec<u8> {
    let octet = |n| u8::from_str_radix(&text[n..n + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(octet).collect()
}

type Field = (Vec<u8>, Vec<u8>);

/// The fields of a case; without `headers` it must fail.
fn expected(case: &Value) -> Option<Vec<Field>> {
    let fields = case.get("headers")?.as_array().unwrap().iter();
    Some(
        fields
            .flat_map(|field| field.as_object().unwrap())
            .map(|(name, value)| (name.clone().into_bytes(), value.as_str().unwrap().into()))
            .collect(),
    )
}

fn run_story(path: &Path, story: &Value) -> usize {
    let mut decoder = Decoder::new(4096);
    let cases = story["cases"].as_array().unwrap();
    for (nth, case) in cases.iter().enumerate() {
        if let Some(size) = case.get("header_table_size").and_then(Value::as_u64) {
            decoder.set_max_table_size(size.try_into().unwrap());
        }
        let mut fields = Vec::new();
        let block = hex(case["wire"].as_str().unwrap());
        let result = decoder.decode(&block, 65_536, |name, value| {
            fields.push((name.to_vec(), value.to_vec()));
        });
        let at = format!("{} case {nth}", path.display());
        match expected(case) {
            Some(expected) => {
                assert_eq!(result, Ok(()), "{at}");
                assert_eq!(fields, expected, "{at}");
            }
            None => assert!(result.is_err(), "{at}"),
        }
    }
    cases.len()
}

#[test]
fn public_hpack_stories_decode() {
    let Some(folder) = public("hpack") else {
        return;
    };
    let stories = cases(&folder);
    assert!(stories.len() >= 100, "{} stories", stories.len());
    let blocks: usize = stories
        .iter()
        .map(|(path, story)| run_story(path, story))
        .sum();
    println!("{blocks} blocks of {} stories", stories.len());
}

#[test]
fn our_hpack_stories_decode_or_fail_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/hpack");
    let stories = cases(&folder);
    assert!(!stories.is_empty());
    for (path, story) in &stories {
        run_story(path, story);
    }
}

fn run_frame(path: &Path, case: &Value) {
    let wire = hex(case["wire"].as_str().unwrap());
    let (header, payload) = wire.split_first_chunk().unwrap();
    let header = FrameHeader::parse(header);
    assert_eq!(usize::try_from(header.length).unwrap(), payload.len());
    let result = header
        .check_size(16_384)
        .and_then(|()| Frame::parse(header, payload));
    let at = path.display();
    match (result, case["error"].as_array()) {
        (Ok(frame), None) => {
            assert_eq!(
                header.kind.octet(),
                case["frame"]["type"].as_u64().unwrap() as u8,
                "{at}"
            );
            assert_eq!(
                u64::from(header.stream_id),
                case["frame"]["stream_identifier"].as_u64().unwrap(),
                "{at}"
            );
            check_payload(&at.to_string(), &frame, &case["frame"]["frame_payload"]);
            check_encoding(&at.to_string(), &frame, &wire);
        }
        (Err(error), Some(codes)) => {
            let code = Value::from(error.code.0);
            assert!(codes.contains(&code), "{at}: {error} {:?}", error.scope);
            if let Some(scope) = case["scope"].as_str() {
                assert_eq!(format!("{:?}", error.scope).to_lowercase(), scope, "{at}");
            }
        }
        (result, expected) => panic!("{at}: {result:?} against {expected:?}"),
    }
}

fn check_payload(at: &str, frame: &Frame<'_>, payload: &Value) {
    let text = |field: &str| payload[field].as_str().unwrap().as_bytes();
    let number = |field: &str| payload[field].as_u64().unwrap() as u32;
    match frame {
        Frame::Data(data) => assert_eq!(data.data, text("data"), "{at}"),
        Frame::Headers(headers) => {
            assert_eq!(headers.fragment, text("header_block_fragment"), "{at}");
        }
        Frame::Continuation(more) => {
            assert_eq!(more.fragment, text("header_block_fragment"), "{at}");
        }
        Frame::PushPromise(push) => {
            assert_eq!(push.promised_id, number("promised_stream_id"), "{at}");
            assert_eq!(push.fragment, text("header_block_fragment"), "{at}");
        }
        Frame::Priority(priority) => {
            assert_eq!(priority.dependency, number("stream_dependency"), "{at}");
            assert_eq!(
                priority.exclusive,
                payload["exclusive"].as_bool().unwrap(),
                "{at}"
            );
            assert_eq!(u32::from(priority.weight) + 1, number("weight"), "{at}");
        }
        Frame::RstStream(reset) => assert_eq!(reset.code.0, number("error_code"), "{at}"),
        Frame::Settings(settings) => {
            let entries: Vec<Value> = settings
                .iter()
                .map(|(id, value)| vec![u32::from(id), value].into())
                .collect();
            assert_eq!(Value::from(entries), payload["settings"], "{at}");
        }
        Frame::Ping(ping) => assert_eq!(ping.opaque, text("opaque_data"), "{at}"),
        Frame::GoAway(goaway) => {
            assert_eq!(goaway.last_stream_id, number("last_stream_id"), "{at}");
            assert_eq!(goaway.code.0, number("error_code"), "{at}");
            assert_eq!(goaway.debug, text("additional_debug_data"), "{at}");
        }
        Frame::WindowUpdate(update) => {
            assert_eq!(update.increment, number("window_size_increment"), "{at}");
        }
        Frame::Unknown(_) => {}
    }
}

/// Encodes the frame again: the same octets, unless there was padding or priority, or the kind is unknown.
fn check_encoding(at: &str, frame: &Frame<'_>, wire: &[u8]) {
    let mut out = Vec::new();
    frame.encode(&mut out);
    if matches!(frame, Frame::Unknown(_)) {
        assert!(out.is_empty(), "{at}");
        return;
    }
    let is_stripped = matches!(
        frame,
        Frame::Data(_) | Frame::Headers(_) | Frame::PushPromise(_)
    ) && wire[4] & 0x28 != 0;
    if is_stripped {
        let (header, payload) = out.split_first_chunk().unwrap();
        let again = Frame::parse(FrameHeader::parse(header), payload);
        match (frame, again) {
            (Frame::Data(before), Ok(Frame::Data(after))) => assert_eq!(before.data, after.data),
            (before, after) => assert_eq!(after, Ok(*before), "{at}"),
        }
    } else {
        assert_eq!(out, wire, "{at}");
    }
}

#[test]
fn public_frame_cases_parse_or_fail_as_they_say() {
    let Some(folder) = public("http2-frame") else {
        return;
    };
    let cases = cases(&folder);
    assert!(cases.len() >= 17, "{} cases", cases.len());
    for (path, case) in &cases {
        run_frame(path, case);
    }
}

#[test]
fn our_frame_cases_parse_or_fail_as_they_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/frames.json");
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for case in &cases {
        run_frame(Path::new(case["description"].as_str().unwrap()), case);
    }
}
