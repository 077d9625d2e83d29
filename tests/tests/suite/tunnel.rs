//! A little HTTP proxy that does what a test wants, with threads of its own.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the proxy answers to CONNECT.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Habit {
    /// This head, then the tunnel if it says 200.
    Answer(&'static str),
    /// The same, octet by octet.
    Drip(&'static str),
    /// This head and the server's first octets in one write.
    Eager(&'static str),
    /// This much of a head, and the end of the connection.
    HangUp(&'static str),
    /// Nothing.
    Hang,
}

/// A proxy; its threads end with their connections.
#[derive(Debug)]
pub(crate) struct Tunnel {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    pub(crate) fn new(habit: Habit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = Arc::clone(&seen);
                let stream = stream.expect("a connection");
                // A client that goes away is no failure of the proxy.
                std::thread::spawn(move || drop(serve(stream, habit, &seen)));
            }
        });
        Self { address, heads }
    }

    /// `http://HOST:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked of it, each up to the blank line.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

fn serve(mut client: TcpStream, habit: Habit, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        client.read_exact(&mut octet)?;
        head.extend(octet);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().expect("no panic").push(head);
    match habit {
        Habit::Answer(answer) => client.write_all(answer.as_bytes())?,
        Habit::Drip(answer) => {
            client.set_nodelay(true)?;
            for octet in answer.bytes() {
                client.write_all(&[octet])?;
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Habit::Eager(answer) => {
            let mut server = TcpStream::connect(&target)?;
            let mut octets = [0; 4096];
            let read = server.read(&mut octets)?;
            let both = [answer.as_bytes(), octets.get(..read).unwrap_or_default()].concat();
            client.write_all(&both)?;
            return relay(&client, &server);
        }
        Habit::HangUp(answer) => return client.write_all(answer.as_bytes()),
        Habit::Hang => {
            // Until the client loses patience.
            let _ = client.read(&mut [0])?;
            return Ok(());
        }
    }
    relay(&client, &TcpStream::connect(&target)?)
}

fn relay(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let copied = io::copy(&mut from_server, &mut to_client);
    let _ = client.shutdown(Shutdown::Both);
    copied.map(drop)
}
