//! Provider tokens, their renewal, and credentials that change.

use std::time::Duration;

use aapns_proto::pool::Auth;
use aapns_proto::{Cause, Delivery};

use crate::net::{Net, job};
use crate::peer::Peer;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A pool that has its first token, and a link that gave an answer.
fn at_work() -> Net {
    let mut net = Net::with_token();
    net.mint();
    net.submit(0);
    net.answer();
    assert_eq!(net.outcome(), (0, Ok(200)));
    net
}

#[test]
fn a_token_is_renewed_at_50_minutes_serves_until_59_and_then_nothing_goes() {
    let mut net = at_work();
    net.wait(50 * MINUTE - SECOND);
    assert!(net.mints.is_empty());
    net.wait(2 * SECOND);
    assert_eq!(net.mints.len(), 1);
    net.wait(8 * MINUTE);
    net.submit(1);
    net.answer();
    assert_eq!(net.outcome(), (1, Ok(200)), "the old one serves");
    net.wait(2 * MINUTE);
    net.submit(2);
    assert!(net.is_quiet(), "an hour is over");
    // Mints that nobody answered were given up.
    net.mints.clear();
    while net.mints.is_empty() {
        net.wait(SECOND);
    }
    net.mint();
    net.answer();
    assert_eq!(net.outcome(), (2, Ok(200)));
}

#[test]
fn what_was_refused_with_an_older_token_is_just_sent_again() {
    let mut net = at_work();
    net.submit(1);
    net.submit(2);
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    net.mint();
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert!(net.mints.is_empty(), "no second renewal");
    net.wait(SECOND);
    net.answer();
    net.answer();
    assert_eq!(net.done.len(), 2);
    assert_eq!(net.pool.stats().completed, 3);
}

#[test]
fn too_many_token_updates_retire_the_link_and_not_the_token() {
    let mut net = at_work();
    net.submit(1);
    net.serve(0, |peer| peer.refuse(429, "TooManyProviderTokenUpdates"));
    assert!(net.mints.is_empty() && net.is_quiet());
    assert_eq!(net.pool.stats().dials, 1, "not at once");
    net.wait(2 * SECOND);
    assert_eq!(net.pool.stats().dials, 2, "another connection");
    net.answer();
    assert_eq!(net.outcome(), (1, Ok(200)));
    assert!(net.mints.is_empty());
}

#[test]
fn without_a_token_of_ours_an_expired_one_is_the_result() {
    let mut net = Net::new(1, 1);
    net.submit(7);
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert_eq!(net.outcome(), (7, Ok(403)));
}

#[test]
fn the_reason_in_a_second_goaway_counts_as_that_in_the_first() {
    let mut net = at_work();
    net.submit(1);
    net.serve(0, |peer| peer.go_away(0x7fff_ffff));
    assert!(net.mints.is_empty());
    net.serve(0, |peer| peer.go_away_because(3, "ExpiredProviderToken"));
    assert_eq!(net.mints.len(), 1);
    assert_eq!(net.pool.stats().goaways, 1, "one link was sent away");
    net.serve(0, Peer::answer);
    assert_eq!(net.outcome(), (1, Ok(200)));
}

#[test]
fn a_refused_token_that_is_given_again_makes_the_answer_the_result() {
    let mut net = at_work();
    net.submit(1);
    net.submit(2);
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    net.mint_again();
    // Sent before the mint, and after it.
    net.serve(0, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert_eq!(net.outcome(), (2, Ok(403)));
    let at = net.busy();
    net.serve(at, |peer| peer.refuse(403, "ExpiredProviderToken"));
    assert_eq!(net.outcome(), (1, Ok(403)));
    net.submit(3);
    net.answer();
    assert_eq!(net.outcome(), (3, Ok(200)), "the pool goes on");
    assert!(net.mints.is_empty());
}

#[test]
fn a_goaway_about_an_expired_token_renews_it() {
    let mut net = at_work();
    net.serve(0, |peer| peer.go_away_because(1, "ExpiredProviderToken"));
    assert_eq!(net.mints.len(), 1);
    assert!(net.mints[0].refused.is_some());
    net.mint();
    net.submit(1);
    net.answer();
    assert_eq!(net.outcome(), (1, Ok(200)));
}

#[test]
fn a_credential_that_changes_in_mid_run_loses_nothing() {
    let mut net = Net::new(1, 1);
    (0..3).for_each(|tag| net.submit(tag));
    net.pool.set_credential(net.now, Auth::None);
    net.run();
    net.submit(3);
    assert_eq!(net.pool.stats().dials, 2);
    for _ in 0..3 {
        net.serve(0, |peer| peer.answer());
    }
    net.answer();
    assert_eq!(net.pool.stats().completed, 4);
    assert_eq!(net.pool.stats().resent, 0);
}

#[test]
fn a_dial_and_a_mint_of_an_earlier_credential_count_no_more() {
    let mut net = Net::with_token();
    net.dials_itself = false;
    let old = net.mints[0].clone();
    net.cut(0);
    net.wait(SECOND);
    let dial = net.dials.remove(0);
    net.pool.set_credential(net.now, Auth::Token);
    net.run();
    assert!(net.pool.dialed(net.now, dial, Some(b"h2")).is_err());
    let next = net.dials.remove(0);
    assert!(next.credential > dial.credential);
    net.up(next);
    net.run();
    net.submit(7);
    assert_ne!(net.mints.last().map(|mint| mint.id), Some(old.id));
    net.mint();
    assert!(net.is_quiet(), "that was the old one's token");
    net.mint();
    net.answer();
    assert_eq!(net.outcome(), (7, Ok(200)));
}

#[test]
fn a_goaway_with_a_fatal_reason_opens_the_breaker() {
    let mut net = Net::new(1, 1);
    net.serve(0, |peer| peer.set_limit(1));
    net.submit(1);
    net.submit(2);
    net.serve(0, |peer| {
        peer.go_away_because(1, "BadCertificateEnvironment")
    });
    let cause = Cause::Fatal("BadCertificateEnvironment".into());
    assert_eq!(net.outcome(), (2, Err((cause, Delivery::NotSent))));
    net.serve(0, |peer| peer.answer());
    assert_eq!(
        net.outcome(),
        (1, Ok(200)),
        "the reason decides no delivery"
    );
    let dials = net.pool.stats().dials;
    net.wait(SECOND / 4);
    assert_eq!(net.pool.stats().dials, dials, "no dial while it is open");
    net.submit_job(job(3)).expect("room");
    assert!(net.outcome().1.is_err());
}
