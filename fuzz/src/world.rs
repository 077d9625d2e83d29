//! A simulated world: a pool, a fake APNs and a network, in which the octets say what goes wrong and when.

use tests::world::{Setup, World};

/// Seed, kinds of faults, what the world is like, and when faults strike; what no octet decides, the
/// seed does. Every promise of the simulation is kept, and a second run goes the same way.
///
/// # Panics
/// On a finding.
pub fn world(data: &[u8]) {
    let first = World::run(Setup::of_octets(data));
    if let Some(violation) = &first.violation {
        panic!("{violation}");
    }
    let second = World::run(Setup::of_octets(data));
    assert_eq!(first.hash, second.hash, "a world isn't deterministic");
}
