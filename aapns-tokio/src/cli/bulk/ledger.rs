//! What earlier runs settled: read from their output and their journal.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use aapns_models::ApnsId;
use aapns_models::ndjson::{Outcome, Settled};
use aapns_proto::Policy;

use super::journal::{Intent, is_of_a_journal};
use super::open::{Event, Open, OpenLines};
use crate::cli::exit::Fault;

/// Lines in one block of the bitmap.
const BLOCK: u64 = 4096;

/// A bit a line.
type Bits = [u64; BLOCK as usize / 64];

/// Which lines are settled, and what is known of the others.
#[derive(Debug)]
pub(super) struct Ledger {
    policy: Policy,
    /// A quarter of an octet for each line, whatever its number.
    blocks: BTreeMap<u64, Box<Block>>,
    /// Lines that were taken up and not settled.
    open: OpenLines,
}

#[derive(Debug)]
struct Block {
    settled: Bits,
    /// Of the settled ones.
    delivered: Bits,
}

impl Ledger {
    /// Nothing is settled.
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            blocks: BTreeMap::new(),
            open: OpenLines::default(),
        }
    }

    /// Reads an output file, and cuts off the line that a crash left unfinished. No file is an empty one.
    pub(super) fn read_output(&mut self, path: &Path) -> Result<(), Fault> {
        let fault = |error| Fault::file("read", path, &error, "check the path given to --output");
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file.map_err(fault)?,
        };
        let mut end = 0;
        for_each_line(&file, |number, line| {
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            end += line.len() as u64;
            let settled = Settled::parse(line).ok_or_else(|| {
                Fault::usage(format_args!(
                    "line {number} of {} is not a result of aapns send; give the output of the run to resume to --output",
                    path.display()
                ))
            })?;
            self.take(settled);
            Ok(())
        })
        .map_err(fault)??;
        self.open.settle(|line| is_marked(&self.blocks, line));
        // Only a file has an end that can be cut off.
        if file.metadata().map_err(fault)?.len() > end {
            file.set_len(end).map_err(fault)?;
        }
        Ok(())
    }

    /// Reads a journal, after the output. No file is an empty one.
    pub(super) fn read_journal(&mut self, path: &Path) -> Result<(), Fault> {
        let fault = |error| Fault::file("read", path, &error, "check the path given to --journal");
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file.map_err(fault)?,
        };
        for_each_line(&file, |number, line| {
            if !is_of_a_journal(line) {
                return Err(Fault::usage(format_args!(
                    "line {number} of {} is not of a journal; give the journal of the run to resume to --journal",
                    path.display()
                )));
            }
            if let Some(intent) = Intent::parse(line).filter(|intent| !self.is_settled(intent.line))
            {
                self.open
                    .add(intent.line, Some(intent.apns_id), Event::Intent);
            }
            Ok(())
        })
        .map_err(fault)??;
        self.open.settle(|line| is_marked(&self.blocks, line));
        Ok(())
    }

    /// Lines with more outcomes than intents, as runs without this journal leave them: their ids, and how many
    /// intents are missing. Without these, the intent of a run that crashes would seem to have its outcome.
    pub(super) fn missing_intents(&self) -> impl Iterator<Item = (Intent, u64)> {
        self.open
            .iter()
            .filter(|(_, open)| open.missing_intents() > 0)
            .map(|(line, open)| {
                let apns_id = open.apns_id.unwrap_or_else(ApnsId::random);
                (Intent { line, apns_id }, open.missing_intents())
            })
    }

    /// Whether a line needs nothing more.
    pub(super) fn is_settled(&self, line: u64) -> bool {
        is_marked(&self.blocks, line)
    }

    /// What is known of a line that is not settled.
    pub(super) fn open(&self, line: u64) -> Open {
        self.open.get(line)
    }

    /// Whether a line that may have been processed is never sent again.
    pub(super) fn never_resends(&self) -> bool {
        self.policy == Policy::AtMostOnce
    }

    /// How many lines are settled.
    pub(super) fn settled(&self) -> u64 {
        count(self.blocks.values().map(|block| &block.settled))
    }

    /// How many of the settled lines were delivered.
    pub(super) fn delivered(&self) -> u64 {
        count(self.blocks.values().map(|block| &block.delivered))
    }

    /// The last outcome of a line wins.
    fn take(&mut self, result: Settled) {
        let is_settled = result.outcome.is_settled()
            || (result.outcome == Outcome::Unknown && self.policy == Policy::AtMostOnce);
        self.mark(
            result.line,
            is_settled,
            result.outcome == Outcome::Delivered,
        );
        let event = match result.outcome {
            _ if is_settled => return,
            Outcome::Unknown => Event::Unknown,
            _ => Event::NotProcessed,
        };
        self.open.add(result.line, result.apns_id, event);
    }

    fn mark(&mut self, line: u64, is_settled: bool, is_delivered: bool) {
        let (block, word, bit) = place(line);
        let block = self.blocks.entry(block).or_insert_with(|| {
            Box::new(Block {
                settled: [0; _],
                delivered: [0; _],
            })
        });
        for (words, is_set) in [
            (&mut block.settled, is_settled),
            (&mut block.delivered, is_delivered),
        ] {
            if is_set {
                words[word] |= bit;
            } else {
                words[word] &= !bit;
            }
        }
    }
}

fn is_marked(blocks: &BTreeMap<u64, Box<Block>>, line: u64) -> bool {
    let (block, word, bit) = place(line);
    blocks
        .get(&block)
        .is_some_and(|block| block.settled[word] & bit != 0)
}

fn count<'a>(bits: impl Iterator<Item = &'a Bits>) -> u64 {
    bits.flatten()
        .map(|word| u64::from(word.count_ones()))
        .sum()
}

fn place(line: u64) -> (u64, usize, u64) {
    let within = line % BLOCK;
    (line / BLOCK, (within / 64) as usize, 1 << (within % 64))
}

/// Calls `visit` with each line, numbered from 1, its line feed included.
fn for_each_line(
    file: &File,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), Fault>,
) -> std::io::Result<Result<(), Fault>> {
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    let mut number = 0;
    while lines.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        if let Err(fault) = visit(number, &line) {
            return Ok(Err(fault));
        }
        line.clear();
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aapns_models::ndjson::OutputLine;
    use std::path::PathBuf;

    struct Files(PathBuf);

    impl Files {
        fn new(name: &str) -> Self {
            let dir =
                std::env::temp_dir().join(format!("aapns-ledger-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn output(&self, lines: &[(u64, Outcome)], rest: &[u8]) -> PathBuf {
            let mut text = Vec::new();
            for (line, outcome) in lines {
                let mut output = OutputLine::new(*line, *outcome);
                output.apns_id = Some(ApnsId::from_u128(u128::from(*line)));
                output.write(&mut text);
            }
            text.extend_from_slice(rest);
            let path = self.0.join("out");
            std::fs::write(&path, text).unwrap();
            path
        }

        fn journal(&self, lines: &[u64]) -> PathBuf {
            let path = self.0.join("journal");
            let mut journal = super::super::journal::Journal::open(&path, false).unwrap();
            for line in lines {
                journal.intend(*line, ApnsId::from_u128(100 + u128::from(*line)));
            }
            journal.write().unwrap();
            path
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn unknown_is_settled_under_at_most_once_only() {
        use Outcome::{Delivered, Invalid, NotProcessed, Rejected, Unknown};
        let files = Files::new("policy");
        let path = files.output(
            &[
                (1, Delivered),
                (2, Rejected),
                (3, Invalid),
                (4, NotProcessed),
                (5, Unknown),
                (90_000, Delivered),
            ],
            b"",
        );
        for (policy, settled) in [
            (Policy::AtLeastOnce, vec![1, 2, 3, 90_000]),
            (Policy::AtMostOnce, vec![1, 2, 3, 5, 90_000]),
        ] {
            let mut ledger = Ledger::new(policy);
            ledger.read_output(&path).unwrap();
            let found: Vec<u64> = (0..100_000)
                .filter(|line| ledger.is_settled(*line))
                .collect();
            assert_eq!(found, settled);
            assert_eq!(ledger.settled(), settled.len() as u64);
            assert_eq!(ledger.delivered(), 2);
            assert_eq!(ledger.open(4).apns_id, Some(ApnsId::from_u128(4)));
        }
    }

    #[test]
    fn the_last_outcome_of_a_line_wins() {
        let files = Files::new("last");
        let path = files.output(
            &[
                (1, Outcome::NotProcessed),
                (1, Outcome::Unknown),
                (1, Outcome::Delivered),
            ],
            b"",
        );
        let mut ledger = Ledger::new(Policy::AtLeastOnce);
        ledger.read_output(&path).unwrap();
        assert!(ledger.is_settled(1));
        assert_eq!((ledger.settled(), ledger.delivered()), (1, 1));
        assert_eq!(ledger.open(1), Open::default());
        let path = files.output(&[(1, Outcome::Delivered), (1, Outcome::NotProcessed)], b"");
        let mut ledger = Ledger::new(Policy::AtLeastOnce);
        ledger.read_output(&path).unwrap();
        assert_eq!((ledger.settled(), ledger.delivered()), (0, 0));
    }

    #[test]
    fn an_unfinished_last_line_is_cut_off_and_a_foreign_file_is_refused() {
        let files = Files::new("cut");
        let path = files.output(&[(1, Outcome::Delivered)], b"{\"line\": 2, \"devi");
        let mut ledger = Ledger::new(Policy::AtLeastOnce);
        ledger.read_output(&path).unwrap();
        assert!(std::fs::read(&path).unwrap().ends_with(b"}\n"));
        let path = files.output(&[], b"hello\n");
        let fault = Ledger::new(Policy::AtLeastOnce)
            .read_output(&path)
            .unwrap_err();
        assert!(fault.to_string().contains("line 1 of"), "{fault}");
        assert_eq!(std::fs::read(&path).unwrap(), b"hello\n");
    }

    #[test]
    fn an_intent_without_outcome_is_in_limbo() {
        let files = Files::new("limbo");
        let output = files.output(&[(1, Outcome::Delivered), (2, Outcome::NotProcessed)], b"");
        let journal = files.journal(&[1, 2, 3]);
        let mut ledger = Ledger::new(Policy::AtMostOnce);
        ledger.read_output(&output).unwrap();
        ledger.read_journal(&journal).unwrap();
        assert!(!ledger.open(2).is_in_limbo());
        let open = ledger.open(3);
        assert!(open.is_in_limbo());
        assert_eq!(open.apns_id, Some(ApnsId::from_u128(103)));
        let journal = files.journal(&[1, 2, 3, 2]);
        let mut ledger = Ledger::new(Policy::AtMostOnce);
        ledger.read_output(&output).unwrap();
        ledger.read_journal(&journal).unwrap();
        assert!(ledger.open(2).is_in_limbo());
    }

    #[test]
    fn intents_are_missing_where_a_run_had_no_journal() {
        use Outcome::{Delivered, NotProcessed, Unknown};
        let files = Files::new("missing");
        let output = files.output(
            &[
                (1, Delivered),
                (2, NotProcessed),
                (3, Unknown),
                (3, NotProcessed),
                (4, NotProcessed),
            ],
            b"",
        );
        let journal = files.journal(&[1, 3, 4]);
        let mut ledger = Ledger::new(Policy::AtLeastOnce);
        ledger.read_output(&output).unwrap();
        ledger.read_journal(&journal).unwrap();
        let missing: Vec<_> = ledger
            .missing_intents()
            .map(|(intent, count)| (intent.line, intent.apns_id, count))
            .collect();
        let expected = [(2, ApnsId::from_u128(2), 1), (3, ApnsId::from_u128(103), 1)];
        assert_eq!(missing, expected);
        // What was unknown once stays so, whatever came of it later.
        assert!(ledger.open(3).may_be_processed());
        assert!(!ledger.open(2).may_be_processed());
    }

    #[test]
    fn files_that_are_not_there_yet_settle_nothing() {
        let nowhere = Path::new("/no/such/file");
        let mut ledger = Ledger::new(Policy::AtLeastOnce);
        ledger.read_output(nowhere).unwrap();
        ledger.read_journal(nowhere).unwrap();
        assert_eq!(ledger.settled(), 0);
    }
}
