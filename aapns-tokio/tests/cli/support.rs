//! Running the program against a mock of the test's own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Builder, Server};
use serde_json::Value;

/// Longer than any test's program may run, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, without what the developer's environment says.
pub(crate) fn aapns<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aapns"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AAPNS_") || text.to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The last line of stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Asserts the exit code, and shows everything if it is another.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Asserts that stderr is one line of the program's with all of `words`.
    pub(crate) fn complains(&self, words: &[&str]) {
        let lines: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("aapns:"))
            .collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        for word in words {
            assert!(lines[0].contains(word), "no {word:?} in {:?}", lines[0]);
        }
    }
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    finish(spawn(&mut aapns(args)))
}

/// Starts the program with pipes.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the program's end, but not for ever.
pub(crate) fn finish(mut child: Child) -> Ran {
    let pipes = (child.stdout.take(), child.stderr.take());
    let readers = [
        pipes
            .0
            .map(|mut pipe| std::thread::spawn(move || read(&mut pipe))),
        pipes
            .1
            .map(|mut pipe| std::thread::spawn(move || read(&mut pipe))),
    ];
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the program didn't end in {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let [stdout, stderr] =
        readers.map(|reader| reader.map_or_else(Vec::new, |r| r.join().unwrap()));
    Ran::new(Output {
        status,
        stdout,
        stderr,
    })
}

fn read(pipe: &mut impl std::io::Read) -> Vec<u8> {
    let mut octets = Vec::new();
    pipe.read_to_end(&mut octets).unwrap();
    octets
}

/// A directory that goes away with the test.
#[derive(Debug)]
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "aapns-cli-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A mock, and the flags that lead to it.
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) dir: Dir,
}

impl Target {
    pub(crate) fn new() -> Self {
        Self::with(Server::builder())
    }

    pub(crate) fn with(builder: Builder) -> Self {
        let server = builder.start_on_thread().unwrap();
        let dir = Dir::new();
        dir.write("ca.pem", server.ca_pem());
        dir.write("client.pem", server.client_certificate_pem());
        dir.write("key.p8", server.token_key_pem());
        Self { server, dir }
    }

    /// Flags with a client certificate.
    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = self.open_flags();
        flags.extend(["--cert".to_owned(), self.dir.path("client.pem")]);
        flags
    }

    /// Flags without a credential.
    pub(crate) fn open_flags(&self) -> Vec<String> {
        [
            "--server",
            &self.server.origin(),
            "--ca",
            &self.dir.path("ca.pem"),
        ]
        .map(str::to_owned)
        .into()
    }

    /// `aapns send` with these arguments, to its end.
    pub(crate) fn send(&self, args: &[&str]) -> Ran {
        run(self.send_args(args))
    }

    pub(crate) fn send_args(&self, args: &[&str]) -> Vec<String> {
        let mut all = vec![
            "send".to_owned(),
            "--topic".to_owned(),
            "com.example.app".to_owned(),
        ];
        all.extend(self.flags());
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        all
    }
}

/// `count` good lines.
pub(crate) fn lines(count: u64) -> String {
    (1..=count).map(|number| line(number) + "\n").collect()
}

/// A good line, without its line feed.
pub(crate) fn line(number: u64) -> String {
    format!(r#"{{"device_token": "{number:08x}", "payload": {{"aps": {{"alert": "{number}"}}}}}}"#)
}

/// The result lines of a text, in order of completion.
pub(crate) fn results(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asserts that there is one result for each line from 1 to `count`.
pub(crate) fn assert_each_once(results: &[Value], count: u64) {
    let mut numbers: Vec<u64> = results
        .iter()
        .map(|r| r["line"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=count).collect::<Vec<u64>>());
}

/// How many results have this outcome.
pub(crate) fn count(results: &[Value], outcome: &str) -> usize {
    results.iter().filter(|r| r["outcome"] == outcome).count()
}

/// Waits until `what` holds, but not for ever.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to the program, by the tool that every Unix has.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Whether a file has this many lines.
pub(crate) fn has_lines(path: &str, count: usize) -> bool {
    Path::new(path).exists() && std::fs::read_to_string(path).unwrap().lines().count() >= count
}
