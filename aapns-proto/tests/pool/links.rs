//! Links that are replaced: how many at a time, how soon, and what is counted.

use std::time::Duration;

use aapns_proto::delivery::{DialStep, Disconnect};
use aapns_proto::{Cause, RejectReason};

use crate::net::{Net, dial_error, job};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_replacement_is_dialed_while_a_link_drains() {
    let mut net = Net::new(1, 1);
    net.submit(1);
    net.serve(0, |peer| peer.go_away(1));
    net.wait(SECOND / 10);
    assert_eq!((net.pool.stats().links, net.pool.stats().dials), (1, 2));
    net.submit(2);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (1, Ok(200)));
    net.answer();
    assert_eq!(net.outcome(), (2, Ok(200)));
}

#[test]
fn draining_links_are_at_most_as_many_as_there_may_be() {
    let mut net = Net::new(1, 1);
    for tag in 1..=2 {
        net.submit(tag);
        let at = net.ends.len() - 1;
        net.serve(at, |peer| peer.go_away(1));
        net.wait(SECOND / 10);
    }
    net.submit(3);
    net.wait(SECOND / 2);
    assert_eq!(net.pool.stats().dials, 2, "two drain already");
    net.serve(0, |peer| peer.answer());
    net.wait(SECOND / 2);
    assert_eq!(net.pool.stats().dials, 3);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.done.len(), 2);
}

#[test]
fn a_goaway_about_tokens_or_streams_delays_the_next_dial_and_another_does_not() {
    let streams = "Maximum active streams violated for this endpoint.";
    for (reason, dials) in [
        ("TooManyProviderTokenUpdates", 1),
        (streams, 1),
        ("Shutdown", 2),
    ] {
        let mut net = Net::new(1, 1);
        net.submit(1);
        net.answer();
        net.serve(0, |peer| peer.go_away_because(1, reason));
        assert_eq!(net.pool.stats().dials, dials, "{reason}");
        net.wait(SECOND / 10);
        assert_eq!(net.pool.stats().dials, 2);
    }
}

#[test]
fn a_dial_that_ends_late_is_ignored() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.wait(12 * SECOND);
    let late = net.dials.remove(0);
    assert!(net.pool.dialed(net.now, late, Some(b"h2")).is_err());
    net.pool.dial_failed(net.now, late, dial_error(true));
    net.run();
    assert_eq!(net.pool.stats().dial_failures, 1, "when it was overdue");
    let next = net.dials.remove(0);
    net.up(next);
    net.run();
    assert_eq!(net.pool.stats().links, 1);
}

/// A pool without a link, and one that was just admitted and ends like this.
fn stillborn(why: Disconnect) -> Net {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.wait(SECOND);
    let deadline = net.now + SECOND / 10;
    net.submit_job(job(7).deadline(Some(deadline)))
        .expect("room");
    let dial = net.dials.remove(0);
    let mut link = net
        .pool
        .dialed(net.now, dial, Some(b"h2"))
        .expect("in time");
    link.handle_disconnect(net.now, why);
    net.pool.link_closed(net.now, link);
    net.run();
    net
}

#[test]
fn a_link_that_dies_before_settings_is_a_failed_dial() {
    let mut net = stillborn(Disconnect::Eof);
    assert_eq!(net.pool.stats().dial_failures, 1);
    assert!(net.done.is_empty());
    net.wait(SECOND / 10);
    let (cause, _) = net.outcome().1.expect_err("no link");
    assert!(matches!(cause, Cause::Dial(error) if error.step == DialStep::Http2));
}

#[test]
fn an_alert_before_settings_opens_the_breaker() {
    let mut net = stillborn(Disconnect::Alert(42));
    let (cause, _) = net.outcome().1.expect_err("at once");
    assert!(matches!(cause, Cause::Dial(error) if error.is_fatal && error.step == DialStep::Tls));
}

#[test]
fn the_first_answer_ends_the_backoff_of_dials() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    for _ in 0..8 {
        while net.dials.is_empty() {
            net.wait(SECOND / 100);
        }
        net.fail_dial(false);
    }
    while net.dials.is_empty() {
        net.wait(SECOND / 100);
    }
    let dial = net.dials.remove(0);
    net.up(dial);
    net.run();
    net.submit(1);
    net.answer();
    assert_eq!(net.outcome(), (1, Ok(200)));
    net.cut(0);
    assert_eq!(net.dials.len(), 1, "at once");
}

#[test]
fn a_silent_link_is_left_within_seconds_and_its_request_resent() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.clog(0);
    net.wait(7 * SECOND + SECOND / 10);
    net.peer(0).open.clear();
    net.answer();
    assert!(net.done[0].possible_duplicate);
    assert_eq!(net.outcome(), (7, Ok(200)));
}

#[test]
fn a_link_near_its_last_stream_id_is_replaced_and_nothing_waits_for_it() {
    let mut net = Net::with(|config| {
        config.connection.first_stream_id = 0x7fff_ffff - 2 * 1_030;
        config.max_links = 1;
    });
    for tag in 0..30 {
        net.submit(tag);
        net.answer();
        assert_eq!(net.outcome(), (tag, Ok(200)));
    }
    let stats = net.pool.stats();
    assert!(stats.dials > 2 && stats.resent == 0, "{stats:?}");
}

#[test]
fn bodies_in_the_queue_are_bounded() {
    let mut net = Net::with(|config| config.max_queued_octets = 5);
    net.serve(0, |peer| peer.set_limit(0));
    net.submit(0);
    net.submit(1);
    assert_eq!(net.pool.stats().buffered, 4);
    let full = net.submit_job(job(2)).unwrap_err().reason;
    assert_eq!(full, RejectReason::Full);
    net.serve(0, |peer| peer.set_limit(1));
    assert_eq!(net.rooms.len(), 1);
    net.submit(3);
    assert_eq!(net.pool.stats().buffered, 4);
}
