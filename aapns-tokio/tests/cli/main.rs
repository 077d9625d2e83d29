//! The program, run as its users run it.

mod bench;
mod bulk;
mod demo;
mod doctor;
mod interrupts;
mod mock;
mod resume;
mod send;
mod support;
mod usage;
