//! The oracle is tested with variants of the core that are broken on purpose: each is caught within
//! a stated number of seeds.

use aapns_proto::mutants::Mutant;
use tests::world::World;

/// Seeds within which each must be caught: those that break a promise only if two rare things
/// coincide need the most.
const SEEDS: u64 = 100;

#[test]
fn every_broken_variant_of_the_core_is_caught() {
    let mut missed = Vec::new();
    for mutant in Mutant::ALL {
        let caught = World::catch(mutant, 0..SEEDS);
        println!("{mutant:?}: {caught:?}");
        if caught.is_none() {
            missed.push(mutant);
        }
    }
    assert!(missed.is_empty(), "{missed:?} were not caught");
    assert!(Mutant::ALL.len() >= 10);
}
