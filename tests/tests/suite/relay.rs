//! A TCP relay before a server, each of whose connections fares as told, with threads of its own.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

/// What becomes of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Everything passes.
    Pass,
    /// So many octets of the server pass; then a black hole: open, and silent both ways.
    BlackHole(usize),
    /// So many octets of the server pass; then the connection is cut.
    Cut(usize),
}

/// The relay; its threads end with their connections.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
}

impl Relay {
    /// Before this server; connections take the fates in turn, and the rest pass.
    pub(crate) fn new(server: SocketAddr, fates: impl Into<Vec<Fate>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut fates = fates.into().into_iter();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let fate = fates.next().unwrap_or(Fate::Pass);
                // An end that goes away is no failure of the relay.
                std::thread::spawn(move || drop(relay(&client, server, fate)));
            }
        });
        Self { address }
    }

    /// `https://HOST:PORT`.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.address)
    }
}

fn relay(mut client: &TcpStream, address: SocketAddr, fate: Fate) -> io::Result<()> {
    let server = TcpStream::connect(address)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let mut left = match fate {
        Fate::Pass => usize::MAX,
        Fate::BlackHole(octets) | Fate::Cut(octets) => octets,
    };
    let mut octets = [0; 4096];
    loop {
        let n = (&server).read(&mut octets)?;
        let passing = n.min(left);
        client.write_all(octets.get(..passing).unwrap_or_default())?;
        left -= passing;
        let is_cut = left == 0 && matches!(fate, Fate::Cut(_));
        if n == 0 || is_cut {
            break;
        }
    }
    server.shutdown(Shutdown::Both)?;
    client.shutdown(Shutdown::Both)
}
