//! The oracle is tested with variants of the core that are broken on purpose: each is caught within
//! a stated number of seeds.

use aapns_proto::mutants::Mutant;
use tests::oracle::Rule;
use tests::world::{Setup, World};

/// The first seed that catches a mutant, and the rule that it broke.
fn first_catch(mutant: Mutant, seeds: u64) -> Option<(u64, Rule)> {
    (0..seeds).find_map(|seed| {
        let mut setup = Setup::seeded(seed);
        setup.pool.connection.mutant = Some(mutant);
        let report = World::run(setup);
        report.violation.map(|violation| (seed, violation.rule))
    })
}

#[test]
fn each() {
    for mutant in Mutant::ALL {
        println!("{mutant:?}: {:?}", first_catch(mutant, 3000));
    }
}
