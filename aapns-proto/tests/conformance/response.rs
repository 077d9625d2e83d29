//! Response validation (RFC 9113 §8).

use aapns_proto::frame::ErrorCode;
use aapns_proto::{Cause, Delivery, Event, Fields, Head, Job, Method, Request};

use crate::peer::*;

/// HEADERS that end stream 1.
fn last(fields: &[(&str, &str)]) -> Vec<u8> {
    headers(1, END_HEADERS | END_STREAM, &block(fields))
}

stream_errors! {
    /// §8.3.2: no `:status` → SE PROTOCOL_ERROR, Unknown
    a_response_without_status_is_malformed:
        PROTOCOL_ERROR after last(&[("a", "b")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.3: `:status` twice → SE PROTOCOL_ERROR, Unknown
    two_statuses_are_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), (":status", "200")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.3.2: `:status` that isn't three digits → SE PROTOCOL_ERROR, Unknown
    a_status_of_two_digits_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "20")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.3: another pseudo-field → SE PROTOCOL_ERROR, Unknown
    a_request_pseudo_field_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), (":path", "/")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.3: a pseudo-field after a regular one → SE PROTOCOL_ERROR, Unknown
    a_pseudo_field_after_a_regular_one_is_malformed:
        PROTOCOL_ERROR after last(&[("a", "b"), (":status", "200")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.2.1: an upper-case name → SE PROTOCOL_ERROR, Unknown
    an_upper_case_name_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("Apns-Id", "x")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.2.1: an empty name → SE PROTOCOL_ERROR, Unknown
    an_empty_name_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("", "x")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.2.1: a value with NUL, CR, LF → SE PROTOCOL_ERROR, Unknown
    a_value_with_a_line_break_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("a", "b\r\nc: d")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.2.1: a value with white space at an end → SE PROTOCOL_ERROR, Unknown
    a_value_with_an_edge_space_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("a", "b ")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.2.2: a connection-specific field → SE PROTOCOL_ERROR, Unknown
    a_connection_specific_field_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("connection", "close")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.1: an interim response with END_STREAM → SE PROTOCOL_ERROR, Unknown
    an_interim_response_that_ends_the_stream_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "100")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.6: status 101 → SE PROTOCOL_ERROR, Unknown
    status_101_is_malformed:
        PROTOCOL_ERROR after response(&[(":status", "101")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.1: DATA before the final HEADERS → SE PROTOCOL_ERROR, Unknown
    data_before_the_final_headers_is_malformed:
        PROTOCOL_ERROR after [response(&[(":status", "103")]), data(1, 0, b"x")].concat(),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.1: trailers without END_STREAM → SE PROTOCOL_ERROR, answered by the head
    trailers_that_do_not_end_the_stream_are_malformed:
        PROTOCOL_ERROR after [response(&[(":status", "200")]), response(&[("a", "b")])].concat(),
        tells (Told::Cut(1, 200));
    /// §8.1: trailers with a pseudo-field → SE PROTOCOL_ERROR, answered by the head
    trailers_with_a_pseudo_field_are_malformed:
        PROTOCOL_ERROR after [response(&[(":status", "200")]), last(&[(":status", "200")])].concat(),
        tells (Told::Cut(1, 200));
    /// §8.1.1: a body shorter than `content-length` → SE PROTOCOL_ERROR, answered by the head
    a_body_shorter_than_content_length_is_malformed:
        PROTOCOL_ERROR after [
            response(&[(":status", "400"), ("content-length", "5")]),
            data(1, END_STREAM, b"four"),
        ].concat(),
        tells (Told::Cut(1, 400));
    /// §8.1.1: a body longer than `content-length` → SE PROTOCOL_ERROR, answered by the head
    a_body_longer_than_content_length_is_malformed:
        PROTOCOL_ERROR after [
            response(&[(":status", "400"), ("content-length", "3")]),
            data(1, END_STREAM, b"four"),
        ].concat(),
        tells (Told::Cut(1, 400));
    /// §8.1.1: no body though `content-length` isn't 0 → SE PROTOCOL_ERROR, answered by the head
    a_missing_body_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "400"), ("content-length", "3")]),
        tells (Told::Cut(1, 400));
    /// §8.1.1: `content-length` that isn't a number → SE PROTOCOL_ERROR, Unknown
    a_content_length_that_is_no_number_is_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("content-length", "many")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// §8.1.1: two different `content-length` → SE PROTOCOL_ERROR, Unknown
    two_content_lengths_are_malformed:
        PROTOCOL_ERROR after last(&[(":status", "200"), ("content-length", "1"), ("content-length", "2")]),
        tells (Told::Returned(1, Delivery::Unknown, Cause::MalformedResponse(_)));
    /// RFC 9110 §15.3.5: 204 with DATA → SE PROTOCOL_ERROR, answered by the head
    a_204_with_a_body_is_malformed:
        PROTOCOL_ERROR after [response(&[(":status", "204")]), data(1, END_STREAM, b"x")].concat(),
        tells (Told::Cut(1, 204));
}

tolerated! {
    /// §8.1: interim responses → skipped
    interim_responses_are_skipped:
        [response(&[(":status", "100")]), response(&[(":status", "103"), ("link", "x")])].concat();
}

fn answer(peer: &mut Peer) -> (u32, aapns_proto::Response) {
    match peer.connection.poll_event() {
        Some(Event::Answered(job, response)) => (job.tag, response),
        other => panic!("no answer: {other:?}"),
    }
}

/// FACTS §12: status, apns-id and body → in the response
#[test]
fn an_error_answer_has_its_status_ids_fields_and_body() {
    let mut peer = Peer::busy(1);
    peer.says(response(&[
        (":status", "410"),
        ("apns-id", "01234567-89AB-CDEF-0123-456789ABCDEF"),
        ("content-type", "application/json"),
    ]));
    peer.says(data(1, 0, b"{\"reason\":"));
    peer.says(data(1, END_STREAM, b"\"Unregistered\"}"));
    let (tag, response) = answer(&mut peer);
    assert_eq!((tag, response.status), (1, 410));
    assert!(response.apns_id.is_some());
    assert_eq!(
        response.fields.get("content-type"),
        Some(&b"application/json"[..])
    );
    assert_eq!(&response.body[..], b"{\"reason\":\"Unregistered\"}");
    assert!(!response.is_truncated);
}

/// §8.1: trailers → the response is complete
#[test]
fn trailers_end_a_response() {
    let mut peer = Peer::busy(1);
    peer.says(response(&[(":status", "200"), ("content-length", "2")]));
    peer.says(data(1, PADDED, &[1, b'h', b'i', 0]));
    peer.says(last(&[("grpc-status", "0")]));
    let (_, response) = answer(&mut peer);
    assert_eq!(&response.body[..], b"hi");
}

/// §8.1: DATA after trailers → the stream is closed: tolerated
#[test]
fn data_after_trailers_is_tolerated() {
    let mut peer = Peer::busy(2);
    peer.says(response(&[(":status", "200")]))
        .says(last(&[("a", "b")]));
    peer.says(data(1, END_STREAM, b"late"));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
    peer.assert_answers(3, 2);
}

/// §8.1.1: content-length of HEAD, 204, 304 → not checked
#[test]
fn content_length_is_not_checked_where_there_is_no_body() {
    let mut peer = Peer::ready();
    let head = Head::new(Method::new("HEAD").unwrap(), Fields::new());
    let request = Request::new(head, "/", "").unwrap();
    peer.starts_job(Job::new(request, 1));
    peer.hears();
    peer.says(last(&[(":status", "200"), ("content-length", "77")]));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);

    let mut peer = Peer::busy(1);
    peer.says(last(&[(":status", "304"), ("content-length", "77")]));
    assert_eq!(peer.tells(), [Told::Answered(1, 304)]);
}

/// FACTS §23: a status other than 200 with an empty body → legal
#[test]
fn an_error_without_a_body_is_an_answer() {
    let mut peer = Peer::busy(1);
    peer.says(last(&[(":status", "503")]));
    assert_eq!(peer.tells(), [Told::Answered(1, 503)]);
}

/// FACTS §25: more than 32 interim responses on a stream → CE ENHANCE_YOUR_CALM
#[test]
fn a_flood_of_interim_responses_is_too_much() {
    let mut peer = Peer::busy(1);
    for _ in 0..32 {
        peer.says(response(&[(":status", "102")]));
    }
    assert_eq!(peer.tells(), []);
    peer.says(response(&[(":status", "102")]));
    peer.assert_connection_error(ErrorCode::ENHANCE_YOUR_CALM);
}

/// DESIGN §3: a body over the request's cap → RST CANCEL, answered, cut
#[test]
fn a_body_over_the_cap_is_cut() {
    let mut peer = Peer::ready();
    for tag in 1..=2 {
        peer.starts_job(Job::new(request("/", b"").with_response_limit(10), tag));
    }
    peer.hears();
    peer.says(response(&[(":status", "400")]))
        .says(data(1, 0, b"0123456789"));
    assert_eq!(peer.tells(), []);
    peer.says(data(1, END_STREAM, b"x"));
    assert_eq!(
        peer.assert_stream_error(ErrorCode::CANCEL),
        Told::Cut(1, 400)
    );
}
