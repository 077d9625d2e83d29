//! Runs simulated worlds: `simulate --seeds N [--from S]`, or `simulate --replay S` to read one.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tests::oracle::Outcomes;
use tests::swarm::Kind;
use tests::world::{Report, World};

/// Seeds that a thread takes at once.
const BATCH: u64 = 64;

enum Command {
    Run { from: u64, seeds: u64 },
    Replay(u64),
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Some(Command::Run { from, seeds }) => run(from, seeds),
        Some(Command::Replay(seed)) => replay(seed),
        None => {
            eprintln!("usage: simulate --seeds N [--from S] | --replay S");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Command> {
    let (mut from, mut seeds, mut replay) = (0, 1_000, None);
    while let Some(arg) = args.next() {
        let value = args.next()?.replace('_', "").parse().ok()?;
        match arg.as_str() {
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--replay" => replay = Some(value),
            _ => return None,
        }
    }
    Some(replay.map_or(Command::Run { from, seeds }, Command::Replay))
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
    failed: Option<Report>,
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
        let is_earlier = self
            .failed
            .as_ref()
            .is_none_or(|failed| report.seed < failed.seed);
        if report.violation.is_some() && is_earlier {
            self.failed = Some(report);
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

fn run(from: u64, seeds: u64) -> ExitCode {
    let (next, end) = (AtomicU64::new(from), from.saturating_add(seeds));
    let total = Mutex::new(Total::default());
    let begin = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&next, end, &total));
        }
    });
    let total = total
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    total.print(begin.elapsed().as_secs_f64());
    let Some(failed) = &total.failed else {
        return ExitCode::SUCCESS;
    };
    if let Some(violation) = &failed.violation {
        println!("seed {} failed: {violation}", failed.seed);
    }
    println!(
        "replay with: cargo run --release -p tests --bin simulate -- --replay {}",
        failed.seed
    );
    ExitCode::FAILURE
}

fn work(next: &AtomicU64, end: u64, total: &Mutex<Total>) {
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= end {
            return;
        }
        let mut reports = Vec::new();
        for seed in from..end.min(from + BATCH) {
            let report = World::run_seed(seed, false);
            let is_over = report.violation.is_some();
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
