//! Contenders take turns; what counts are the ratios within a round.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rustix::time::{ClockId, clock_gettime};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) requests: usize,
    pub(crate) rounds: usize,
}

/// One of those that are compared: runs as many requests as it is told, all on the calling thread.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut(usize)>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    wall: f64,
    cpu: f64,
}

/// Runs all contenders in each round, each time in another order, and prints what each costs and its
/// ratio to the first one in the same round: so slow spells of the machine hit all alike.
pub(crate) fn compare(title: &str, plan: Plan, contenders: &mut [Contender]) {
    println!(
        "\n{title}: medians of {} rounds of {} requests\n",
        plan.rounds, plan.requests
    );
    for contender in &mut *contenders {
        (contender.run)((plan.requests / 10).max(1));
    }
    let count = contenders.len();
    let mut samples = vec![Vec::with_capacity(plan.rounds); count];
    for round in 0..plan.rounds {
        for at in (0..count).map(|at| (at + round) % count) {
            samples[at].push(measure(&mut contenders[at], plan.requests));
        }
    }
    println!(
        "| client | CPU µs a request | requests/s | the first one's CPU / its CPU | the first one's time / its time |"
    );
    println!("|---|---|---|---|---|");
    for (contender, mine) in contenders.iter().zip(&samples) {
        let cpu = Spread::of(mine.iter().map(|sample| sample.cpu));
        let rate = Spread::of(mine.iter().map(|sample| 1e6 / sample.wall));
        let ratio = |field: fn(&Sample) -> f64| {
            Spread::of(
                samples[0]
                    .iter()
                    .zip(mine)
                    .map(|(first, mine)| field(first) / field(mine)),
            )
        };
        println!(
            "| {} | {} | {:.0} | {} | {} |",
            contender.name,
            cpu.show(),
            rate.median,
            ratio(|sample| sample.cpu).show(),
            ratio(|sample| sample.wall).show(),
        );
    }
}

fn measure(contender: &mut Contender, requests: usize) -> Sample {
    let (start, cpu) = (Instant::now(), thread_time());
    (contender.run)(requests);
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / requests as f64;
    Sample {
        wall: micros(start.elapsed()),
        cpu: micros(thread_time().saturating_sub(cpu)),
    }
}

/// User and system time of this thread: contenders run on it alone, servers don't.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Median, and from where to where.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self {
            median: values[values.len() / 2],
            least: values[0],
            most: values[values.len() - 1],
        }
    }

    fn show(&self) -> String {
        format!("{:.3} ({:.3}–{:.3})", self.median, self.least, self.most)
    }
}

/// Keeps `in_flight` requests in flight until `requests` are done: the same for every client with futures.
pub(crate) async fn closed_loop<F: Future<Output = ()>>(
    requests: usize,
    in_flight: usize,
    mut begin: impl FnMut(usize) -> F,
) {
    let mut flights = FuturesUnordered::new();
    let mut begun = in_flight.min(requests);
    flights.extend((0..begun).map(&mut begin));
    while flights.next().await.is_some() {
        if begun < requests {
            flights.push(begin(begun));
            begun += 1;
        }
    }
}
