//! A server that costs little: it walks frames without a look at fields, and answers every request.

use std::io::{Read, Write};
use std::net::TcpListener;

const PREFACE: usize = 24;
const HEADER: usize = 9;

/// Octets of DATA after which the connection's window is given back.
const OWED: u32 = 1 << 20;

/// SETTINGS of 1000 streams, and a large window for the connection.
const HELLO: &[u8] = &[
    0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0xe8, //
    0, 0, 4, 8, 0, 0, 0, 0, 0, 0x40, 0, 0, 0,
];

/// One connection's server side: octets in, octets out.
#[derive(Debug)]
pub(crate) struct Blind {
    /// The field block of every answer.
    block: Vec<u8>,
    input: Vec<u8>,
    has_preface: bool,
    owed: u32,
}

impl Blind {
    /// A server that greets first.
    pub(crate) fn new(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(HELLO);
        Self {
            block: crate::support::block(&["apns-id"]),
            input: Vec::new(),
            has_preface: false,
            owed: 0,
        }
    }

    /// Octets of the client in, octets for it out.
    pub(crate) fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.input.extend_from_slice(octets);
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        if !self.has_preface && rest.len() >= PREFACE {
            self.has_preface = true;
            rest = &rest[PREFACE..];
        }
        while self.has_preface && rest.len() >= HEADER {
            let length =
                usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
            if rest.len() < HEADER + length {
                break;
            }
            self.frame(&rest[..HEADER + length], out);
            rest = &rest[HEADER + length..];
        }
        let parsed = input.len() - rest.len();
        self.input = input;
        self.input.drain(..parsed);
    }

    fn frame(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        let (kind, flags) = (frame[3], frame[4]);
        match (kind, flags & 1) {
            (4, 0) => out.extend_from_slice(&[0, 0, 0, 4, 1, 0, 0, 0, 0]),
            (6, 0) => {
                out.extend_from_slice(&[0, 0, 8, 6, 1, 0, 0, 0, 0]);
                out.extend_from_slice(&frame[HEADER..]);
            }
            (0 | 1, 1) => {
                out.extend_from_slice(&[0, 0, self.block.len() as u8, 1, 5]);
                out.extend_from_slice(&frame[5..HEADER]);
                out.extend_from_slice(&self.block);
            }
            _ => {}
        }
        if kind == 0 {
            self.owed += (frame.len() - HEADER) as u32;
        }
        if self.owed > OWED {
            out.extend_from_slice(&[0, 0, 4, 8, 0, 0, 0, 0, 0]);
            out.extend_from_slice(&self.owed.to_be_bytes());
            self.owed = 0;
        }
    }

    /// Serves a connection to its end.
    pub(crate) fn serve(mut stream: impl Read + Write) -> std::io::Result<()> {
        let mut out = Vec::new();
        let mut blind = Self::new(&mut out);
        let mut buf = vec![0; 64 * 1024];
        loop {
            stream.write_all(&out)?;
            stream.flush()?;
            out.clear();
            match stream.read(&mut buf)? {
                0 => return Ok(()),
                n => blind.feed(&buf[..n], &mut out),
            }
        }
    }
}

/// Serves plain HTTP/2 on a port of loopback, in threads that end with the process.
pub(crate) fn serve_plain() -> u16 {
    serve(Blind::serve)
}

/// Serves on a port of loopback, each connection by a call of `each` in a thread of its own.
pub(crate) fn serve(
    each: impl Fn(std::net::TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            std::thread::spawn(move || {
                stream.set_nodelay(true)?;
                each(stream)
            });
        }
    });
    port
}
