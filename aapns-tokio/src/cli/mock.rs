//! `aapns mock`: the embedded mock as a server.

use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::connect::read_file;
use super::console::Console;
use super::exit::{Exit, Fault, Outcome};
use super::signals::Signals;
use crate::mock::{Authentication, Builder, Device, KEY_ID, Scenario, Server, StartError, TEAM_ID};

/// `aapns mock`
#[derive(Debug, Args)]
pub(crate) struct MockArgs {
    /// The port to listen on, on 127.0.0.1; 0 for any free one
    #[arg(long, value_name = "P")]
    port: u16,
    /// PEM file of the server's certificate
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        conflicts_with = "self_signed"
    )]
    cert: Option<PathBuf>,
    /// PEM file of the server's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Make throw-away certificates and write them into this directory: ca.pem to trust the mock,
    /// client.pem and token-key.p8 (key ID MOCKKEY001, team ID MOCKTEAM01) to be known to it
    #[arg(long, value_name = "DIR")]
    self_signed: Option<PathBuf>,
    /// PEM file of authorities for client certificates: clients must then show one
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Turn away who doesn't show this credential of --self-signed's; else none is asked for
    #[arg(
        long,
        value_enum,
        value_name = "CREDENTIAL",
        requires = "self_signed",
        conflicts_with_all = ["client_ca", "cert", "key"]
    )]
    require: Option<Required>,
    /// What to do to clients: a file, or one of ok, latency, goaway, refused, cut, limit-1,
    /// expired-token, throttle, reasons, blackhole
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Option<String>,
    /// Answer after this many milliseconds
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Announce this limit of concurrent streams
    #[arg(long, value_name = "N")]
    max_concurrent: Option<u32>,
    /// Answer as Apple's production service; else as the sandbox
    #[arg(long)]
    production: bool,
    /// JSON file of the devices that are known, all others are bad: an array of objects with "token",
    /// and optionally "environment" (sandbox or production), "topics", "unregistered_at" (ms since 1970)
    #[arg(long, value_name = "FILE")]
    devices: Option<PathBuf>,
    /// Keep so many of the last requests, to look at
    #[arg(long, value_name = "N", default_value_t = 1000)]
    keep: usize,
    /// Show what it received on a web page, http://127.0.0.1:PORT/; 0 for any free port
    #[arg(long, value_name = "PORT")]
    page: Option<u16>,
    /// Write a JSON line for each event into this file: opened, closed, accepted, answered
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// `--require`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Required {
    /// client.pem, in the TLS handshake
    Certificate,
    /// A provider token of token-key.p8
    Token,
}

pub(crate) fn run(args: &MockArgs, console: Console) -> Outcome {
    if args.cert.is_none() && args.self_signed.is_none() {
        return Err(Fault::usage(
            "the mock needs a certificate: give --self-signed DIR, or --cert FILE --key FILE",
        ));
    }
    let builder = builder(args)?;
    super::block_on(async {
        let mut signals = Signals::new()?;
        let server = builder.start().await.map_err(|error| start_fault(&error))?;
        if let Some(dir) = &args.self_signed {
            write_certificates(dir, &server)?;
            console.note(format_args!(
                "Send to it with: aapns send --server {} --ca {}/ca.pem {} --topic com.example.app DEVICE_TOKEN Hello",
                server.origin(),
                dir.display(),
                credential(args, dir),
            ));
        }
        if let Some(url) = server.page_url() {
            console.note(format_args!("What it receives is shown on {url}"));
        }
        let page = server.page_url().map(|url| format!(r#", "page": "{url}""#));
        console.result(format_args!(
            r#"{{"listening": "{}"{}}}"#,
            server.address(),
            page.unwrap_or_default()
        ));
        signals.wait().await;
        let counts = server.processed();
        console.note(format_args!(
            "{} accepted ({} of them repeats), {} rejected, over {} connections.",
            counts.accepted, counts.duplicates, counts.rejected, counts.connections
        ));
        server.stop().await;
        Ok(Exit::Success)
    })
}

/// The flags of a credential that the mock takes.
fn credential(args: &MockArgs, dir: &Path) -> String {
    let dir = dir.display();
    // With authorities of somebody else's, the mock's own certificate is not among theirs.
    if args.client_ca.is_some() {
        return "--cert CLIENT_CERTIFICATE_OF_YOUR_CA".to_owned();
    }
    match args.require {
        Some(Required::Token) => {
            format!("--token-key {dir}/token-key.p8 --key-id {KEY_ID} --team-id {TEAM_ID}")
        }
        Some(Required::Certificate) | None => format!("--cert {dir}/client.pem"),
    }
}

fn builder(args: &MockArgs) -> Result<Builder, Fault> {
    let mut builder = Server::builder().address((Ipv4Addr::LOCALHOST, args.port).into());
    // First: it replaces what the flags below set.
    if let Some(scenario) = &args.scenario {
        builder = builder.scenario(read_scenario(scenario)?);
    }
    if let Some(millis) = args.latency {
        builder = builder.latency(Duration::from_millis(millis));
    }
    if let Some(limit) = args.max_concurrent {
        builder = builder.max_concurrent_streams(limit);
    }
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        builder = builder.certificate_pem(&read_file("--cert", cert)?, &read_file("--key", key)?);
    }
    if let Some(path) = &args.client_ca {
        builder = builder.client_authorities(&read_file("--client-ca", path)?);
    }
    if let Some(required) = args.require {
        builder = builder.authentication(match required {
            Required::Certificate => Authentication::Certificate,
            Required::Token => Authentication::Token,
        });
    }
    if let Some(path) = &args.log {
        builder = builder.log(path);
    }
    if let Some(path) = &args.devices {
        builder = builder.devices(read_devices(path)?);
    }
    if args.production {
        builder = builder.production();
    }
    if let Some(port) = args.page {
        builder = builder.page(port);
    }
    Ok(builder.keep_requests(args.keep))
}

fn start_fault(error: &StartError) -> Fault {
    let todo = match error {
        StartError::Listen(..) => "choose another --port; 0 takes any free one",
        StartError::Page(..) => "choose another --page; 0 takes any free one",
        StartError::Log(..) => "give a file that can be written to --log",
        StartError::Certificates(_) => "look at the files of --cert, --key and --client-ca",
        _ => "look at the flags",
    };
    Fault::usage(format_args!("{error}; {todo}"))
}

fn read_devices(path: &Path) -> Result<Vec<Device>, Fault> {
    let todo =
        r#"--devices wants an array like [{"token": "00fc13ad", "topics": ["com.example.app"]}]"#;
    let json =
        std::fs::read_to_string(path).map_err(|error| Fault::file("read", path, &error, todo))?;
    Device::list_from_json(&json)
        .map_err(|error| Fault::usage(format_args!("{}: {error}; {todo}", path.display())))
}

/// A name first; what is no name is a file.
fn read_scenario(text: &str) -> Result<Scenario, Fault> {
    if let Ok(scenario) = Scenario::named(text) {
        return Ok(scenario);
    }
    let json = std::fs::read_to_string(text).map_err(|error| {
        Fault::file(
            "read",
            Path::new(text),
            &error,
            &format!(
                "give a file to --scenario, or one of {}",
                Scenario::NAMES.join(", ")
            ),
        )
    })?;
    Scenario::from_json(&json)
        .map_err(|error| Fault::usage(format_args!("{text}: {error}; see docs/MOCK.md")))
}

fn write_certificates(dir: &Path, server: &Server) -> Result<(), Fault> {
    std::fs::create_dir_all(dir).map_err(|error| fault(dir, &error))?;
    for (name, pem, is_private) in [
        ("ca.pem", server.ca_pem(), false),
        ("client.pem", server.client_certificate_pem(), true),
        ("token-key.p8", server.token_key_pem(), true),
    ] {
        let path = dir.join(name);
        write_file(&path, pem, is_private).map_err(|error| fault(&path, &error))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str, is_private: bool) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if is_private {
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    // One that is there already keeps its mode when it is opened.
    if is_private {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(text.as_bytes())
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    Fault::file(
        "write",
        path,
        error,
        "give a directory that you may write to to --self-signed",
    )
}
