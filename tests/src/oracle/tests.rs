use super::*;
use aapns_proto::Response;

fn oracle(policy: Policy) -> Oracle {
    let mut oracle = Oracle::new(2, None);
    oracle.submitted(Time::ZERO, policy, Some(Time::from_millis(100)), 0);
    oracle
}

fn failed(delivery: Delivery) -> Done<()> {
    Done {
        tag: (),
        outcome: Outcome::Failed(Cause::Closed, delivery),
        attempts: 1,
        possible_duplicate: false,
    }
}

fn rule(oracle: &Oracle) -> Option<Rule> {
    oracle.violation().map(|violation| violation.rule)
}

#[test]
fn a_tag_that_comes_out_twice_is_a_violation() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    oracle.done(Time::ZERO, 0, &failed(Delivery::Unknown));
    assert_eq!(rule(&oracle), None);
    oracle.done(Time::ZERO, 0, &failed(Delivery::Unknown));
    assert_eq!(rule(&oracle), Some(Rule::OnlyOnce));
}

#[test]
fn not_sent_is_a_lie_once_the_server_has_the_whole_request() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    oracle.began(Time::ZERO, 0);
    oracle.completed(Time::ZERO, 0);
    oracle.done(Time::ZERO, 0, &failed(Delivery::NotSent));
    assert_eq!(rule(&oracle), Some(Rule::FalselyUnprocessed));
}

#[test]
fn not_sent_is_a_lie_too_if_the_request_arrives_afterwards() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    oracle.done(Time::ZERO, 0, &failed(Delivery::NotSent));
    assert_eq!(rule(&oracle), None);
    oracle.completed(Time::ZERO, 0);
    assert_eq!(rule(&oracle), Some(Rule::FalselyUnprocessed));
}

#[test]
fn refused_is_true_of_a_request_received_and_not_processed() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    oracle.began(Time::ZERO, 0);
    oracle.completed(Time::ZERO, 0);
    oracle.done(Time::ZERO, 0, &failed(Delivery::Refused));
    assert_eq!(rule(&oracle), None);
}

#[test]
fn at_most_once_processed_twice_is_a_violation_at_once() {
    let mut oracle = oracle(Policy::AtMostOnce);
    oracle.was_processed(Time::ZERO, 0);
    oracle.was_processed(Time::ZERO, 0);
    assert_eq!(rule(&oracle), Some(Rule::Twice));
}

#[test]
fn an_outcome_after_its_deadline_is_a_violation() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    oracle.done(Time::from_millis(106), 0, &failed(Delivery::Unknown));
    assert_eq!(rule(&oracle), Some(Rule::Deadline));
}

#[test]
fn an_answer_that_was_never_given_is_a_violation() {
    let mut oracle = oracle(Policy::AtLeastOnce);
    let mut response = Response::default();
    response.status = 200;
    let done = Done {
        outcome: Outcome::Answered(response),
        ..failed(Delivery::Unknown)
    };
    oracle.done(Time::ZERO, 0, &done);
    assert_eq!(rule(&oracle), Some(Rule::WrongAnswer));
}

#[test]
fn dials_in_a_tight_loop_are_a_storm_and_a_few_are_not() {
    let mut oracle = Oracle::new(1, None);
    (0..10).for_each(|n| oracle.dialed(Time::from_millis(n)));
    assert_eq!(rule(&oracle), None);
    (10..40).for_each(|n| oracle.dialed(Time::from_millis(n)));
    assert_eq!(rule(&oracle), Some(Rule::DialStorm));
}
