//! The Date header (RFC 3261 §20.17): RFC 1123 dates, always GMT.

use super::text::{Split, next_word, number};
use crate::prelude::*;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Unix seconds of `Sat, 13 Nov 2010 23:29:00 GMT`. `None` for anything else,
/// other time zones included (RFC 4475 §3.1.2.12), and for years before 1970.
pub fn parse_date(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut word = || next_word(&mut rest);
    let (_weekday, day, month, year, time, zone) = (word(), word(), word(), word(), word(), word());
    if !zone.eq_ignore_ascii_case("GMT") || !word().is_empty() {
        return None;
    }
    let month = MONTHS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(month))?;
    let (year, day) = (u64::from(number(year)?), u64::from(number(day)?));
    let mut parts = Split::new(time, b':');
    let mut part = |limit| {
        number(parts.next()?)
            .filter(|value| *value < limit)
            .map(u64::from)
    };
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(61)?);
    if parts.next().is_some() || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_before(year, month as u64) + day - 1;
    Some(days * 86_400 + hours * 3600 + minutes * 60 + seconds)
}

/// The value of a Date header for `seconds` of Unix time.
pub fn format_date(seconds: u64) -> String {
    let days = seconds / 86_400;
    let mut year = 1970 + days / 366;
    while days_before(year + 1, 0) <= days {
        year += 1;
    }
    let month = (1..12)
        .take_while(|month| days_before(year, *month) <= days)
        .count();
    let day = days - days_before(year, month as u64) + 1;
    let weekday = WEEKDAYS.get((days % 7) as usize).unwrap_or(&"");
    let name = MONTHS.get(month).unwrap_or(&"");
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Days from 1 January 1970 to the first of `month` (0 to 11) in `year`.
fn days_before(year: u64, month: u64) -> u64 {
    // Counted in years that begin in March, so that leap days come last.
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Sat, 15 Oct 2005 04:44:56 GMT", 1_129_351_496),
            ("Sun, 31 Dec 2028 23:59:59 GMT", 1_861_919_999),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ] {
            assert_eq!(parse_date(text), Some(seconds), "{text}");
            assert_eq!(format_date(seconds), text);
        }
        for day in 0..60_000 {
            assert_eq!(
                parse_date(&format_date(day * 86_400 + 5)),
                Some(day * 86_400 + 5)
            );
        }
    }

    #[test]
    fn other_zones_and_rubbish_are_not_guessed_at() {
        for bad in [
            "",
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 01 Jan 2010 16:00:00",
            "Fri, 00 Jan 2010 16:00:00 GMT",
            "Fri, 01 Foo 2010 16:00:00 GMT",
            "Fri, 01 Jan 99999999999 16:00:00 GMT",
            "Fri, 01 Jan 2010 25:00:00 GMT",
            "Fri, 01 Jan 2010 16:00:00:00 GMT",
            "Fri, 01 Jan 1900 16:00:00 GMT",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
