//! HTTP dates: the three forms of RFC 9110 §5.6.7, as senders write them.
//!
//! Letter case and the name of the weekday are forgiven, since senders get them wrong and the date stays plain. A
//! date of any other shape is no date: guessing would let a cache think something fresh that its origin did not.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The time that an HTTP date names; `None` when it is none.
///
/// `now` decides the century of the form with two-digit years: one that seems more than 50 years ahead is past.
pub fn parse(text: &str, now: SystemTime) -> Option<SystemTime> {
    let text = text.trim_matches([' ', '\t']);
    let (day, month, year, time) = fixdate(text)
        .or_else(|| rfc850(text, now))
        .or_else(|| asctime(text))?;
    let days = days_since_1970(year, month, day)?;
    let seconds = days.checked_mul(86_400)?.checked_add(time)?;
    match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(after)),
        Err(_) => Some(SystemTime::UNIX_EPOCH),
    }
}

/// The form in which a time is sent.
pub fn format(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

type Parts = (i64, i64, i64, i64);

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn fixdate(text: &str) -> Option<Parts> {
    let mut words = text.split(' ');
    let weekday = words.next()?.strip_suffix(',')?;
    short_weekday(weekday)?;
    let (day, month, year) = (
        digits(words.next()?, 2)?,
        month(words.next()?)?,
        digits(words.next()?, 4)?,
    );
    let time = time(words.next()?)?;
    gmt(words.next()?, words.next())?;
    Some((day, month, year, time))
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850(text: &str, now: SystemTime) -> Option<Parts> {
    let mut words = text.split(' ');
    let weekday = words.next()?.strip_suffix(',')?;
    WEEKDAYS
        .iter()
        .find(|name| name.eq_ignore_ascii_case(weekday))?;
    let mut date = words.next()?.split('-');
    let (day, month, year) = (
        digits(date.next()?, 2)?,
        month(date.next()?)?,
        digits(date.next()?, 2)?,
    );
    if date.next().is_some() {
        return None;
    }
    let time = time(words.next()?)?;
    gmt(words.next()?, words.next())?;
    Some((day, month, full_year(year, now), time))
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<Parts> {
    let (weekday, rest) = text.split_once(' ')?;
    short_weekday(weekday)?;
    let (name, rest) = rest.split_once(' ')?;
    let month = month(name)?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = match day.strip_prefix(' ') {
        Some(day) => digits(day, 1)?,
        None => digits(day, 2)?,
    };
    let (clock, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    Some((day, month, digits(year, 4)?, time(clock)?))
}

fn short_weekday(name: &str) -> Option<()> {
    let known = |full: &&&str| {
        full.get(..3)
            .is_some_and(|short| short.eq_ignore_ascii_case(name))
    };
    WEEKDAYS.iter().find(known).map(|_| ())
}

fn month(name: &str) -> Option<i64> {
    let index = MONTHS
        .iter()
        .position(|month| month.eq_ignore_ascii_case(name))?;
    i64::try_from(index + 1).ok()
}

fn gmt(zone: &str, more: Option<&str>) -> Option<()> {
    (zone.eq_ignore_ascii_case("gmt") && more.is_none()).then_some(())
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let all_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// `08:49:37`, with room for a leap second.
fn time(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let seconds = digits(parts.next()?, 2)?;
    let valid = parts.next().is_none() && hours < 24 && minutes < 60 && seconds <= 60;
    valid.then_some(hours * 3600 + minutes * 60 + seconds)
}

fn full_year(two_digits: i64, now: SystemTime) -> i64 {
    let since_1970 = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let this_year = 1970 + i64::try_from(since_1970.as_secs() / 31_556_952).unwrap_or_default();
    let year = this_year - this_year % 100 + two_digits;
    if year > this_year + 50 {
        year - 100
    } else {
        year
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; `None` for a day that its month does not have.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=month_length).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    #[test]
    fn the_three_forms_name_the_same_second() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 NOV 1994 08:49:37 gMt",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(parse(text, now()), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_shapes_are_no_dates() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "784111777",
        ] {
            assert_eq!(parse(text, now()), None, "{text}");
        }
    }

    #[test]
    fn two_digit_years_are_never_far_in_the_future() {
        let seconds = |text| {
            let time: SystemTime = parse(text, now()).unwrap();
            time.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs()
        };
        assert_eq!(seconds("Thursday, 18-Aug-50 02:01:18 GMT"), 2_544_400_878);
        assert_eq!(seconds("Thursday, 18-Aug-94 02:01:18 GMT"), 777_175_278);
    }

    #[test]
    fn agrees_with_httpdate_over_the_years() {
        for day in (0..60_000_u64).step_by(17) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + 12_345);
            assert_eq!(parse(&httpdate::fmt_http_date(time), now()), Some(time));
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            parse(&text, now());
        }
    }
}
