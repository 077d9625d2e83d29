//! Deliberately broken variants, for tests of the tests: an oracle that passes one of these is blind.
//!
//! Only with feature `mutants`. Without it the questions below are constants, and cost nothing.

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    not(feature = "mutants"),
    allow(unreachable_pub, reason = "public by feature `mutants` only")
)]
pub enum Mutant {
    /// A link that leaves work behind wakes nobody.
    NoBaton,
    /// A link that dies while it is on its way to work passes nothing on.
    DeathDropsBaton,
    /// A link that was woken doesn't exchange unless it has credit.
    NoExchangeWithoutCredit,
    /// A submit wakes nobody.
    SubmitWakesNobody,
    /// An attempt whose delivery is unknown is followed by another, under `AtMostOnce` too.
    ResendUnknown,
    /// A request that was answered is sent once more.
    ResendAnswered,
    /// A job that the server refused is dropped.
    LoseRefused,
    /// Dials follow each other without a pause.
    DialStorm,
    /// Delayed jobs never become due: the timer stays in the past.
    BusyTimer,
    /// The stream at a GOAWAY's last-stream-id counts as not processed.
    GoAwayOffByOne,
    /// Each request that ends leaves its place occupied.
    LeakStream,
    /// A deadline in flight passes unnoticed.
    IgnoreDeadline,
    /// One request more than the server allows is started.
    OverLimit,
    /// What was lent to the transport counts as not sent.
    LentIsNotSent,
}

impl Mutant {
    /// All of them.
    #[cfg(feature = "mutants")]
    pub const ALL: [Self; 14] = [
        Self::NoBaton,
        Self::DeathDropsBaton,
        Self::NoExchangeWithoutCredit,
        Self::SubmitWakesNobody,
        Self::ResendUnknown,
        Self::ResendAnswered,
        Self::LoseRefused,
        Self::DialStorm,
        Self::BusyTimer,
        Self::GoAwayOffByOne,
        Self::LeakStream,
        Self::IgnoreDeadline,
        Self::OverLimit,
        Self::LentIsNotSent,
    ];
}

/// Whether a configuration asks for one.
macro_rules! can_mutate {
    ($config:ty) => {
        impl $config {
            #[cfg(feature = "mutants")]
            #[inline]
            pub(crate) fn is(&self, mutant: crate::mutants::Mutant) -> bool {
                self.mutant == Some(mutant)
            }

            #[cfg(not(feature = "mutants"))]
            #[inline]
            pub(crate) const fn is(&self, _: crate::mutants::Mutant) -> bool {
                false
            }
        }
    };
}

can_mutate!(crate::connection::ConnectionConfig);
