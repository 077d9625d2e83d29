//! A mock, files, and the example as a process.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Builder, Server};
use serde_json::Value;

/// Longer than any run takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A mock, files, and the flags that lead to both.
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) dir: PathBuf,
}

impl Target {
    pub(crate) fn new(builder: Builder) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("send-ndjson-{}-{next}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let server = builder.start_on_thread().unwrap();
        let target = Self { server, dir };
        target.write("ca.pem", target.server.ca_pem());
        target.write("client.pem", target.server.client_certificate_pem());
        target.write("key.p8", target.server.token_key_pem());
        target
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.dir.join(name), text).unwrap();
        self.path(name)
    }

    /// `send_ndjson send` to the mock.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let (origin, ca) = (self.server.origin(), self.path("ca.pem"));
        let mut command = send_ndjson(&["send", "--server", &origin, "--ca", &ca, "--ca-only"]);
        command.args(["--topic", "com.example.app"]).args(args);
        command
    }

    /// The same, to its end.
    pub(crate) fn send(&self, args: &[&str]) -> Output {
        finish(spawn(&mut self.command(args)))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The example, without what the developer's environment says.
pub(crate) fn send_ndjson(args: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(|deps| deps.parent()).unwrap();
    let name = format!("send_ndjson{}", std::env::consts::EXE_SUFFIX);
    let example = target.join("examples").join(name);
    assert!(
        example.exists(),
        "build it first: cargo build -p aapns-async-std --example send_ndjson"
    );
    let mut command = Command::new(example);
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end, but not for ever.
pub(crate) fn finish(mut child: Child) -> Output {
    let id = child.id();
    let stdin = child.stdin.take();
    drop(stdin);
    let (report, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || report.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = Command::new("kill").arg(id.to_string()).status();
            panic!("it didn't end");
        }
    }
}

pub(crate) fn line(number: u64) -> String {
    format!(r#"{{"device_token": "{number:08x}", "payload": {{"aps": {{"alert": "{number}"}}}}}}"#)
}

pub(crate) fn lines(count: u64) -> String {
    (1..=count).map(|number| line(number) + "\n").collect()
}

/// The results of a run that ended with this code: one for each line from 1 to `count`.
pub(crate) fn results(output: &Output, code: i32, text: &[u8], count: u64) -> Vec<Value> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let mut results: Vec<Value> = String::from_utf8(text.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    results.sort_by_key(|result| result["line"].as_u64());
    let numbers: Vec<u64> = results
        .iter()
        .map(|result| result["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<u64>>());
    results
}

pub(crate) fn count(results: &[Value], outcome: &str) -> usize {
    results.iter().filter(|r| r["outcome"] == outcome).count()
}

/// Waits until a file has so many lines, but not for ever.
pub(crate) fn wait_for_lines(path: &str, count: usize) {
    let start = Instant::now();
    while std::fs::read_to_string(path).map_or(0, |text| text.lines().count()) < count {
        assert!(start.elapsed() < PATIENCE, "no result");
        std::thread::sleep(Duration::from_millis(5));
    }
}
