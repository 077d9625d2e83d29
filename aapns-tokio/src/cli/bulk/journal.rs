//! Intents: what is about to be sent, written before it is.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use aapns_models::ApnsId;
use serde_json::Value;

use super::ledger::Ledger;
use crate::cli::exit::Fault;

/// Intents written at once, at most.
const BATCH: usize = 1024;

/// The file, and what goes into it with the next batch.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    batch: Vec<u8>,
}

/// One line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) line: u64,
    pub(super) apns_id: ApnsId,
}

impl Intent {
    /// Reads a line; `None` for one that a crash cut off: what it announced was not sent.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let intent: Value = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
        Some(Self {
            line: intent.get("line")?.as_u64()?,
            apns_id: intent.get("apns_id")?.as_str()?.parse().ok()?,
        })
    }
}

/// Whether a line can have been written by a journal, whole or cut off by a crash.
pub(super) fn is_of_a_journal(line: &[u8]) -> bool {
    const START: &[u8] = b"{\"line\": ";
    let line = line.trim_ascii();
    line.starts_with(START) || START.starts_with(line)
}

impl Journal {
    /// Begins a journal, or goes on with it.
    pub(super) fn open(path: &Path, is_resumed: bool) -> Result<Self, Fault> {
        let file = OpenOptions::new()
            .create(true)
            .append(is_resumed)
            .write(true)
            .truncate(!is_resumed)
            .open(path)
            .map_err(|error| write_fault(path, &error))?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            batch: Vec::new(),
        };
        if is_resumed {
            // Ends a line that a crash cut off, so that the next one can be read.
            journal.batch.push(b'\n');
            journal.write()?;
        }
        Ok(journal)
    }

    /// Writes the intents that earlier runs didn't, before anything is sent.
    pub(super) fn catch_up(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        let missing = ledger
            .missing_intents()
            .flat_map(|(intent, count)| (0..count).map(move |_| intent));
        for (number, intent) in missing.enumerate() {
            self.intend(intent.line, intent.apns_id);
            if number % BATCH == BATCH - 1 {
                self.write()?;
            }
        }
        self.write()
    }

    /// Adds an intent to the batch.
    pub(super) fn intend(&mut self, line: u64, apns_id: ApnsId) {
        let _ = writeln!(
            self.batch,
            "{{\"line\": {line}, \"apns_id\": \"{apns_id}\"}}"
        );
    }

    /// Writes the batch. After that it outlives this process, though not a crash of the machine.
    pub(super) fn write(&mut self) -> Result<(), Fault> {
        let written = self.file.write_all(&self.batch);
        self.batch.clear();
        written.map_err(|error| write_fault(&self.path, &error))
    }
}

fn write_fault(path: &Path, error: &std::io::Error) -> Fault {
    Fault::file(
        "write",
        path,
        error,
        "give a file that you may write to, with room on its disk, to --journal",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_read_as_it_was_written_and_not_when_cut_off() {
        let path = std::env::temp_dir().join(format!("aapns-journal-{}", std::process::id()));
        let mut journal = Journal::open(&path, false).unwrap();
        let intent = Intent {
            line: 7,
            apns_id: ApnsId::from_u128(9),
        };
        journal.intend(intent.line, intent.apns_id);
        journal.write().unwrap();
        let text = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Intent::parse(&text), Some(intent));
        for end in 0..text.len() {
            assert_eq!(Intent::parse(&text[..end]), None);
            assert!(is_of_a_journal(&text[..end]));
        }
        assert!(!is_of_a_journal(b"Dear diary\n"));
    }
}
