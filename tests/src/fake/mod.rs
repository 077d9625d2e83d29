//! A fake APNs: one HTTP/2 server connection as plain code, sharing nothing with `aapns-proto`.

mod acts;
mod answers;
mod block;
pub mod fate;
mod goaway;
pub mod habits;
pub mod reply;
mod requests;
pub mod server;
pub mod streams;
pub mod token;
pub mod wire;

pub use habits::{Habits, Scripted};
pub use server::{Act, Context, Server};

#[cfg(test)]
mod tests;
