//! Links that come and go: dials, the breaker, the number of links, and the end.

use std::time::Duration;

use aapns_proto::delivery::DialStep;
use aapns_proto::pool::{Auth, Close};
use aapns_proto::{Cause, Delivery, RejectReason};

use crate::net::{Net, dial_error, job};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn dials_that_fail_are_paced_and_are_the_cause_of_what_times_out_meanwhile() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    let deadline = net.now + SECOND;
    net.submit_job(job(7).deadline(Some(deadline))).unwrap();
    let mut dials = 0;
    for _ in 0..1_000 {
        net.wait(SECOND / 1_000);
        while !net.dials.is_empty() {
            dials += 1;
            net.fail_dial(false);
        }
    }
    assert!((4..10).contains(&dials), "{dials} dials in a second");
    let cause = Cause::Dial(dial_error(false));
    assert_eq!(net.outcome(), (7, Err((cause, Delivery::NotSent))));
}

#[test]
fn a_fatal_dial_ends_what_waits_at_once_until_the_credential_changes() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.submit(7);
    net.wait(SECOND);
    net.fail_dial(true);
    let failed = Err((Cause::Dial(dial_error(true)), Delivery::NotSent));
    assert_eq!(net.outcome(), (7, failed.clone()));
    net.submit(8);
    assert_eq!(net.outcome(), (8, failed));
    net.dials_itself = true;
    net.pool.set_credential(net.now, Auth::None);
    net.run();
    net.submit(9);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (9, Ok(200)));
}

#[test]
fn a_server_without_h2_opens_the_breaker() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.submit(7);
    net.wait(SECOND);
    let dial = net.dials.remove(0);
    assert!(net.pool.dialed(net.now, dial, None).is_err());
    net.run();
    let (_, result) = net.outcome();
    let (cause, _) = result.unwrap_err();
    assert!(matches!(cause, Cause::Dial(error) if error.step == DialStep::Tls && error.is_fatal));
}

#[test]
fn sixteen_answers_that_refuse_the_credential_open_the_breaker_and_a_good_one_closes_it() {
    let mut net = Net::new(1, 1);
    for tag in 0..16 {
        net.submit(tag);
        net.serve(0, |peer| peer.refuse(403, "InvalidProviderToken"));
        assert_eq!(net.outcome(), (tag, Ok(403)));
    }
    net.submit(16);
    let cause = Cause::Fatal("InvalidProviderToken".into());
    assert_eq!(net.outcome(), (16, Err((cause, Delivery::NotSent))));
    net.wait(SECOND);
    net.submit(17);
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (17, Ok(200)));
}

#[test]
fn a_backlog_without_credit_grows_the_pool_and_idleness_shrinks_it() {
    let mut net = Net::new(1, 3);
    net.serve(0, |peer| peer.set_limit(1));
    net.limit = 1;
    for tag in 0..10 {
        net.submit(tag);
    }
    assert_eq!(net.pool.stats().links, 1);
    net.wait(SECOND);
    assert_eq!(net.pool.stats().links, 3);
    assert_eq!(net.pool.stats().inflight, 3);
    for _ in 0..10 {
        for at in 0..3 {
            if !net.peer(at).open.is_empty() {
                net.serve(at, |peer| peer.answer());
            }
        }
    }
    assert_eq!(net.done.len(), 10);
    net.wait(700 * SECOND);
    assert_eq!(net.pool.stats().links, 1);
}

#[test]
fn a_link_that_gets_no_credit_is_replaced_while_work_waits() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(0));
    net.submit(7);
    net.wait(11 * SECOND);
    let open = net
        .ends
        .iter()
        .flatten()
        .find(|end| !end.peer.open.is_empty());
    assert!(
        open.is_some(),
        "the job waits for a link that takes nothing"
    );
}

#[test]
fn a_smaller_pool_drains_its_surplus_and_a_larger_one_dials() {
    let mut net = Net::new(2, 2);
    assert_eq!(net.pool.stats().links, 2);
    net.pool.resize(net.now, 1, 1);
    net.run();
    assert_eq!(net.pool.stats().links, 1);
    net.pool.resize(net.now, 4, 4);
    net.run();
    assert_eq!(net.pool.stats().links, 4);
}

#[test]
fn a_full_queue_gives_the_job_back_and_calls_when_there_is_room() {
    let mut net = Net::with(|config| config.max_queued = 2);
    net.serve(0, |peer| peer.set_limit(0));
    net.submit(0);
    net.submit(1);
    let rejected = net.submit_job(job(2)).unwrap_err();
    assert_eq!((rejected.reason, rejected.job.tag), (RejectReason::Full, 2));
    assert!(net.rooms.is_empty());
    net.serve(0, |peer| peer.set_limit(1));
    assert_eq!(net.rooms, [1]);
}

#[test]
fn a_drain_sends_what_waits_and_then_closes() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    net.submit(0);
    net.submit(1);
    let until = net.now + 10 * SECOND;
    net.pool.close(net.now, Close::Drain { until });
    net.run();
    let reason = net.submit_job(job(2)).unwrap_err().reason;
    assert_eq!(reason, RejectReason::Closed);
    for tag in 0..2 {
        net.serve(0, |peer| peer.answer());
        assert_eq!(net.outcome(), (tag, Ok(200)));
    }
    net.wait(SECOND);
    assert!(net.is_closed);
}

#[test]
fn an_abort_ends_everything_at_once_and_says_what_was_never_sent() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    net.submit(0);
    net.submit(1);
    net.pool.close(net.now, Close::Abort);
    net.run();
    assert!(net.is_closed);
    net.done.sort_by_key(|done| done.tag);
    let unsent = net.done.split_off(1);
    let (_, in_flight) = net.outcome();
    assert_eq!(in_flight.unwrap_err().1, Delivery::Unknown);
    net.done = unsent;
    let never = Err((Cause::Closed, Delivery::NotSent));
    assert_eq!(net.outcome(), (1, never));
}

#[test]
fn nothing_is_taken_while_the_token_is_missing_and_the_signer_is_the_cause() {
    let mut net = Net::with_token();
    let deadline = net.now + SECOND;
    net.submit_job(job(7).deadline(Some(deadline))).unwrap();
    let mint = net.mints.remove(0);
    let error = aapns_proto::pool::MintError("no key".into());
    net.pool.minted(net.now, SECOND, mint, Err(error));
    net.run();
    net.wait(2 * SECOND);
    let cause = Cause::Credential("no key".into());
    assert_eq!(net.outcome(), (7, Err((cause, Delivery::NotSent))));
}

#[test]
fn a_mint_that_never_answers_is_the_cause_and_is_made_anew() {
    let mut net = Net::with_token();
    let lost = net.mints.remove(0);
    let deadline = lost.deadline + SECOND / 10;
    net.submit_job(job(7).deadline(Some(deadline))).unwrap();
    net.wait(32 * SECOND);
    let (_, result) = net.outcome();
    assert!(matches!(
        result,
        Err((Cause::Credential(_), Delivery::NotSent))
    ));
    assert_eq!(net.mints.len(), 1);
    assert_ne!(net.mints[0].id, lost.id);
    net.submit(8);
    net.mint();
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (8, Ok(200)));
}

#[test]
fn what_expires_before_a_first_link_is_up_says_where_the_dial_hangs() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.wait(SECOND / 10);
    let expire = |net: &mut Net, tag| {
        let deadline = net.now + SECOND / 10;
        net.submit_job(job(tag).deadline(Some(deadline))).unwrap();
        net.wait(SECOND / 5);
        let (cause, delivery) = net.outcome().1.unwrap_err();
        assert_eq!(delivery, Delivery::NotSent);
        cause.to_string()
    };
    assert_eq!(expire(&mut net, 2), "connect: no answer yet");
    let dial = net.dials.remove(0);
    net.pool.dial_progress(dial, DialStep::Tls);
    assert_eq!(expire(&mut net, 3), "tls: no answer yet");
    let link = net.pool.dialed(net.now, dial, Some(b"h2")).unwrap();
    net.run();
    assert_eq!(expire(&mut net, 4), "http2: no SETTINGS yet");
    net.pool.link_closed(net.now, link);
}

#[test]
fn a_link_whose_socket_takes_nothing_is_replaced_though_nothing_is_in_flight() {
    let mut net = Net::new(1, 1);
    net.clog(0);
    let deadline = net.now + SECOND;
    net.submit_job(job(7).deadline(Some(deadline))).unwrap();
    net.wait(SECOND);
    assert_eq!(net.outcome(), (7, Err((Cause::Timeout, Delivery::Unknown))));
    net.submit(8);
    net.wait(11 * SECOND);
    net.serve(1, |peer| peer.answer());
    assert_eq!(net.outcome(), (8, Ok(200)));
}

#[test]
fn dials_that_a_resize_made_too_many_leave_no_link_too_many() {
    let mut net = Net::new(3, 3);
    net.dials_itself = false;
    net.pool.set_credential(net.now, Auth::None);
    net.run();
    net.pool.resize(net.now, 1, 1);
    for dial in std::mem::take(&mut net.dials) {
        net.up(dial);
    }
    net.run();
    assert_eq!(net.pool.stats().links, 1);
}

#[test]
fn a_link_that_recovers_while_its_replacement_is_dialed_is_not_one_too_many() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.serve(0, |peer| peer.set_limit(0));
    net.submit(7);
    net.wait(11 * SECOND);
    net.serve(0, |peer| peer.set_limit(1));
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (7, Ok(200)));
    let dial = net.dials.remove(0);
    net.up(dial);
    net.run();
    assert_eq!(net.pool.stats().links, 1);
}
