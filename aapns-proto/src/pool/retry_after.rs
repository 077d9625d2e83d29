//! The `Retry-After` field (RFC 9110 §10.2.3): seconds, or a date.

use std::time::Duration;

use crate::limits::{ANSWER_CAP, ANSWER_FIRST};
use crate::request::Response;

/// How long the answer asks to wait, bounded both ways; `None` if it doesn't say, or says a date and
/// `unix` is zero: the time isn't known.
pub(crate) fn delay(response: &Response, unix: Duration) -> Option<Duration> {
    let value = std::str::from_utf8(response.fields.get("retry-after")?).ok()?;
    let delay = match value.parse() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) if unix.is_zero() => return None,
        Err(_) => date(value)?.saturating_sub(unix),
    };
    Some(delay.clamp(ANSWER_FIRST, ANSWER_CAP))
}

/// An IMF-fixdate (RFC 9110 §5.6.7), `Sun, 06 Nov 1994 08:49:37 GMT`, as time since 1970.
fn date(text: &str) -> Option<Duration> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.strip_suffix(" GMT")?.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let mut part = |limit| clock.next()?.ok().filter(|n| *n < limit);
    let secs = part(24)? * 3_600 + part(60)? * 60 + part(61)?;
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    Some(Duration::from_secs(
        (days_before(year, month) + day - 1) * 86_400 + secs,
    ))
}

/// Days from 1970 to the first of this month (0 = January).
fn days_before(year: u64, month: usize) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leaps(year) > leaps(year - 1);
    let leap_day = u64::from(is_leap && month >= 2);
    let before = BEFORE.get(month).copied().unwrap_or_default();
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before + leap_day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay_of(value: &str, unix: u64) -> Option<Duration> {
        let mut response = Response::default();
        response.fields.push("retry-after", value).unwrap();
        delay(&response, Duration::from_secs(unix))
    }

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!(delay_of("30", 0), secs(30));
        assert_eq!(delay_of("0", 0), secs(1));
        assert_eq!(delay_of("99999999999", 0), secs(900));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(delay_of(date, 784_111_777 - 60), secs(60));
        assert_eq!(delay_of(date, 784_111_777 + 60), secs(1));
        assert_eq!(delay_of(date, 0), None, "what time it is isn't known");
        assert_eq!(
            date_of("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(1_709_164_800)
        );
        assert_eq!(
            date_of("Fri, 01 Mar 2024 00:00:00 GMT"),
            Some(1_709_251_200)
        );
        assert_eq!(date_of("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn nonsense_is_ignored() {
        for value in [
            "",
            "soon",
            "-1",
            "Sun, 06 Nov",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 99:49:37 GMT",
        ] {
            assert_eq!(delay_of(value, 1), None, "{value}");
        }
    }

    fn date_of(text: &str) -> Option<u64> {
        date(text).map(|time| time.as_secs())
    }
}
