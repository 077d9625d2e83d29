//! A fixed number of simulated worlds, each run twice: no promise broken, and the same trace both times.

use std::sync::atomic::{AtomicU64, Ordering};

use tests::world::World;

/// What CI affords; `simulate` runs any number.
const SEEDS: u64 = 1_000;

#[test]
fn every_seed_keeps_every_promise_and_runs_the_same_way_twice() {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        break;
                    }
                    let first = World::run_seed(seed, false);
                    if let Some(violation) = &first.violation {
                        panic!("seed {seed}: {violation}");
                    }
                    let second = World::run_seed(seed, false);
                    assert_eq!(first.hash, second.hash, "seed {seed} isn't deterministic");
                }
            });
        }
    });
}

#[test]
fn a_seed_is_no_toy() {
    let seeds = 300;
    let (mut requests, mut links, mut faults) = (0, 0, 0);
    for seed in 0..seeds {
        let report = World::run_seed(seed, false);
        requests += report.requests;
        links += report.links;
        faults += report
            .faults
            .iter()
            .map(|count| u64::from(*count))
            .sum::<u64>();
    }
    assert!(requests >= 50 * seeds, "{requests} requests");
    assert!(links >= 2 * seeds, "{links} connections");
    assert!(faults >= 5 * seeds, "{faults} faults");
}
