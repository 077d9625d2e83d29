//! How a pool ends, and that it stays so.

use std::time::Duration;

use aapns_proto::pool::{Auth, Close, ProviderToken};
use aapns_proto::{Cause, Delivery, Outcome, Policy, Time};

use crate::net::{Net, job};

/// Lets everything happen that is due already.
fn settle(net: &mut Net) {
    for _ in 0..100 {
        match net.pool.poll_timeout() {
            Some((at, _)) if at <= net.now => {
                net.pool.handle_timeout(net.now);
                net.run();
            }
            _ => return,
        }
    }
    panic!("time stands still");
}

fn closed(net: &mut Net) -> usize {
    let done = std::mem::take(&mut net.done);
    let is_closed =
        |outcome: &Outcome| matches!(outcome, Outcome::Failed(Cause::Closed, Delivery::NotSent));
    assert!(done.iter().all(|done| is_closed(&done.outcome)), "{done:?}");
    done.len()
}

#[test]
fn a_closed_pool_names_no_timer_and_wants_nothing_done() {
    let mut net = Net::with(|config| (config.auth, config.max_queued) = (Auth::Token, 1));
    net.submit(1);
    assert!(net.submit_job(job(2)).is_err());
    net.rooms.clear();
    let mint = net.mints.remove(0);
    net.pool.close(net.now, Close::Abort);
    net.run();
    assert!(net.is_closed);
    let offers = net.rooms.len();
    assert_eq!(net.pool.poll_timeout(), None);
    let unix = Duration::from_secs(1_800_000_000);
    let token = ProviderToken::new("x", unix);
    net.pool.minted(net.now, unix, mint, token);
    net.pool.set_credential(net.now, Auth::Token);
    net.pool.resize(net.now, 3, 3);
    net.pool.handle_timeout(Time::NEVER);
    net.pool.close(net.now, Close::Abort);
    assert!(net.submit_job(job(3)).is_err());
    assert!(net.pool.poll_action().is_none());
    assert_eq!(net.pool.poll_timeout(), None);
    assert_eq!(net.rooms.len(), offers);
}

#[test]
fn a_pool_that_closes_with_an_open_breaker_names_no_timer() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    net.wait(Duration::from_secs(1));
    net.fail_dial(true);
    assert!(net.pool.poll_timeout().is_some());
    net.pool.close(net.now, Close::Abort);
    net.run();
    assert!(net.is_closed);
    assert_eq!(net.pool.poll_timeout(), None);
}

#[test]
fn an_abort_of_a_long_queue_closes_as_soon_as_all_of_it_is_handed_back() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    (0..10_000).for_each(|tag| net.submit(tag));
    net.pool.close(net.now, Close::Abort);
    net.run();
    settle(&mut net);
    assert!(net.is_closed);
    assert_eq!(closed(&mut net), 10_000);
}

#[test]
fn a_drain_closes_when_the_last_job_that_waits_is_cancelled() {
    let mut net = Net::new(1, 1);
    net.dials_itself = false;
    net.cut(0);
    let ticket = net.submit_job(job(1)).expect("room");
    let until = net.now + Duration::from_secs(60);
    net.pool.close(net.now, Close::Drain { until });
    net.run();
    assert!(!net.is_closed);
    assert!(net.pool.cancel(ticket).is_some());
    net.run();
    settle(&mut net);
    assert!(net.is_closed);
}

#[test]
fn what_a_retired_link_leaves_unanswered_is_not_called_closed() {
    let mut net = Net::new(1, 1);
    let once = job(1).policy(Policy::AtMostOnce);
    net.submit_job(once).expect("room");
    net.pool.set_credential(net.now, Auth::None);
    net.run();
    net.wait(Duration::from_secs(31));
    let (tag, result) = net.outcome();
    let (cause, delivery) = result.expect_err("no answer");
    assert_eq!((tag, delivery), (1, Delivery::Unknown));
    assert!(matches!(cause, Cause::Unresponsive(_)), "{cause:?}");
}

#[test]
fn a_drain_starts_nothing_in_its_last_fifth_and_answers_still_come_in() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    (0..3).for_each(|tag| net.submit(tag));
    let until = net.now + Duration::from_secs(1);
    net.pool.close(net.now, Close::Drain { until });
    net.run();
    net.wait(Duration::from_millis(790));
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (0, Ok(200)));
    net.wait(Duration::from_millis(20));
    // The third one is handed back; the second is in flight and has a fifth of a second left.
    assert_eq!(net.outcome(), (2, Err((Cause::Closed, Delivery::NotSent))));
    net.wait(Duration::from_millis(180));
    net.serve(0, |peer| peer.answer());
    assert_eq!(net.outcome(), (1, Ok(200)));
    net.wait(Duration::from_millis(10));
    assert!(net.is_closed);
}

#[test]
fn an_exchange_ends_a_bounded_number_of_jobs_that_are_too_late() {
    let mut net = Net::new(1, 1);
    let deadline = net.now + Duration::from_secs(1);
    for tag in 0..5_000 {
        let late = job(tag).deadline(Some(deadline));
        let _ = net.pool.submit(net.now, late).expect("room");
    }
    net.now = deadline + Duration::from_secs(1);
    let ended: Vec<usize> = (0..6).map(|_| net.exchange(0)).collect();
    assert_eq!(ended, [1_024, 1_024, 1_024, 1_024, 904, 0]);
}

/// A request in flight is answered 40 seconds into a drain of two minutes.
fn drain_for_long(net: &mut Net) {
    let until = net.now + Duration::from_secs(120);
    net.pool.close(net.now, Close::Drain { until });
    net.run();
    net.wait(Duration::from_secs(40));
    net.answer();
    assert!(matches!(net.outcome(), (1, Ok(200))));
    assert!(net.is_closed);
}

#[test]
fn a_drain_waits_for_answers_as_long_as_it_was_told() {
    let mut net = Net::new(1, 1);
    net.submit(1);
    drain_for_long(&mut net);
}

#[test]
fn what_has_no_answer_at_the_end_of_a_long_drain_is_told_that_the_pool_was_closed() {
    let mut net = Net::new(1, 1);
    let _ = net.submit_job(job(1).policy(Policy::AtMostOnce));
    net.run();
    let until = net.now + Duration::from_secs(40);
    net.pool.close(net.now, Close::Drain { until });
    net.run();
    net.wait(Duration::from_secs(41));
    let outcome = net.outcome();
    assert_eq!(outcome, (1, Err((Cause::Closed, Delivery::Unknown))));
}

#[test]
fn a_drain_gives_its_time_to_links_that_were_retired_before_it_too() {
    let mut net = Net::new(1, 1);
    net.submit(1);
    net.pool.set_credential(net.now, Auth::None);
    net.run();
    net.wait(Duration::from_secs(10));
    drain_for_long(&mut net);
}
