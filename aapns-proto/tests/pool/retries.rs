//! Attempts that came to nothing, and what follows.

use std::time::Duration;

use aapns_proto::{Cause, Delivery, Policy};

use crate::net::{Net, job};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_answer_is_the_end_and_is_counted() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    assert_eq!(net.pool.stats().inflight, 1);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (7, Ok(200)));
    let stats = net.pool.stats();
    assert_eq!((stats.completed, stats.inflight, stats.links), (1, 0, 1));
}

#[test]
fn a_job_above_a_goaway_goes_out_on_the_next_link_without_delay() {
    let mut net = Net::new(1, 1);
    net.submit(6);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (6, Ok(200)));
    let careful = job(7).policy(Policy::AtMostOnce);
    net.submit_job(careful).unwrap();
    net.serve(0, |peer| peer.go_away(1));
    let at = net.now;
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (7, Ok(200)));
    assert_eq!((net.now, net.pool.stats().goaways), (at, 1));
}

#[test]
fn a_lost_link_is_the_end_under_at_most_once() {
    let mut net = Net::new(1, 1);
    let careful = job(7).policy(Policy::AtMostOnce);
    net.submit_job(careful).unwrap();
    net.cut(0);
    let (tag, result) = net.outcome();
    let (cause, delivery) = result.unwrap_err();
    assert!(matches!(cause, Cause::ConnectionLost(_)));
    assert_eq!((tag, delivery), (7, Delivery::Unknown));
}

#[test]
fn a_lost_link_is_followed_by_a_resend_that_is_flagged_under_at_least_once() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.cut(0);
    net.wait(SECOND);
    net.serve(0, |peer| peer.answer());
    let done = net.done.pop().unwrap();
    assert!(done.possible_duplicate);
    assert_eq!(done.attempts, 2);
    let stats = net.pool.stats();
    assert_eq!((stats.resent, stats.possible_duplicates), (1, 1));
}

#[test]
fn an_expired_token_is_renewed_once_and_the_request_sent_again_on_another_link() {
    let mut net = Net::with_token();
    net.submit(7);
    assert!(net.peer(0).open.is_empty(), "no token yet");
    net.mint();
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert!(net.mints[0].refused.is_some());
    net.mint();
    net.wait(SECOND);
    let at = net.ends.iter().position(Option::is_some).unwrap();
    net.serve(at, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert_eq!(
        net.outcome(),
        (7, Ok(403)),
        "no second renewal in 20 minutes"
    );
    assert!(net.mints.is_empty());
}

#[test]
fn shutdown_is_tried_at_once_on_another_link_and_then_after_a_pause() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.serve(0, |peer| peer.refuse(503, "Shutdown"));
    net.wait(SECOND / 4);
    let at = net.ends.iter().position(Option::is_some).unwrap();
    assert_eq!(net.peer(at).open.len(), 1);
    net.serve(at, |peer| peer.refuse(503, "Shutdown"));
    net.wait(SECOND / 4);
    let at = net.ends.iter().position(Option::is_some).unwrap();
    assert!(net.peer(at).open.is_empty());
    net.wait(SECOND);
    assert_eq!(net.peer(at).open.len(), 1);
}

#[test]
fn debug_shows_no_path_of_a_throttled_device() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.serve(0, |peer| peer.refuse(429, "TooManyRequests"));
    let shown = format!("{:?}", net.pool);
    assert!(shown.contains("Throttle(1 paths)"), "{shown}");
    // As text or as a list of octets.
    for path in ["/3/device", "47, 51, 47, 100"] {
        assert!(!shown.contains(path), "{shown}");
    }
}

#[test]
fn a_throttled_device_is_left_alone_and_others_are_not() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.serve(0, |peer| peer.refuse(429, "TooManyRequests"));
    let mut second = job(7);
    second.tag = 70;
    net.submit_job(second).unwrap();
    net.submit(8);
    assert_eq!(net.peer(0).open.len(), 1, "only the other device's");
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (8, Ok(200)));
    net.wait(SECOND);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (7, Ok(200)), "order is kept");
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (70, Ok(200)));
}

#[test]
fn an_answer_is_the_result_if_no_retry_can_start_before_the_deadline() {
    let mut net = Net::new(1, 1);
    let deadline = net.now + SECOND / 10;
    net.submit_job(job(7).deadline(Some(deadline))).unwrap();
    net.serve(0, |peer| peer.refuse(503, "ServiceUnavailable"));
    assert_eq!(net.outcome(), (7, Ok(503)));
}

#[test]
fn a_misdirected_request_is_tried_once_on_another_link_and_then_the_answer_is_the_result() {
    let mut net = Net::new(1, 1);
    let careful = job(7).policy(Policy::AtMostOnce);
    net.submit_job(careful).unwrap();
    net.serve(0, |peer| peer.refuse(421, ""));
    assert!(net.done.is_empty());
    net.wait(SECOND / 4);
    assert_eq!(net.pool.stats().dials, 2, "the link that answered drains");
    let at = net.ends.iter().position(Option::is_some).unwrap();
    net.serve(at, |peer| peer.refuse(421, ""));
    assert_eq!(net.outcome(), (7, Ok(421)));
    net.wait(SECOND / 4);
    assert_eq!(net.pool.stats().dials, 3);
    net.submit(8);
    let at = net.ends.iter().position(Option::is_some).unwrap();
    net.serve(at, |peer| peer.answer());
    assert_eq!(net.outcome(), (8, Ok(200)));
}

/// Links that die with one request each; how many died within `limit`.
fn lose_links(net: &mut Net, limit: Duration) -> u64 {
    let (begin, mut lost) = (net.now, 0);
    while net.now.saturating_since(begin) < limit {
        for at in 0..net.ends.len() {
            if net.ends[at].is_some() && !net.peer(at).open.is_empty() {
                lost += net.peer(at).open.len() as u64;
                net.serve(at, |peer| peer.go_away(0));
            }
        }
        net.wait(Duration::from_millis(1));
    }
    lost
}

#[test]
fn refusals_without_end_are_slowed_down_by_the_budget_and_nothing_fails() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1_000));
    net.limit = 1_000;
    for tag in 0..1_000 {
        net.submit(tag);
        net.serve(0, |peer| peer.answer());
    }
    assert_eq!(net.done.split_off(0).len(), 1_000);
    let deadline = net.now + 600 * SECOND;
    for tag in 0..1_000 {
        net.submit_job(job(tag).deadline(Some(deadline))).unwrap();
    }
    lose_links(&mut net, 60 * SECOND);
    let lost = lose_links(&mut net, 60 * SECOND);
    assert!(net.done.is_empty(), "the budget fails nobody");
    assert!(lost < 60 * 110, "{lost} refusals in a minute");
    for _ in 0..600 {
        for at in 0..net.ends.len() {
            while net.ends[at].is_some() && !net.peer(at).open.is_empty() {
                net.serve(at, |peer| peer.answer());
            }
        }
        net.wait(SECOND / 10);
    }
    assert_eq!(net.done.len(), 1_000, "and all goes out once it can");
}
