//! The way to the server: name, TCP, TLS, HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aapns_proto::client::{Endpoint, Proxy, dial_error, tls_error};
use aapns_proto::tls::{Roots, TlsOptions, client_config};
use aapns_proto::{Connection, ConnectionConfig, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, pki_types::ServerName};

use super::report::Report;
use crate::cli::connect::ConnectArgs;
use crate::cli::exit::Fault;
use crate::connect::tunnel;

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(5);

/// All checks of this module, in their order.
pub(super) const CHECKS: [&str; 7] = ["name", "tcp v4", "tcp v6", "proxy", "tls", "alpn", "http/2"];

/// Whether pushes can reach the server.
pub(super) async fn check(args: &ConnectArgs, report: &mut Report) -> bool {
    let endpoint = args.endpoint();
    let proxy = match args.proxy_to(endpoint.host()) {
        Ok(proxy) => proxy,
        Err(fault) => {
            report.failed("proxy", fault, "mend it first");
            return false;
        }
    };
    let (host, port) = match &proxy {
        Some(proxy) => (proxy.host(), proxy.port()),
        None => (endpoint.host(), endpoint.port()),
    };
    let advice = match &proxy {
        Some(_) => "check the proxy's name in --proxy or HTTPS_PROXY",
        None => "check the name, and this machine's DNS",
    };
    let Some(addresses) = resolve(host, port, advice, report).await else {
        return false;
    };
    let Some(mut stream) = connect(&addresses, report).await else {
        return false;
    };
    if !pass(proxy.as_ref(), &endpoint, &mut stream, report).await {
        return false;
    }
    let config = match tls_config(args) {
        Ok(config) => config,
        Err(fault) => {
            report.failed("tls", fault, "mend it first");
            return false;
        }
    };
    match handshake(config, &endpoint, stream, report).await {
        Some(stream) => settings(stream, &endpoint, report).await,
        None => false,
    }
}

async fn resolve(
    host: &str,
    port: u16,
    advice: &str,
    report: &mut Report,
) -> Option<Vec<SocketAddr>> {
    const CHECK: &str = "name";
    let found = timeout(LIMIT, tokio::net::lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = match found {
        Err(_) => {
            report.failed(
                CHECK,
                format_args!("{host}: no answer in {} s", LIMIT.as_secs()),
                advice,
            );
            return None;
        }
        Ok(Err(error)) => {
            report.failed(CHECK, format_args!("{host}: {error}"), advice);
            return None;
        }
        Ok(Ok(addresses)) => addresses.collect(),
    };
    let v4 = addresses.iter().filter(|address| address.is_ipv4()).count();
    let v6 = addresses.len() - v4;
    report.ok(CHECK, format_args!("{host}: addresses: {v4} v4, {v6} v6"));
    Some(addresses)
}

/// Tries the first address of each family, so that one that is broken is seen.
async fn connect(addresses: &[SocketAddr], report: &mut Report) -> Option<TcpStream> {
    let mut connected = None;
    let mut failures = Vec::new();
    for (check, is_v4) in [("tcp v4", true), ("tcp v6", false)] {
        let Some(address) = addresses.iter().find(|address| address.is_ipv4() == is_v4) else {
            report.not_checked(check, "the name has no such address");
            continue;
        };
        let start = Instant::now();
        match timeout(LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                report.ok(
                    check,
                    format_args!("{address} in {} ms", start.elapsed().as_millis()),
                );
                connected = connected.or(Some(stream));
            }
            Ok(Err(error)) => {
                failures.push((check, format!("{address}: {}", dial_error(&error).message)))
            }
            Err(_) => failures.push((
                check,
                format!("{address}: no answer in {} s", LIMIT.as_secs()),
            )),
        }
    }
    for (check, failure) in failures {
        if connected.is_some() {
            report.warning(check, failure, "the other family is used in its place");
        } else {
            report.failed(
                check,
                failure,
                "look for a firewall; Apple also listens on 2197: --alt-port",
            );
        }
    }
    connected
}

/// Opens the tunnel through the proxy that was connected to, if there is one.
async fn pass(
    proxy: Option<&Proxy>,
    endpoint: &Endpoint,
    stream: &mut TcpStream,
    report: &mut Report,
) -> bool {
    const CHECK: &str = "proxy";
    let Some(proxy) = proxy else {
        report.not_checked(CHECK, "none is used");
        return true;
    };
    let place = format!("{}:{}", proxy.host(), proxy.port());
    let request = proxy.request(endpoint.host(), endpoint.port());
    let failure = match timeout(LIMIT, tunnel(stream, &request)).await {
        Ok(Ok(())) => {
            report.ok(CHECK, format_args!("{place} opened the tunnel"));
            return true;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer in {} s", LIMIT.as_secs()),
    };
    report.failed(
        CHECK,
        format_args!("{place}: {failure}"),
        "check --proxy, HTTPS_PROXY and AAPNS_PROXY_PASSWORD, or exempt the server by NO_PROXY",
    );
    false
}

fn tls_config(args: &ConnectArgs) -> Result<Arc<ClientConfig>, Fault> {
    let mut roots = Roots::built_in(webpki_roots::TLS_SERVER_ROOTS);
    if let Some(pem) = args.ca_pem()? {
        roots.add_pem(&pem).map_err(Fault::usage)?;
    }
    if args.is_ca_only() {
        roots = roots.without_built_in();
    }
    let mut options = TlsOptions::default();
    options.roots = roots;
    // One that can't be read was reported already; the handshake says more without it.
    options.identity = args.identity().ok().flatten();
    client_config(&options).map_err(Fault::usage)
}

async fn handshake(
    config: Arc<ClientConfig>,
    endpoint: &Endpoint,
    stream: TcpStream,
    report: &mut Report,
) -> Option<TlsStream<TcpStream>> {
    let name = match ServerName::try_from(endpoint.host().to_owned()) {
        Ok(name) => name,
        Err(error) => {
            report.failed("tls", error, "give a host name or an address to --server");
            return None;
        }
    };
    let stream = match timeout(LIMIT, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            report.failed(
                "tls",
                tls_error(&error).message,
                "check --server, --ca and the clock; a proxy that opens TLS shows here too",
            );
            return None;
        }
        Err(_) => {
            report.failed(
                "tls",
                format_args!("no handshake in {} s", LIMIT.as_secs()),
                "look for a firewall between here and the server",
            );
            return None;
        }
    };
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let chain = session.peer_certificates().map_or(0, <[_]>::len);
    report.ok(
        "tls",
        format_args!("{version}; the server's certificate is trusted (a chain of {chain})"),
    );
    match session.alpn_protocol() {
        Some(b"h2") => report.ok("alpn", "h2"),
        _ => {
            report.failed(
                "alpn",
                "the server did not choose h2",
                "this is no push server; check --server, and proxies on the way",
            );
            return None;
        }
    }
    Some(stream)
}

/// Speaks HTTP/2 until the server's SETTINGS are there.
async fn settings(
    mut stream: TlsStream<TcpStream>,
    endpoint: &Endpoint,
    report: &mut Report,
) -> bool {
    const CHECK: &str = "http/2";
    let start = Instant::now();
    let now = || Time::ZERO + start.elapsed();
    let mut config = ConnectionConfig::default();
    config.authority = endpoint.host().to_owned().into();
    let mut connection = Connection::<()>::new(&config, now());
    let exchange = async {
        while !connection.is_ready() && !connection.is_closed() {
            let out = connection.transmit();
            let size = out.len();
            stream.write_all(out).await?;
            stream.flush().await?;
            connection.handle_written(now(), size);
            match stream.read(connection.read_buf()).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => connection.handle_read(now(), read),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    match timeout(LIMIT, exchange).await {
        Ok(Ok(())) if connection.is_ready() => {
            report.ok(
                CHECK,
                format_args!(
                    "SETTINGS received: {} requests at a time",
                    connection.credit().streams
                ),
            );
            true
        }
        Ok(Ok(())) => {
            report.failed(
                CHECK,
                "the server broke the protocol",
                "this is no push server; check --server",
            );
            false
        }
        // Under TLS 1.3 a refused client certificate shows only now.
        Ok(Err(error)) => {
            report.failed(
                CHECK,
                tls_error(&error).message,
                "look at the credential first",
            );
            false
        }
        Err(_) => {
            report.failed(
                CHECK,
                format_args!("no SETTINGS in {} s", LIMIT.as_secs()),
                "check --server",
            );
            false
        }
    }
}
