//! This machine's clock against the server's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aapns_models::Reason;
use aapns_proto::client::Answer;

use super::report::Report;

const CHECK: &str = "clock";

/// Apple takes tokens up to an hour old: a minute is harmless, and more is not an accident.
const TOLERANCE: Duration = Duration::from_secs(60);

/// What an answer tells of the clock: by its date, or by refusing a fresh token as expired.
pub(super) fn check(answer: &Answer, report: &mut Report) {
    if answer.reason() == Some(Reason::ExpiredProviderToken) {
        return report.failed(
            CHECK,
            "the server takes a token that was just made for an old one",
            "set this machine's clock",
        );
    }
    let date = answer
        .response
        .fields
        .get("date")
        .and_then(|date| std::str::from_utf8(date).ok())
        .and_then(unix_time);
    let Some(date) = date else {
        return report.not_checked(CHECK, "the answer has no date");
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let difference = now.abs_diff(date);
    let detail = format!("{} s from the server's", difference.as_secs());
    if difference <= TOLERANCE {
        report.ok(CHECK, detail);
    } else {
        report.warning(
            CHECK,
            detail,
            "set this machine's clock: provider tokens carry its time",
        );
    }
}

/// The time of an IMF-fixdate (RFC 9110 §5.6.7), since 1970: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn unix_time(date: &str) -> Option<Duration> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = date.split_once(", ")?;
    let mut parts = date.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|year| (1970..10_000).contains(year))?;
    let mut time = parts
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // Days before the month, in a year that begins in March: leap days come last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some(Duration::from_secs(
        ((days * 24 + hour) * 60 + minute) * 60 + second,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_seconds_since_1970() {
        for (date, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Fri, 31 Dec 2100 00:00:00 GMT", 4_133_894_400),
        ] {
            assert_eq!(
                unix_time(date),
                Some(Duration::from_secs(seconds)),
                "{date}"
            );
        }
        for wrong in [
            "",
            "yesterday",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 6 Nov 1 0:0:0 GMT",
        ] {
            assert_eq!(unix_time(wrong), None, "{wrong}");
        }
    }
}
