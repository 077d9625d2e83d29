//! The fifteen pains that users of other clients report most (in the order of the project's list):
//! each is a world that shows that it can't happen here.

use std::time::Duration;

use aapns_proto::pool::Auth;
use aapns_proto::{Cause, Delivery, Outcome, Policy, Time};
use tests::callers::Caller;
use tests::fake::fate::{Fate, No};
use tests::fake::{Act, Scripted};
use tests::pipe::CAPACITY;
use tests::swarm::{Kind, Swarm};
use tests::world::{Accident, Mishap, Report, Setup, World};

const SECOND: Duration = Duration::from_secs(1);

fn caller(at: Duration, policy: Policy) -> Caller {
    Caller {
        at: Time::ZERO + at,
        patience: Some(SECOND * 60),
        leaves_after: None,
        policy,
        body: 200,
        device: 1,
        head: 0,
    }
}

/// So many callers, one each `every`.
fn callers(count: u32, every: Duration, policy: Policy) -> Vec<Caller> {
    (0..count)
        .map(|n| Caller {
            device: n,
            ..caller(every * n, policy)
        })
        .collect()
}

fn on_first(after: Duration, act: Act) -> Scripted {
    Scripted {
        conn: Some(0),
        after,
        act,
    }
}

#[track_caller]
fn run(setup: Setup) -> Report {
    let report = World::run(setup);
    if let Some(violation) = &report.violation {
        panic!("{violation}");
    }
    report
}

#[track_caller]
fn assert_all_accepted(report: &Report) {
    assert_eq!(
        report.outcomes.accepted, report.requests,
        "{}",
        report.outcomes
    );
}

/// How long the slowest took, of callers that all submitted at the begin.
fn slowest(report: &Report) -> Duration {
    let last = report.ends.iter().map(|end| end.at).max();
    last.unwrap_or_default().saturating_since(Time::ZERO)
}

#[test]
fn pain_1_goaway_neither_loses_nor_doubles_a_notification() {
    for (seed, in_two_steps) in (0..20).map(|seed| (seed, seed % 2 == 0)) {
        let mut setup = Setup::calm(seed);
        setup.callers = callers(300, Duration::from_micros(500), Policy::AtMostOnce);
        setup.habits.delay = (20_000, 80_000);
        let act = Act::GoAway {
            in_two_steps,
            leaves: false,
        };
        setup.habits.script = vec![on_first(Duration::from_millis(80), act)];
        let report = run(setup);
        assert_all_accepted(&report);
        assert_eq!(report.processed, 300);
    }
}

#[test]
fn pain_2_a_stuck_connection_is_found_out_within_seconds() {
    for act in [Act::Deafen, Act::Zombify] {
        let mut setup = Setup::calm(2);
        setup.pool.connection.progress_timeout = SECOND * 10;
        setup.pool.connection.drain_timeout = SECOND * 5;
        setup.callers = callers(100, Duration::from_millis(2), Policy::AtLeastOnce);
        setup.habits.script = vec![on_first(Duration::from_millis(100), act)];
        let report = run(setup);
        assert_all_accepted(&report);
        assert!(slowest(&report) < SECOND * 20, "{:?}", slowest(&report));
    }
}

#[test]
fn pain_3_the_first_push_after_a_nat_forgot_the_connection_succeeds_and_is_not_doubled() {
    let mut setup = Setup::calm(3);
    setup.callers = vec![
        caller(Duration::ZERO, Policy::AtMostOnce),
        caller(SECOND * 7_200, Policy::AtMostOnce),
    ];
    setup.accidents = vec![Accident {
        conn: 0,
        at: Time::ZERO + SECOND * 600,
        mishap: Mishap::BlackHole,
    }];
    let report = run(setup);
    assert_all_accepted(&report);
    assert_eq!((report.processed, report.links), (2, 2));
    let last = report.ends.last().map(|end| end.at).unwrap_or_default();
    assert!(last < Time::ZERO + SECOND * 7_215, "{last:?}");
}

#[test]
fn pain_4_the_token_is_minted_once_for_all_links_and_renewed_seldom() {
    let mut setup = Setup::calm(4);
    setup.pool.auth = Auth::Token;
    setup.pool.min_links = 4;
    setup.habits.wants_token = true;
    setup.habits.limit = 1;
    setup.habits.raised_limit = Some(100);
    // Three hours.
    setup.callers = callers(1_080, SECOND * 10, Policy::AtMostOnce);
    setup.faults_until = Time::ZERO + SECOND * 10_800;
    let report = run(setup);
    assert_all_accepted(&report);
    assert!((3..=5).contains(&report.mints), "{} tokens", report.mints);
}

#[test]
fn pain_5_the_queue_is_bounded_and_those_who_wait_get_their_turn() {
    let mut setup = Setup::calm(5);
    setup.pool.max_queued = 10;
    setup.habits.limit = 2;
    setup.callers = callers(500, Duration::ZERO, Policy::AtMostOnce);
    let report = run(setup);
    assert_all_accepted(&report);
    assert!(report.most_queued <= 10, "{} queued", report.most_queued);
}

#[test]
fn pain_6_a_burst_never_exceeds_what_the_server_allows() {
    let mut setup = Setup::calm(6);
    setup.habits.limit = 5;
    setup.habits.is_hasty = true;
    setup.callers = callers(2_000, Duration::ZERO, Policy::AtMostOnce);
    for n in 1..20 {
        let limit = if n % 2 == 0 { 5 } else { 1 };
        let script = Scripted {
            conn: None,
            after: Duration::from_millis(100) * n,
            act: Act::Limit(limit),
        };
        setup.habits.script.push(script);
    }
    let report = run(setup);
    assert_all_accepted(&report);
    assert_eq!(report.processed, 2_000);
}

#[test]
fn pain_7_nothing_hangs_whatever_goes_wrong() {
    let kinds = [
        Kind::Cut,
        Kind::Stall,
        Kind::Deaf,
        Kind::LateWake,
        Kind::LimitFalls,
        Kind::CallerLeaves,
        Kind::DriverDropped,
        Kind::NoAnswer,
    ];
    for seed in 0..50 {
        let mut setup = Setup::calm(seed);
        setup.swarm = Swarm::of(seed, &kinds);
        setup.faults_until = Time::ZERO + SECOND * 20;
        setup.pool.connection.progress_timeout = SECOND * 10;
        setup.callers = callers(100, Duration::from_millis(100), Policy::AtLeastOnce);
        setup.probes = 3;
        let report = run(setup);
        let ended = report.ends.len() as u64;
        assert_eq!(ended, report.requests);
    }
}

#[test]
fn pain_8_work_moves_to_other_links_when_a_stream_limit_collapses() {
    let mut setup = Setup::calm(8);
    setup.pool.min_links = 2;
    setup.habits.delay = (80_000, 80_000);
    setup.habits.limit = 100;
    setup.habits.script = vec![on_first(Duration::from_millis(200), Act::Limit(1))];
    setup.callers = callers(2_000, Duration::from_millis(1), Policy::AtMostOnce);
    let report = run(setup);
    assert_all_accepted(&report);
    let last = Time::ZERO + SECOND * 2;
    let slowest = report
        .ends
        .iter()
        .map(|end| end.at)
        .max()
        .unwrap_or_default();
    assert!(slowest < last + SECOND, "{slowest:?}");
}

#[test]
fn pain_9_a_server_that_is_down_is_not_stormed() {
    let mut setup = Setup::calm(9);
    setup.swarm = Swarm::of(9, &[Kind::DialFails]).certain();
    setup.faults_until = Time::ZERO + SECOND * 600;
    setup.callers = callers(50, SECOND, Policy::AtMostOnce);
    setup
        .callers
        .iter_mut()
        .for_each(|caller| caller.patience = None);
    let report = run(setup);
    assert_all_accepted(&report);
    assert!((10..=120).contains(&report.dials), "{} dials", report.dials);
}

#[test]
fn pain_10_at_most_once_is_never_processed_twice() {
    let kinds = [
        Kind::Cut,
        Kind::Reset,
        Kind::Refused,
        Kind::GoAwayLeaves,
        Kind::WriteFails,
    ];
    let mut unknown = 0;
    for seed in 0..100 {
        let mut setup = Setup::calm(seed);
        setup.swarm = Swarm::of(seed, &kinds);
        setup.faults_until = Time::ZERO + SECOND * 10;
        setup.callers = callers(100, Duration::from_millis(50), Policy::AtMostOnce);
        let report = run(setup);
        assert!(report.processed <= report.requests);
        assert_eq!(report.outcomes.possible_duplicates, 0);
        unknown += report.outcomes.unknown;
    }
    assert!(
        unknown > 0,
        "no request's fate was ever unknown: this test tests nothing"
    );
}

#[test]
fn pain_11_large_payloads_over_distance_wait_for_the_window_and_not_for_each_other() {
    let mut setup = Setup::calm(11);
    setup.pool.max_links = 1;
    setup.net.latency = (50_000, 50_000);
    setup.net.capacity = 16 * CAPACITY;
    setup.habits.extra_window = 4 * 1024 * 1024;
    setup.habits.delay = (1_000, 1_000);
    setup.callers = callers(800, Duration::ZERO, Policy::AtMostOnce);
    setup
        .callers
        .iter_mut()
        .for_each(|caller| caller.body = 4_096);
    let report = run(setup);
    assert_all_accepted(&report);
    // One by one it would be 80 s, by windows of 65,535 octets 5 s.
    assert!(slowest(&report) < SECOND, "{:?}", slowest(&report));
}

#[test]
fn pain_12_errors_of_the_server_and_of_sockets_are_retried_with_sense() {
    for seed in 0..20 {
        let mut setup = Setup::calm(seed);
        setup.swarm = Swarm::of(
            seed,
            &[Kind::ServerError, Kind::Shutdown, Kind::TooMany, Kind::Cut],
        );
        setup.faults_until = Time::ZERO + SECOND * 10;
        setup.callers = callers(100, Duration::from_millis(20), Policy::AtLeastOnce);
        setup
            .callers
            .iter_mut()
            .for_each(|caller| caller.patience = None);
        let report = run(setup);
        let gave_up = report.outcomes.unknown;
        assert_eq!(
            report.outcomes.accepted + gave_up,
            report.requests,
            "{}",
            report.outcomes
        );
        assert!(gave_up <= 2, "{}", report.outcomes);
    }
}

#[test]
fn pain_13_a_bad_certificate_says_so_at_once_and_makes_no_loop() {
    let mut setup = Setup::calm(13);
    setup.habits.script = vec![Scripted {
        conn: None,
        after: Duration::from_millis(20),
        act: Act::GoAwayFor("BadCertificate"),
    }];
    setup.habits.fate = Some(Fate::Forget { processed: false });
    setup.callers = callers(20, Duration::from_millis(100), Policy::AtMostOnce);
    let report = run(setup);
    let told = report.ends.iter().filter(|end| match &end.outcome {
        Outcome::Failed(Cause::Fatal(reason), delivery) => {
            &**reason == "BadCertificate" && *delivery != Delivery::Unknown
        }
        _ => false,
    });
    assert_eq!(told.count(), 20, "{:?}", report.ends);
    assert!(slowest(&report) < SECOND * 5);
    assert!(report.dials <= 5, "{} dials", report.dials);
}

#[test]
fn pain_14_pools_of_several_teams_live_side_by_side() {
    let team = |team: u32| {
        let mut setup = Setup::calm(14 + u64::from(team));
        setup.pool.auth = Auth::Token;
        setup.habits.wants_token = true;
        setup.habits.team = team;
        setup.callers = callers(200, Duration::from_millis(5), Policy::AtMostOnce);
        setup
    };
    for report in World::run_together(vec![team(1), team(2), team(3)]) {
        assert_eq!(report.violation, None);
        assert_all_accepted(&report);
        assert_eq!(report.mints, 1);
    }
}

#[test]
fn pain_15_reasons_and_push_types_of_tomorrow_pass_through() {
    let mut setup = Setup::calm(15);
    setup.habits.fate = Some(Fate::Reject(No::new(418, "TeapotOfTomorrow")));
    // The fourth head has a push type that nobody has heard of.
    setup.callers = callers(10, Duration::ZERO, Policy::AtMostOnce);
    setup.callers.iter_mut().for_each(|caller| caller.head = 3);
    let report = run(setup);
    assert_eq!(report.ends.len(), 10);
    for end in &report.ends {
        let Outcome::Answered(response) = &end.outcome else {
            panic!("{:?}", end.outcome);
        };
        assert_eq!(response.status, 418);
        assert_eq!(&*response.body, br#"{"reason":"TeapotOfTomorrow"}"#);
    }
}
