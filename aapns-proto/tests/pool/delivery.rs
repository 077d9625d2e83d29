//! What can have been processed, and what is sent again: each row of the table of deliveries.

use std::time::Duration;

use aapns_proto::{Cause, Delivery, Job, Policy};

use crate::net::{Net, job};

const SECOND: Duration = Duration::from_secs(1);

const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

fn careful(tag: u32) -> Job<u32> {
    job(tag).policy(Policy::AtMostOnce)
}

#[test]
fn a_refused_request_goes_out_again_after_a_pause_under_both_policies() {
    for policy in [Policy::AtLeastOnce, Policy::AtMostOnce] {
        let mut net = Net::new(1, 1);
        net.submit_job(job(7).policy(policy)).expect("room");
        net.serve(0, |peer| peer.reset(REFUSED_STREAM));
        assert!(net.is_quiet(), "a pause");
        net.wait(SECOND / 10);
        net.answer();
        assert_eq!(net.done[0].attempts, 2);
        assert!(!net.done[0].possible_duplicate);
        assert_eq!(net.outcome(), (7, Ok(200)));
    }
}

#[test]
fn refusals_in_a_row_are_ever_further_apart() {
    let mut net = Net::new(1, 1);
    net.submit_job(careful(7)).expect("room");
    let mut pauses = Vec::new();
    for _ in 0..12 {
        net.serve(0, |peer| peer.reset(REFUSED_STREAM));
        let begin = net.now;
        while net.is_quiet() {
            net.wait(Duration::from_millis(1));
        }
        pauses.push(net.now.saturating_since(begin));
    }
    assert!(pauses[0] <= Duration::from_millis(12), "{pauses:?}");
    assert!(
        pauses[11] >= 5 * SECOND && pauses[11] <= 31 * SECOND,
        "{pauses:?}"
    );
}

#[test]
fn a_reset_for_a_fault_of_ours_is_the_end() {
    // PROTOCOL_ERROR, FRAME_SIZE_ERROR, HTTP_1_1_REQUIRED.
    for code in [1, 6, 13] {
        let mut net = Net::new(1, 1);
        net.submit(7);
        net.serve(0, |peer| peer.reset(code));
        let (cause, delivery) = net.outcome().1.expect_err("no answer");
        assert!(matches!(cause, Cause::Reset(_)), "{cause}");
        assert_eq!(delivery, Delivery::Unknown);
    }
}

#[test]
fn any_other_reset_is_for_the_policy_to_judge() {
    let mut net = Net::new(1, 1);
    net.submit_job(careful(6)).expect("room");
    net.serve(0, |peer| peer.reset(INTERNAL_ERROR));
    let (_, delivery) = net.outcome().1.expect_err("no answer");
    assert_eq!(delivery, Delivery::Unknown);
    net.submit(7);
    net.serve(0, |peer| peer.reset(INTERNAL_ERROR));
    net.wait(SECOND / 10);
    net.answer();
    assert!(net.done[0].possible_duplicate);
    assert_eq!(net.outcome(), (7, Ok(200)));
}

#[test]
fn a_deadline_in_flight_is_unknown_and_frees_its_stream() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    let deadline = net.now + SECOND;
    net.submit_job(job(7).deadline(Some(deadline)))
        .expect("room");
    net.submit(8);
    net.wait(SECOND);
    assert_eq!(net.outcome(), (7, Err((Cause::Timeout, Delivery::Unknown))));
    net.peer(0).open.remove(0);
    net.answer();
    assert_eq!(net.outcome(), (8, Ok(200)));
    assert_eq!(net.pool.stats().resent, 0);
}

#[test]
fn the_fourth_unknown_attempt_is_the_last() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    for _ in 0..4 {
        assert!(net.done.is_empty());
        let at = net.busy();
        net.cut(at);
        net.wait(SECOND);
    }
    let (cause, delivery) = net.outcome().1.expect_err("no answer");
    assert!(matches!(cause, Cause::ConnectionLost(_)), "{cause}");
    assert_eq!((delivery, net.pool.stats().resent), (Delivery::Unknown, 3));
}

#[test]
fn an_answer_that_says_later_is_followed_by_a_retry_under_both_policies() {
    for (status, reason) in [
        (429, ""),
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ] {
        for policy in [Policy::AtLeastOnce, Policy::AtMostOnce] {
            let mut net = Net::new(1, 1);
            net.submit_job(job(7).policy(policy)).expect("room");
            net.serve(0, |peer| peer.refuse(status, reason));
            net.wait(Duration::from_millis(450));
            assert!(net.is_quiet(), "a pause after {status} {reason}");
            net.wait(SECOND);
            net.answer();
            assert!(!net.done[0].possible_duplicate);
            assert_eq!(net.outcome(), (7, Ok(200)));
        }
    }
}

#[test]
fn retry_after_is_obeyed_and_bounded() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.serve(0, |peer| peer.refuse_for(503, "", "5"));
    net.wait(5 * SECOND - SECOND / 10);
    assert!(net.is_quiet());
    net.wait(SECOND / 5);
    net.serve(0, |peer| peer.refuse_for(503, "", "999999999"));
    net.wait(899 * SECOND);
    assert!(net.is_quiet());
    net.wait(2 * SECOND);
    net.answer();
    assert_eq!(net.outcome(), (7, Ok(200)));
}

#[test]
fn an_answer_is_the_result_if_the_deadline_comes_while_its_retry_waits() {
    let mut net = Net::new(1, 1);
    let deadline = net.now + 5 * SECOND;
    net.submit_job(job(7).deadline(Some(deadline)))
        .expect("room");
    net.serve(0, |peer| peer.refuse(503, "ServiceUnavailable"));
    // The retry falls due in a second or so, and finds no link.
    net.dials_itself = false;
    net.cut(0);
    net.wait(4 * SECOND);
    assert!(net.done.is_empty());
    net.wait(SECOND);
    assert_eq!(net.outcome(), (7, Ok(503)));
}

#[test]
fn an_unknown_attempt_after_an_answer_is_the_result() {
    let mut net = Net::new(1, 1);
    net.submit_job(careful(7)).expect("room");
    net.serve(0, |peer| peer.refuse(503, "ServiceUnavailable"));
    net.wait(2 * SECOND);
    let at = net.busy();
    net.cut(at);
    let (_, delivery) = net.outcome().1.expect_err("no answer");
    assert_eq!(delivery, Delivery::Unknown);
}

#[test]
fn retries_go_ahead_of_what_was_never_tried() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    (1..=3).for_each(|tag| net.submit(tag));
    net.serve(0, |peer| peer.reset(REFUSED_STREAM));
    net.wait(SECOND / 10);
    for tag in [2, 1, 3] {
        net.answer();
        assert_eq!(net.outcome(), (tag, Ok(200)));
    }
}
