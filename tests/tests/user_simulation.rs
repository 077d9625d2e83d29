//! The core's example of a user's own simulation holds, and its network really is as bad as it says.

#[allow(dead_code, reason = "the program around it is for its readers")]
#[path = "../../aapns-proto/examples/simulation.rs"]
mod simulation;

use std::collections::BTreeSet;

#[test]
fn every_campaign_keeps_its_books_and_all_fates_occur() {
    let mut fates = BTreeSet::new();
    for seed in 0..100 {
        let campaign = simulation::check(seed).expect("a campaign");
        assert_eq!(campaign.len(), 50);
        fates.extend(campaign.into_values());
    }
    assert_eq!(fates, BTreeSet::from(["again", "reached", "uncertain"]));
}
