//! The page that shows what the mock received: one file, over HTTP/1.1 on the loopback interface.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::server::Shared;
use super::tap::lock;
use super::view;

const PAGE: &str = include_str!("page.html");
/// A browser's request line and fields.
const HEAD: usize = 16 * 1024;
/// Connections at a time: more than a browser opens.
const CONNECTIONS: usize = 64;
/// A request and its answer take no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nothing but the page's own script and style, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Serves the page until it is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.len() < CONNECTIONS => match accepted {
                Ok((tcp, _)) => {
                    let shared = shared.clone();
                    tasks.spawn(async move {
                        // A browser that gives up is no fault of the mock's.
                        let _ = timeout(PATIENCE, answer(tcp, &shared)).await;
                    });
                }
                // Out of file descriptors, most likely.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// One request, one answer: a page that asks once a second needs no more.
async fn answer(mut tcp: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let own = tcp.local_addr()?;
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD || tcp.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let reply = reply(&String::from_utf8_lossy(&head), own, shared);
    tcp.write_all(reply.as_bytes()).await?;
    tcp.shutdown().await
}

fn reply(head: &str, own: SocketAddr, shared: &Shared) -> String {
    let mut words = head.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return text("400 Bad Request", "not HTTP");
    };
    // A foreign name that leads here is another site's trick (DNS rebinding).
    if !is_own_host(head, own) {
        return text("403 Forbidden", "this page is for this machine only");
    }
    let path = target.split('?').next().unwrap_or(target);
    match (method, path) {
        ("GET", "/") => response("200 OK", "text/html; charset=utf-8", PAGE),
        ("GET" | "DELETE", "/requests") => {
            let method = match method {
                "GET" => Method::GET,
                _ => Method::DELETE,
            };
            let own = format!("/__mock{target}");
            let reply = view::answer(&mut lock(&shared.ledger), &method, &own);
            response(&reply.status.to_string(), "application/json", &reply.json)
        }
        (_, "/" | "/requests") => text("405 Method Not Allowed", "GET, or DELETE /requests"),
        _ => text("404 Not Found", "there is only /"),
    }
}

fn is_own_host(head: &str, own: SocketAddr) -> bool {
    let host = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    host.is_some_and(|host| {
        host == own.to_string() || host.eq_ignore_ascii_case(&format!("localhost:{}", own.port()))
    })
}

fn text(status: &str, text: &str) -> String {
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: {POLICY}\r\n\r\n{body}",
        body.len()
    )
}
