//! The page of what was received, over plain HTTP/1.1 and in a browser.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aapns_tokio::mock::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{connect, finish, start_with};

async fn talk(server: &Server, request: &str) -> String {
    let url = server.page_url().expect("a page");
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut tcp = TcpStream::connect(host).await.unwrap();
    let request = request.replace("HOST", host);
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Markup in every place that a client can fill, which would rename the page if it ran.
const ATTACK: &str =
    r#"<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"#;

async fn attack(server: &Server) {
    let (mut send, _driver) = connect(server, None).await;
    let payload = serde_json::json!({ "aps": { "alert": ATTACK }, ATTACK: ATTACK }).to_string();
    for (path, topic, payload) in [
        ("/3/device/abcd", "com.example.app", payload.as_str()),
        ("/3/device/abcd", ATTACK, ATTACK),
        ("/<script>document.title='owned'</script>", "a.b", "{}"),
    ] {
        // A path with markup may be refused by the client: then there is nothing to show.
        if let Some(response) = start_with(&mut send, path, topic, payload) {
            finish(response).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_page_and_its_data_are_served_to_this_machine_only() {
    let server = Server::builder().page(0).start().await.unwrap();
    attack(&server).await;
    let page = talk(&server, "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'"));
    assert!(page.contains("<title>aapns mock</title>"));
    assert!(!page.contains("innerHTML") && !page.contains("document.write"));

    let json = talk(
        &server,
        "GET /requests?limit=1 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    )
    .await;
    assert!(json.contains("content-type: application/json"), "{json}");
    assert_eq!(json.matches("\"number\"").count(), 1);

    for (request, status) in [
        ("GET /none HTTP/1.1\r\nHost: HOST\r\n\r\n", "404"),
        ("POST / HTTP/1.1\r\nHost: HOST\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
        ("GET / HTTP/1.1\r\n\r\n", "403"),
        ("nonsense\r\n\r\n", "400"),
        ("DELETE /requests HTTP/1.1\r\nHost: HOST\r\n\r\n", "204"),
    ] {
        let answer = talk(&server, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_mock_that_stops_frees_the_page_s_port() {
    let server = Server::builder().page(0).start().await.unwrap();
    let url = server.page_url().unwrap();
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    server.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
    assert!(Server::start().await.unwrap().page_url().is_none());
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)))
        .find(|file| file.is_file())
}

/// The page's document as the browser has it once its script has run.
fn dump(chromium: &PathBuf, url: &str) -> String {
    static PROFILES: AtomicU32 = AtomicU32::new(0);
    let number = PROFILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("aapns-mock-page-{}-{number}", std::process::id());
    let profile = std::env::temp_dir().join(name);
    let output = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-proxy-server",
            "--virtual-time-budget=3000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(&profile);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_browser_shows_what_was_received_as_text_and_filters_it() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no chromium on this machine");
        return;
    };
    // On a thread of its own: the test waits for the browser.
    let server = Server::builder().page(0).start_on_thread().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(attack(&server));
    let sent = server.requests().len();
    let url = server.page_url().unwrap();

    let document = dump(&chromium, &url);
    assert!(document.contains("<title>aapns mock</title>"), "{document}");
    let state = format!("{sent} of {sent} kept requests");
    assert!(document.contains(&state), "{document}");
    let rows = document.split("<tbody").nth(1).expect("a table");
    let rows = rows.split("</tbody").next().unwrap();
    assert!(rows.contains("&lt;img src=x onerror="), "{rows}");
    assert!(
        !rows.contains("<img") && !rows.contains("<script"),
        "{rows}"
    );

    let filtered = dump(&chromium, &format!("{url}?filter=nothing+like+this"));
    assert!(filtered.contains(&format!("0 of {sent} kept requests")));
    assert!(filtered.contains("Nothing matches the filter."));
}

/// What a mock would show of a request.
fn shown(number: u64, status: u16) -> Value {
    json!({
        "number": number, "at_ms": 1_790_000_000_000_u64, "connection": 1, "method": "POST",
        "path": "/1/apps/a.b/channels", "device_token": null, "apns_id": "", "headers": {},
        "payload": {}, "status": status, "reason": null,
    })
}

fn view(processed: u64, keep: u64, requests: &[Value]) -> Value {
    json!({"counts": {"processed": processed}, "keep": keep, "requests": requests})
}

/// Serves a page, and to its questions these answers, the last again and again. Returns its address, and what
/// it was asked for.
fn impostor(page: String, answers: Vec<Value>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let questions = asked.clone();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let length = tcp.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let (kind, body) = if target == "/" {
                ("text/html", page.clone())
            } else {
                let mut questions = questions.lock().unwrap();
                let answer = answers.get(questions.len()).or(answers.last()).unwrap();
                questions.push(target);
                ("application/json", answer.to_string())
            };
            let length = body.len();
            // A browser that went away wants nothing.
            let _ = write!(
                tcp,
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
        }
    });
    (url, asked)
}

async fn page() -> String {
    let server = Server::builder().page(0).start().await.unwrap();
    let answer = talk(&server, "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n").await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn the_page_begins_anew_with_a_mock_that_does_and_keeps_no_more_than_it() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no chromium on this machine");
        return;
    };
    let (url, asked) = impostor(
        page().await,
        vec![
            view(5, 9, &[shown(5, 200)]),
            view(3, 2, &[]),
            view(3, 2, &[shown(1, 400), shown(2, 201), shown(3, 204)]),
            view(3, 2, &[]),
        ],
    );
    let document = dump(&chromium, &url);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(
        asked[..3],
        [
            "/requests?after=0",
            "/requests?after=5",
            "/requests?after=0"
        ]
    );
    assert!(document.contains("2 of 2 kept requests"), "{document}");
    let rows = document.split("<tbody").nth(1).unwrap();
    for status in ["201", "204"] {
        assert!(
            rows.contains(&format!(r#"<td class="good">{status}</td>"#)),
            "{rows}"
        );
    }
    assert!(
        rows.find("204") < rows.find("201") && !rows.contains("400"),
        "{rows}"
    );
}

#[tokio::test]
async fn a_row_keeps_the_focus_while_others_come() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no chromium on this machine");
        return;
    };
    let script = "<script>\
        setTimeout(() => document.querySelector('summary').focus(), 500);\
        setTimeout(() => document.title = document.activeElement.tagName, 2500);\
        </script></body>";
    let (url, _) = impostor(
        page().await.replace("</body>", script),
        vec![
            view(1, 9, &[shown(1, 200)]),
            view(2, 9, &[shown(2, 200)]),
            view(2, 9, &[]),
        ],
    );
    let document = dump(&chromium, &url);
    assert!(document.contains("2 of 2 kept requests"), "{document}");
    assert!(document.contains("<title>SUMMARY</title>"), "{document}");
}
