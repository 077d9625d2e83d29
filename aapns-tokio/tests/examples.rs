//! Every example, run as a program; its output is looked at.
//!
//! `cargo test` builds them; `cargo test --test examples` alone doesn't.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any example may run, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Each example, and the test below that runs it.
const EXAMPLES: [(&str, fn()); 5] = [
    ("broadcast", broadcast),
    ("fan_out", fan_out),
    ("live_activity", live_activity),
    ("service", service),
    ("tenants", tenants),
];

/// Needs a feature that is off here: `.ci/run` runs it.
const ELSEWHERE: [&str; 1] = ["prometheus"];

#[test]
fn every_example_of_the_folder_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let names = EXAMPLES.iter().map(|(name, _)| *name).chain(ELSEWHERE);
    let run: BTreeSet<String> = names.map(str::to_owned).collect();
    assert_eq!(there, run, "in the folder, and in EXAMPLES or ELSEWHERE");
    for (name, run) in EXAMPLES {
        eprintln!("running {name}");
        run();
    }
}

fn broadcast() {
    let ran = run("broadcast", &[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let expected = [
        "channels: 1",
        "1:0",
        "1:1",
        "2:1",
        "the end",
        "the channel: 400 ChannelNotRegistered",
    ];
    assert_eq!(lines, expected, "{ran:?}");
}

fn tenants() {
    let ran = run("tenants", &[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let expected = [
        "bakery production com.example.bread: attempt 1",
        "bakery production com.example.cake: attempt 1",
        "bakery sandbox com.example.bread: attempt 1",
        "florist production com.example.tulips: attempt 1",
        "pools: 3",
        "florist: there is no credential called \"florist\"",
        "butcher: there is no credential called \"butcher\"",
        "pools: 2",
        "unsent: 0",
    ];
    assert_eq!(lines, expected, "{ran:?}");
}

fn live_activity() {
    let ran = run("live_activity", &[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let topic = "com.example.league.push-type.liveactivity";
    for (line, (event, priority, minute)) in lines.iter().zip([
        ("start", 10, 0),
        ("update", 5, 15),
        ("update", 5, 30),
        ("update", 10, 41),
        ("end", 10, 90),
    ]) {
        let expected = format!("200 {topic} \"{event}\" priority {priority} ");
        assert!(line.starts_with(&expected), "{line:?}, not {expected:?}");
        assert!(line.contains(&format!("\"minute\":{minute}")), "{line}");
    }
    assert_eq!(lines.len(), 5, "{ran:?}");
}

/// As many devices as the example makes up by itself, and a line that is no token.
fn fan_out() {
    const DEVICES: usize = 100_000;
    let path = std::env::temp_dir().join(format!("aapns-fan-out-{}", std::process::id()));
    let tokens: String = (0..DEVICES).map(|n| format!("{n:08x}\n")).collect();
    std::fs::write(&path, tokens + "no token\n").unwrap();
    let ran = run("fan_out", &[path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    let dead: BTreeSet<&str> = ran.stdout.lines().collect();
    let told = format!("delivered: {}, dead: {}", DEVICES - dead.len(), dead.len());
    assert!(ran.stderr.contains(&told), "{told}: {}", ran.stderr);
    // Every hundredth request of each of its connections.
    assert!((990..=1000).contains(&dead.len()), "{}", dead.len());
    assert!(dead.iter().all(|token| token.len() == 8));
    assert!(ran.stderr.contains("1 lines are no tokens"), "{ran:?}");
    // The mock's own memory included, which keeps an id for each; the file alone would be 900 kB.
    #[cfg(target_os = "linux")]
    {
        let memory = ran.stderr.rsplit_once("at most ").unwrap().1;
        let kilobytes: u64 = memory.split(' ').next().unwrap().parse().unwrap();
        assert!(kilobytes < 64 * 1024, "{memory}");
    }
    for nothing in ["rejected: 0", "not_processed: 0", "unknown: 0"] {
        assert!(ran.stderr.contains(nothing), "{ran:?}");
    }
}

/// Answers, back-pressure, and a shutdown that waits for the push under way.
fn service() {
    let mut command = example("service");
    let mut child = start(command.env("IN_FLIGHT", "1"));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim().rsplit('/').next().unwrap().parse().unwrap();

    let good = r#"{"device_token": "00fc13ad", "title": "Chess", "body": "Your move"}"#;
    assert!(answer(push(address, good)).contains("\"apns_id\""));
    assert!(answer(get(address, "/health")).starts_with("HTTP/1.1 200"));
    assert!(answer(get(address, "/nowhere")).starts_with("HTTP/1.1 404"));
    let bad = good.replace("00fc13ad", "no token");
    assert!(answer(push(address, &bad)).starts_with("HTTP/1.1 422"));

    // One place: while the first push is under way (300 ms) the others are told to come back.
    let pushes: Vec<TcpStream> = (0..4).map(|_| push(address, good)).collect();
    let answers: Vec<String> = pushes.into_iter().map(answer).collect();
    let has = |status: &str| answers.iter().filter(|a| a.contains(status)).count();
    assert!(has("HTTP/1.1 200") >= 1, "{answers:?}");
    assert!(has("HTTP/1.1 503") >= 1, "{answers:?}");
    assert_eq!(has("retry-after: 1"), has("HTTP/1.1 503"), "{answers:?}");

    #[cfg(unix)]
    {
        // That the only place is taken shows that the last push is under way.
        let mut last = push(address, good);
        while !answer(push(address, good)).starts_with("HTTP/1.1 503") {
            last = push(address, good);
        }
        let killed = Command::new("kill").arg(child.id().to_string()).status();
        assert!(killed.unwrap().success());
        let last = answer(last);
        assert!(last.starts_with("HTTP/1.1 200"), "{last}");
        let ran = finish(child);
        assert!(ran.is_success, "{ran:?}");
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("0 never sent"), "{rest}");
    }
    #[cfg(not(unix))]
    child.kill().unwrap();
}

/// What a run left.
#[derive(Debug)]
struct Ran {
    is_success: bool,
    stdout: String,
    stderr: String,
}

fn run(name: &str, args: &[&str]) -> Ran {
    let ran = finish(start(example(name).args(args)));
    assert!(ran.is_success, "{name}: {ran:?}");
    ran
}

/// The example, which `cargo test` put beside this test's own folder.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.parent().unwrap().parent().unwrap().into();
    let path = target.join("examples").join(name);
    let path = path.with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        path.exists(),
        "{} is not built: cargo build -p aapns-tokio --features mock --examples",
        path.display()
    );
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        if variable
            .to_string_lossy()
            .to_lowercase()
            .ends_with("_proxy")
        {
            command.env_remove(variable);
        }
    }
    command
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end, but not for ever.
fn finish(mut child: Child) -> Ran {
    let stdout = child.stdout.take().map(read_on_a_thread);
    let stderr = child.stderr.take().map(read_on_a_thread);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it didn't end in {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ran {
        is_success: status.success(),
        stdout: stdout.map_or_else(String::new, |thread| thread.join().unwrap()),
        stderr: stderr.map_or_else(String::new, |thread| thread.join().unwrap()),
    }
}

fn read_on_a_thread(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

fn push(address: SocketAddr, json: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /push HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        json.len()
    )
    .unwrap();
    stream
}

fn get(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
