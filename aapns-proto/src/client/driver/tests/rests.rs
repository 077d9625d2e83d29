//! When the socket is left unread for a moment.

use super::*;

/// Lets answers come one at a time, 0.1 ms apart, until the driver rests: 1,000 in flight take 0.1 s each.
fn rested(work: usize) -> World {
    let mut world = World::new(work, |_| {});
    world.driver.machine.wire.in_flight = 1_000;
    world.poll();
    while world.driver.pace.rest_until().is_none() {
        world.pass(100_000);
        world.driver.transport.reads.push_back(Ok(vec![0]));
        let (log, woke, _) = world.poll();
        assert_eq!(log[0], "read 1");
        assert!(!woke);
    }
    world
}

#[test]
fn answers_that_trickle_are_left_to_gather() {
    let mut world = rested(0);
    for _ in 0..9 {
        world.pass(100_000);
        world.driver.transport.reads.push_back(Ok(vec![0]));
        let (log, woke, _) = world.poll();
        assert_eq!(log, [""; 0], "not even a turn, whatever wakes it");
        assert!(!woke);
    }
    world.pass(100_000);
    let (log, _, _) = world.poll();
    assert_eq!(log[..8], ["read 1"; 8]);
}

#[test]
fn a_rest_holds_up_no_request() {
    let mut world = rested(3);
    world.driver.transport.reads.push_back(Ok(vec![0]));
    world.driver.bell.ring();
    assert_eq!(world.poll(), (vec!["wake".into()], true, false));
    world.driver.machine.wire.due = Some((Time::ZERO, Wakeup::Now));
    assert_eq!(world.poll().0, ["timeout", "take", "write 3", "flush"]);
}

#[test]
fn what_came_before_a_timeout_is_read_before_it_even_in_a_rest() {
    let mut world = rested(3);
    let due = world.runtime.now() + Duration::from_micros(50);
    world.driver.machine.wire.due = Some((due, Wakeup::Deadline));
    assert_eq!(world.poll().0, [""; 0]);
    world.driver.transport.reads.push_back(Ok(vec![0]));
    world.pass(50_000);
    let (log, _, _) = world.poll();
    assert_eq!(log, ["read 1", "timeout", "take", "write 3", "flush"]);
}

#[test]
fn there_is_no_rest_while_a_body_waits_for_a_window() {
    let mut world = rested(0);
    world.driver.machine.wire.has_waiting_bodies = true;
    world.pass(1_000_000);
    for _ in 0..100 {
        world.driver.transport.reads.push_back(Ok(vec![0]));
        assert_eq!(world.poll().0[0], "read 1");
        world.pass(100_000);
    }
}

#[test]
fn a_rest_does_not_hide_that_the_transport_takes_more() {
    let mut world = rested(3);
    world.driver.transport.writes.push_back(Poll::Pending);
    world.driver.bell.ring();
    world.poll();
    assert_eq!(world.poll().0, ["take"]);
    let (log, woke, _) = world.poll();
    assert_eq!(log, ["may not take", "write 3", "flush"]);
    assert!(woke);
    assert_eq!(world.poll().0, ["take", "write 3", "flush"]);
}
