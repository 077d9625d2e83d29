//! What may happen: each step is chosen by the input.

use std::rc::Rc;
use std::time::Duration;

use aapns_proto::delivery::Disconnect;
use aapns_proto::job::Policy;
use aapns_proto::pool::{Auth, Close, MintError};
use arbitrary::{Arbitrary, Result, Unstructured};

use super::model::{self, Submission};
use super::{Caller, World, dial_error, job};

impl World {
    pub(super) fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=31)? {
            0..=5 => self.submit(input)?,
            6 => self.cancel(input)?,
            7..=11 => self.with_end(input, |world, at, input| {
                let may_take = input.ratio(3, 4)?;
                world.turn(at, may_take);
                Ok(())
            })?,
            12..=16 => self.with_end(input, |world, at, input| {
                let end = world.ends[at].as_mut().expect("chosen");
                end.server.act(input)?;
                world.read(at);
                Ok(())
            })?,
            17..=18 => self.with_end(input, |world, at, input| {
                let most = usize::from(u16::arbitrary(input)?);
                world.write(at, most);
                Ok(())
            })?,
            19 => self.with_end(input, |world, at, input| {
                let end = world.ends[at].as_mut().expect("chosen");
                if input.ratio(1, 2)? {
                    end.link.handle_disconnect(world.now, Disconnect::Reset);
                } else {
                    world.bury(at);
                }
                Ok(())
            })?,
            20..=22 => self.dialed(input)?,
            23 => self.minted(input)?,
            24..=25 => self.now += Duration::from_millis(u64::from(u16::arbitrary(input)?)),
            26 => self.now = self.next_moment().map_or(self.now, |at| at.max(self.now)),
            27 => {
                self.jump += i64::from(i16::arbitrary(input)?);
                self.is_clock_news = true;
            }
            28 => self.deliver_wakes(),
            29 if input.ratio(1, 4)? => {
                let auth = *input.choose(&[Auth::None, Auth::Token])?;
                self.pool.set_credential(self.now, auth);
            }
            30 => {
                let (min, max) = (u16::arbitrary(input)? % 5, u16::arbitrary(input)? % 5);
                self.pool.resize(self.now, min, max);
            }
            31 if input.ratio(1, 8)? => self.close(input)?,
            _ => {}
        }
        Ok(())
    }

    fn with_end(
        &mut self,
        input: &mut Unstructured<'_>,
        f: impl FnOnce(&mut Self, usize, &mut Unstructured<'_>) -> Result<()>,
    ) -> Result<()> {
        let up: Vec<usize> = (0..self.ends.len())
            .filter(|at| self.ends[*at].is_some())
            .collect();
        if up.is_empty() {
            return Ok(());
        }
        let at = *input.choose(&up)?;
        f(self, at, input)
    }

    fn submit(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let timeout = input.int_in_range(0..=3)?;
        let timeout = [None, Some(0), Some(300), Some(20_000)][timeout];
        let policy = *input.choose(&[Policy::AtLeastOnce, Policy::AtMostOnce])?;
        let octets = usize::from(u8::arbitrary(input)?);
        let octets = if octets == 255 {
            model::OCTETS + 1
        } else {
            octets
        };
        let caller = Caller {
            number: self.model.next(),
            is_gone: Rc::default(),
        };
        let submission = Submission {
            tag: caller.number,
            octets,
            deadline: timeout.map(|ms| self.now + Duration::from_millis(ms)),
            policy,
        };
        let job = job(&caller, octets);
        let job = job.deadline(submission.deadline).policy(policy);
        let before = self.pool.stats();
        match self.pool.submit(self.now, job) {
            Ok(submitted) => {
                self.model.submitted(&before, &submission);
                self.tickets.push((submitted.ticket, caller));
                self.hot_wake(submitted.wake);
            }
            Err(rejected) => {
                assert_eq!(rejected.job.tag.number, caller.number);
                self.model.rejected(&before, octets, rejected.reason);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.tickets.is_empty() {
            return Ok(());
        }
        let at = input.choose_index(self.tickets.len())?;
        let (ticket, caller) = self.tickets.swap_remove(at);
        caller.is_gone.set(true);
        if let Some(job) = self.pool.cancel(ticket) {
            assert_eq!(job.tag.number, caller.number, "another's job");
            assert_eq!(job.attempts(), 0);
            self.model.cancelled(caller.number);
        }
        Ok(())
    }

    fn dialed(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.dials.is_empty() {
            return Ok(());
        }
        let at = input.choose_index(self.dials.len())?;
        let dial = self.dials.swap_remove(at);
        match input.int_in_range(0..=9)? {
            0 => self.pool.dial_failed(self.now, dial, dial_error(true)),
            1..=2 => self.pool.dial_failed(self.now, dial, dial_error(false)),
            3 => {
                let no_alpn = self.pool.dialed(self.now, dial, None);
                assert!(no_alpn.is_err());
            }
            _ => self.connect(dial, u32::from(u8::arbitrary(input)? % 20)),
        }
        Ok(())
    }

    fn minted(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let Some(mint) = self.mints.pop() else {
            return Ok(());
        };
        let result = match input.int_in_range(0..=5)? {
            0 => Err(MintError("no key".into())),
            1 => Ok(self.token(u64::from(u16::arbitrary(input)?))),
            2 => mint.refused.clone().ok_or(MintError("none".into())),
            _ => Ok(self.token(0)),
        };
        self.pool.minted(self.now, self.unix(), mint, result);
        Ok(())
    }

    fn close(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let until = self.now + Duration::from_millis(u64::from(u16::arbitrary(input)?));
        let how = *input.choose(&[Close::Abort, Close::Drain { until }])?;
        self.pool.close(self.now, how);
        self.model.is_closing = true;
        Ok(())
    }
}
