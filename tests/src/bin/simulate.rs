//! Runs simulated worlds: `simulate --seeds N [--from S]`, or `simulate --replay S` to read one.
//!
//! It stops at the first failure; with `--survey` it goes on, and lists the failures by rule.
//! `simulate --mutants` says of each broken variant of the core which seed catches it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aapns_proto::mutants::Mutant;
use tests::oracle::{Outcomes, Rule};
use tests::swarm::Kind;
use tests::world::{Report, World};

/// Seeds that a thread takes at once.
const BATCH: u64 = 64;

enum Command {
    Run {
        from: u64,
        seeds: u64,
        is_survey: bool,
    },
    Replay(u64),
    Mutants {
        from: u64,
        seeds: u64,
    },
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Some(Command::Run {
            from,
            seeds,
            is_survey,
        }) => run(from, seeds, is_survey),
        Some(Command::Replay(seed)) => replay(seed),
        Some(Command::Mutants { from, seeds }) => mutants(from, seeds),
        None => {
            eprintln!("usage: simulate --seeds N [--from S] [--survey | --mutants] | --replay S");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Command> {
    let (mut from, mut seeds, mut replay) = (0, 1_000, None);
    let (mut is_survey, mut is_mutants) = (false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--survey" => is_survey = true,
            "--mutants" => is_mutants = true,
            _ => {}
        }
        if matches!(arg.as_str(), "--survey" | "--mutants") {
            continue;
        }
        let value = args.next()?.replace('_', "").parse().ok()?;
        match arg.as_str() {
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--replay" => replay = Some(value),
            _ => return None,
        }
    }
    if is_mutants {
        return Some(Command::Mutants { from, seeds });
    }
    let run = Command::Run {
        from,
        seeds,
        is_survey,
    };
    Some(replay.map_or(run, Command::Replay))
}

/// What many worlds came to.
#[derive(Default)]
struct Total {
    seeds: u64,
    requests: u64,
    links: u64,
    events: u64,
    faults: Vec<u64>,
    outcomes: Outcomes,
    failures: Vec<(Rule, u64, String)>,
}

impl Total {
    fn add(&mut self, report: Report) {
        self.seeds += 1;
        self.requests += report.requests;
        self.links += report.links;
        self.events += report.events;
        self.faults.resize(Kind::ALL.len(), 0);
        for (sum, count) in self.faults.iter_mut().zip(&report.faults) {
            *sum += u64::from(*count);
        }
        self.outcomes += report.outcomes;
        if let Some(violation) = &report.violation {
            let failure = (violation.rule, report.seed, violation.to_string());
            self.failures.push(failure);
        }
    }

    fn print(&self, seconds: f64) {
        let per_seed = |count: u64| count as f64 / self.seeds.max(1) as f64;
        println!(
            "{} seeds in {seconds:.1} s: {:.0} a second",
            self.seeds,
            self.seeds as f64 / seconds
        );
        let faults = self.faults.iter().sum();
        println!(
            "a seed has {:.1} requests, {:.1} connections, {:.1} faults, {:.0} events",
            per_seed(self.requests),
            per_seed(self.links),
            per_seed(faults),
            per_seed(self.events)
        );
        println!("requests by outcome: {}", self.outcomes);
        println!("faults by kind:");
        for (kind, count) in Kind::ALL.iter().zip(&self.faults) {
            println!("{count:>12}  {}", kind.name());
        }
    }
}

impl Total {
    /// The first failure of each rule, and how many there were.
    fn print_failures(&mut self) {
        self.failures
            .sort_by_key(|(rule, seed, _)| (rule.name(), *seed));
        for same in self.failures.chunk_by(|one, other| one.0 == other.0) {
            let [(rule, seed, what), ..] = same else {
                continue;
            };
            println!(
                "{} seeds break {}; seed {seed}: {what}",
                same.len(),
                rule.name()
            );
            println!("replay with: cargo run --release -p tests --bin simulate -- --replay {seed}");
        }
    }
}

fn run(from: u64, seeds: u64, is_survey: bool) -> ExitCode {
    let (next, end) = (AtomicU64::new(from), from.saturating_add(seeds));
    let total = Mutex::new(Total::default());
    let begin = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&next, end, is_survey, &total));
        }
    });
    let mut total = total
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    total.print(begin.elapsed().as_secs_f64());
    total.print_failures();
    if total.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn work(next: &AtomicU64, end: u64, is_survey: bool, total: &Mutex<Total>) {
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= end {
            return;
        }
        let mut reports = Vec::new();
        for seed in from..end.min(from + BATCH) {
            let report = World::run_seed(seed, false);
            let is_over = report.violation.is_some() && !is_survey;
            reports.push(report);
            if is_over {
                next.store(end, Ordering::Relaxed);
                break;
            }
        }
        let mut total = total
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.into_iter().for_each(|report| total.add(report));
    }
}

/// Each must be caught: the oracle would be blind otherwise.
fn mutants(from: u64, seeds: u64) -> ExitCode {
    let mut exit = ExitCode::SUCCESS;
    for mutant in Mutant::ALL {
        match World::catch(mutant, from..from.saturating_add(seeds)) {
            Some((seed, rule)) => {
                println!("{mutant:?}: seed {seed}, by the rule \"{}\"", rule.name())
            }
            None => {
                println!("{mutant:?}: not caught within {seeds} seeds");
                exit = ExitCode::FAILURE;
            }
        }
    }
    exit
}

fn replay(seed: u64) -> ExitCode {
    let report = World::run_seed(seed, true);
    for line in &report.lines {
        println!("{line}");
    }
    println!(
        "seed {seed}: hash {:016x}, {}",
        report.hash, report.outcomes
    );
    match report.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}
