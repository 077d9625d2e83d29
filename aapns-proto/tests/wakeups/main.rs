//! The wake-up protocol, by every interleaving of small worlds: nothing lost, no storm.
//!
//! The real [`Pool`](aapns_proto::Pool) and [`Link`](aapns_proto::Link)s, over memory. In each reachable
//! state in which everybody sleeps, either nothing waits or nothing may go; and at most one link at a
//! time is on its way because of a wake. A world can't be cloned, so each state is reached again by its
//! steps; states seen before are not gone on from.

mod driver;
mod peer;
mod steps;
mod world;

use std::collections::{BTreeSet, VecDeque};

use steps::{Setup, Step};
use world::World;

/// Explores every interleaving; the number of states, or the steps to a fault.
fn explore(setup: &Setup) -> Result<usize, String> {
    let mut seen = BTreeSet::new();
    let mut frontier = VecDeque::from([Vec::new()]);
    while let Some(path) = frontier.pop_front() {
        let world = replay(setup, &path);
        for step in world.steps() {
            let mut path = path.clone();
            path.push(step);
            let world = replay(setup, &path);
            if !seen.insert(world.hash()) {
                continue;
            }
            if let Some(fault) = world.fault() {
                return Err(format!("{fault}, after {path:?}"));
            }
            frontier.push_back(path);
        }
    }
    Ok(seen.len())
}

fn replay(setup: &Setup, path: &[Step]) -> World {
    let mut world = World::new(setup);
    for step in path {
        world.take(*step);
    }
    world
}

fn holds(setup: Setup) {
    match explore(&setup) {
        Ok(states) => println!("{states} states"),
        Err(fault) => panic!("{fault}"),
    }
}

fn fails(setup: Setup) {
    match explore(&setup) {
        Ok(states) => panic!("no fault in {states} states"),
        Err(fault) => println!("{fault}"),
    }
}

/// Submits and answers; two links of one stream each.
fn plain() -> Setup {
    Setup {
        submits: 4,
        answers: 2,
        ..Setup::default()
    }
}

/// Streams that the servers take back and allow again.
fn moving() -> Setup {
    Setup {
        limit_moves: 2,
        ..Setup::default()
    }
}

/// Links that die, and new ones in their slots.
fn dying() -> Setup {
    Setup {
        limit: 2,
        submits: 2,
        deaths: 1,
        cancels: 1,
        ..Setup::default()
    }
}

/// Links that give their jobs back, and go.
fn leaving() -> Setup {
    Setup {
        limit: 2,
        goaways: 1,
        cancels: 1,
        answers: 0,
        ..Setup::default()
    }
}

/// Sockets that take nothing for a while, with and without a wake on its way.
fn stalling() -> Setup {
    Setup {
        stalls: 2,
        ..Setup::default()
    }
}

/// Three links, of which two may be gone or without credit.
fn crowded() -> Setup {
    Setup {
        links: 3,
        submits: 2,
        limit_moves: 1,
        deaths: 1,
        answers: 0,
        ..Setup::default()
    }
}

#[test]
fn submits_and_answers_lose_no_wake() {
    holds(plain());
}

#[test]
fn limits_that_fall_and_rise_lose_no_wake() {
    holds(moving());
}

#[test]
fn links_that_die_lose_no_wake() {
    holds(dying());
}

#[test]
fn sockets_that_stall_and_flow_lose_no_wake() {
    holds(stalling());
}

#[test]
fn jobs_that_are_given_back_lose_no_wake() {
    holds(leaving());
}

#[test]
fn three_links_lose_no_wake() {
    holds(crowded());
}

#[test]
fn a_flag_read_before_the_waker_is_registered_is_found() {
    fails(Setup {
        reads_flag_first: true,
        ..plain()
    });
}

#[cfg(feature = "mutants")]
mod mutants {
    use super::*;
    use aapns_proto::mutants::Mutant;

    fn is_found(setup: Setup, mutant: Mutant) {
        fails(Setup {
            mutant: Some(mutant),
            ..setup
        });
    }

    #[test]
    fn an_exchange_that_leaves_work_behind_and_wakes_nobody_is_found() {
        is_found(leaving(), Mutant::NoBaton);
    }

    #[test]
    fn a_death_that_drops_the_baton_is_found() {
        is_found(dying(), Mutant::DeathDropsBaton);
    }

    #[test]
    fn a_woken_link_that_does_not_exchange_without_credit_is_found() {
        is_found(moving(), Mutant::NoExchangeWithoutCredit);
    }

    #[test]
    fn a_woken_link_that_does_not_exchange_while_its_socket_stalls_is_found() {
        is_found(stalling(), Mutant::NoExchangeWithoutCredit);
    }

    #[test]
    fn a_submit_that_wakes_nobody_is_found() {
        is_found(plain(), Mutant::SubmitWakesNobody);
    }

    #[test]
    fn a_lost_job_is_found() {
        is_found(leaving(), Mutant::LoseRefused);
    }
}
