//! Timers, exactly at their moment (DESIGN §4, FACTS §26).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, ConnectionConfig, Delivery, RejectReason, Wakeup};

use crate::peer::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Peer {
    /// The opaque octets of the PING that goes out now, if one does.
    fn hears_ping(&mut self) -> Option<Vec<u8>> {
        let heard = self.hears();
        let ping = heard.iter().find(|f| f.kind == Kind::Ping && f.flags == 0);
        ping.map(|ping| ping.payload.clone())
    }

    /// Seconds pass, each with an answered PING and its ACK.
    fn keeps_alive(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.waits(s(1));
            self.answers_pings();
        }
    }
}

/// DESIGN §4: reading nothing → isn't hearing from the server
#[test]
fn a_read_of_nothing_is_no_sign_of_life() {
    let mut peer = Peer::busy(1);
    peer.waits(s(1));
    peer.connection.handle_read(peer.now, 0);
    peer.idles(s(1));
    assert!(peer.hears_ping().is_some());
}

/// DESIGN §4: any octet, of a frame that isn't complete too → the server is alive
#[test]
fn any_octet_is_a_sign_of_life() {
    let mut peer = Peer::busy(1);
    peer.waits(ms(1_500)).says([0]);
    peer.idles(ms(1_999));
    assert_eq!(peer.hears_ping(), None);
    peer.idles(ms(1));
    assert!(peer.hears_ping().is_some());
}

/// DESIGN §4: silence → counts from the first request on, and not anew from the next one
#[test]
fn silence_counts_from_the_first_request_in_flight() {
    let mut peer = Peer::ready();
    peer.idles(s(30));
    peer.starts(1);
    peer.hears();
    peer.idles(ms(1_500));
    assert_eq!(peer.hears_ping(), None);
    peer.starts(2);
    peer.idles(ms(499));
    assert_eq!(peer.hears_ping(), None);
    peer.idles(ms(1));
    assert!(peer.hears_ping().is_some());
}

/// DESIGN §4: an idle connection → no PING, and after 60 s no timer either
#[test]
fn an_idle_connection_needs_nobody() {
    let mut peer = Peer::ready();
    let idle_at = peer.now + s(60);
    assert_eq!(
        peer.connection.poll_timeout(),
        Some((idle_at, Wakeup::Health))
    );
    peer.idles(s(61));
    assert_eq!(peer.connection.poll_timeout(), None);
    assert_eq!(peer.hears(), []);
}

/// DESIGN §4: idleness that no timer told of → found by `start`
#[test]
fn idleness_is_found_by_the_first_use_too() {
    let mut peer = Peer::ready();
    peer.now += ms(59_999);
    peer.starts(1);
    peer.assert_request_goes(1);

    let mut peer = Peer::ready();
    peer.now += s(60);
    peer.starts(1);
    let [ping] = &peer.hears()[..] else {
        panic!("not a PING alone");
    };
    assert_eq!(ping.kind, Kind::Ping);
    assert!(peer.connection.is_probing());
}

/// DESIGN §4: idleness asked for again and again → stays idleness until an octet arrives
#[test]
fn idleness_ends_by_hearing_alone() {
    let mut peer = Peer::ready();
    peer.now += s(60);
    for _ in 0..3 {
        peer.connection.handle_timeout(peer.now);
        assert_eq!(peer.connection.credit().streams, 1);
    }
    peer.says([0]);
    assert!(peer.connection.credit().streams > 1);
    peer.connection.handle_timeout(peer.now);
    assert!(peer.connection.credit().streams > 1);
}

/// DESIGN §4: a request in flight for over 60 s → the connection isn't idle
#[test]
fn a_busy_connection_is_not_idle() {
    let mut peer = Peer::busy(1);
    peer.now += s(61);
    peer.connection.start(peer.now, job(2, b"")).unwrap();
    peer.assert_request_goes(3);
}

/// §6.7: each PING of ours → octets of its own; the ACK of an earlier one isn't its ACK
#[test]
fn the_ack_of_an_earlier_ping_is_not_that_of_the_present_one() {
    let mut peer = Peer::busy(1);
    peer.waits(s(2));
    let first = peer.hears_ping().unwrap();
    peer.says(ping(ACK, &first));
    peer.waits(s(2));
    let second = peer.hears_ping().unwrap();
    assert_ne!(first, second);
    peer.says(ping(ACK, &first));
    assert!(peer.connection.is_probing());
    peer.says(ping(ACK, &second));
    assert!(!peer.connection.is_probing());
}

/// DESIGN §4: a driver at most 250 ms late for the PING's end → the connection is dead; later → one more look
#[test]
fn a_driver_is_late_after_a_quarter_of_a_second() {
    let silent = || {
        let mut peer = Peer::busy(1);
        peer.waits(s(2)).hears();
        peer
    };
    let mut peer = silent();
    peer.waits(ms(5_250));
    assert!(matches!(peer.tells()[..], [_, Told::Closed(Some(_))]));

    let mut peer = silent();
    peer.waits(ms(5_251));
    assert_eq!(peer.tells(), []);
    peer.waits(ms(249));
    assert_eq!(peer.tells(), []);
    peer.waits(s(10));
    assert!(
        matches!(peer.tells()[..], [_, Told::Closed(Some(_))]),
        "late but once"
    );
}

/// DESIGN §4: no answer for 60 s → counts from the last answer, or other end of a request by the server
#[test]
fn every_answer_is_progress() {
    for end in [
        headers(1, END_HEADERS | END_STREAM, OK),
        rst_stream(1, ErrorCode::CANCEL),
    ] {
        let mut peer = Peer::busy(2);
        peer.keeps_alive(30);
        peer.says(end);
        assert_eq!(peer.tells().len(), 1);
        peer.keeps_alive(59);
        assert_eq!(peer.tells(), []);
        peer.keeps_alive(2);
        assert_eq!(peer.tells(), [Told::Draining]);
    }
}

/// DESIGN §4: no answer for 60 s → counts from the first request on
#[test]
fn progress_is_due_from_the_first_request_on() {
    let mut peer = Peer::ready();
    for _ in 0..40 {
        peer.waits(s(1)).says(ping(ACK, &[9; 8]));
    }
    peer.starts(1);
    peer.keeps_alive(59);
    assert_eq!(peer.tells(), []);
    peer.keeps_alive(2);
    assert_eq!(peer.tells(), [Told::Draining]);
    peer.keeps_alive(1);
    assert_eq!(peer.tells(), [], "drained once");
}

/// DESIGN §4: an ACK that comes when answers are overdue → they have 250 ms to come behind it
#[test]
fn answers_may_come_right_behind_a_late_ack() {
    let mut config = ConnectionConfig::default();
    config.progress_timeout = s(4);
    let mut peer = Peer::ready_with(&config, &[]);
    peer.starts(1);
    peer.hears();
    peer.waits(s(2));
    let opaque = peer.hears_ping().unwrap();
    peer.waits(s(3));
    assert_eq!(peer.tells(), [], "while a PING decides, nothing else does");
    peer.says(ping(ACK, &opaque));
    peer.idles(ms(249));
    assert_eq!(peer.tells(), []);
    peer.idles(ms(1));
    assert_eq!(peer.tells(), [Told::Draining]);
}

/// FACTS §20: a field block → due 10 s after its HEADERS, and not before
#[test]
fn a_field_block_is_due_after_ten_seconds() {
    let mut peer = Peer::busy(1);
    peer.waits(s(1)).says(headers(1, END_STREAM, OK));
    for _ in 0..8 {
        // An octet of the next frame's header each second: alive, and never complete.
        peer.waits(s(1)).says([0]);
    }
    peer.idles(ms(1_999));
    assert_eq!(peer.tells(), []);
    peer.idles(ms(1));
    let cause = Cause::Unresponsive("a field block was not completed");
    assert_eq!(
        peer.tells(),
        [
            Told::Returned(1, Delivery::Unknown, cause.clone()),
            Told::Closed(Some(cause)),
        ]
    );
    let goaway = peer.hears().pop().unwrap();
    assert_eq!(
        goaway.payload[4..],
        ErrorCode::ENHANCE_YOUR_CALM.0.to_be_bytes()
    );
}

/// §6.5.3: our SETTINGS → due for their ACK 10 s after the server's own, and not before
#[test]
fn the_ack_of_our_settings_is_due_after_ten_seconds() {
    let mut peer = Peer::silent();
    peer.hears();
    peer.waits(s(9)).says(settings(&[]));
    peer.idles(ms(9_999));
    assert_eq!(peer.tells(), []);
    assert_eq!(
        peer.connection.poll_timeout(),
        Some((peer.now + ms(1), Wakeup::Health))
    );
    peer.idles(ms(1));
    assert!(matches!(
        peer.tells()[..],
        [Told::Closed(Some(Cause::Unresponsive(_)))]
    ));
}

/// DESIGN §3: the hundred RST_STREAM of a second → a hundred more when the second is over
#[test]
fn the_resets_of_a_second_come_back_after_it() {
    let resets = |pause: Duration| {
        let mut peer = Peer::busy(220);
        for n in 0..200 {
            if n == 100 {
                peer.now += pause;
            }
            peer.says(headers(2 * n + 1, END_HEADERS | END_STREAM, &[]));
        }
        let heard = peer.hears();
        let resets = heard.iter().filter(|f| f.kind == Kind::RstStream).count();
        (resets, peer.connection.is_draining())
    };
    assert_eq!(resets(ms(999)), (100, true));
    assert_eq!(resets(s(1)), (200, false));
}

/// DESIGN §2: a deadline at the very moment of another timer → the deadline is the reason
#[test]
fn a_deadline_goes_before_a_timer_of_the_same_moment() {
    let mut peer = Peer::ready();
    let deadline = peer.now + s(2);
    peer.starts_job(job(1, b"{}").deadline(Some(deadline)));
    peer.hears();
    assert_eq!(
        peer.connection.poll_timeout(),
        Some((deadline, Wakeup::Deadline))
    );
}

/// DESIGN §2: `close` and GOAWAY → the drain's time counts from the first of them
#[test]
fn a_drain_is_not_prolonged() {
    let mut peer = Peer::busy(1);
    peer.connection.close(peer.now);
    assert_eq!(peer.tells(), [Told::Draining]);
    peer.keeps_alive(29);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b"{\"reason\":\"Shutdown\"}"));
    assert_eq!(peer.tells(), [Told::GoingAway(1, Some("Shutdown".into()))]);
    peer.idles(ms(999));
    assert_eq!(peer.tells(), []);
    peer.idles(ms(1));
    assert!(matches!(
        peer.tells()[..],
        [
            Told::Returned(1, Delivery::Unknown, Cause::GoAway(_)),
            Told::Closed(Some(Cause::GoAway(_)))
        ]
    ));
}

/// DESIGN §4: a request waits for a PING, and the connection drains → NotSent at once
#[test]
fn a_request_that_waits_for_a_ping_is_given_back_by_a_drain() {
    let parked = || {
        let mut peer = Peer::ready();
        peer.idles(s(60));
        peer.starts(1);
        peer.hears();
        peer
    };
    let mut peer = parked();
    peer.connection.close(peer.now);
    let told = [
        Told::Draining,
        Told::Returned(1, Delivery::NotSent, Cause::Closed),
        Told::Closed(None),
    ];
    assert_eq!(peer.tells(), told);

    let mut peer = parked();
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    assert!(matches!(
        peer.tells()[..],
        [
            Told::GoingAway(1, None),
            Told::Returned(1, Delivery::NotSent, Cause::GoAway(_)),
            Told::Closed(None)
        ]
    ));
}

/// DESIGN §4: a request waits for a PING on the last id, and the transport ends → drained well
#[test]
fn a_connection_that_drained_is_not_lost() {
    let mut config = ConnectionConfig::default();
    config.first_stream_id = 0x7fff_ffff - 2 * 1_024 - 2;
    let mut peer = Peer::ready_with(&config, &[]);
    peer.idles(s(60));
    peer.starts(1);
    peer.hangs_up();
    let told = [
        Told::Draining,
        Told::Returned(1, Delivery::NotSent, Cause::Closed),
        Told::Closed(None),
    ];
    assert_eq!(peer.tells(), told);

    let mut peer = Peer::ready();
    peer.hangs_up();
    assert!(matches!(
        peer.tells()[..],
        [Told::Closed(Some(Cause::ConnectionLost(_)))]
    ));
    assert_eq!(peer.refused(1), RejectReason::Closed);
}

impl Peer {
    /// The next output begins with a request on this stream.
    fn assert_request_goes(&mut self, id: u32) {
        let heard = self.hears();
        assert_eq!((heard[0].kind, heard[0].id), (Kind::Headers, id));
    }
}
