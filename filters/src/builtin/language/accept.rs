//! `Accept-Language` (RFC 9110, section 12.5.4) and which of the languages that there are answers it best.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use super::Offer;

/// More ranges than that no user has chosen.
const MOST: usize = 32;

/// A language range and how much it is wanted, in thousandths.
type Wanted<'a> = (&'a str, u16);

/// The index of the best of the languages that there are; `None` when none is wanted.
pub(super) fn best(offers: &[Offer], default: usize, fields: &HeaderMap) -> Option<usize> {
    let mut best: Option<(usize, u16)> = None;
    for (range, quality) in ranges(fields) {
        // Of those that are wanted alike the first is wanted most.
        if quality == 0 || best.is_some_and(|(_, before)| before >= quality) {
            continue;
        }
        let found = match range {
            "*" => Some(default),
            range => look_up(offers, range),
        };
        let wanted = found.filter(|&index| !is_refused(offers, index, fields));
        best = wanted.map(|index| (index, quality)).or(best);
    }
    best.map(|(index, _)| index)
}

/// The language that a range stands for (RFC 4647, section 3.4): the range itself, else what is left when parts are taken off
/// its end. If there is none, the first that is a kind of it.
pub(super) fn look_up(offers: &[Offer], range: &str) -> Option<usize> {
    let mut shorter = range;
    loop {
        if let Some(index) = offers.iter().position(|offer| offer.tag.is(shorter)) {
            return Some(index);
        }
        let Some((rest, _)) = shorter.rsplit_once('-') else {
            break;
        };
        // A part of one character, such as the `x` before private ones, means nothing at the end.
        shorter = match rest.rsplit_once('-') {
            Some((before, part)) if part.len() == 1 => before,
            _ => rest,
        };
    }
    offers
        .iter()
        .position(|offer| !range.is_empty() && offer.tag.is_within(range))
}

/// Whether the client said that it doesn't want a language (`de;q=0`).
fn is_refused(offers: &[Offer], index: usize, fields: &HeaderMap) -> bool {
    let offer = offers.get(index);
    ranges(fields).any(|(range, quality)| {
        quality == 0 && offer.is_some_and(|offer| offer.tag.is_within(range))
    })
}

fn ranges(fields: &HeaderMap) -> impl Iterator<Item = Wanted<'_>> {
    let lines = fields
        .get_all(ACCEPT_LANGUAGE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .filter_map(wanted)
        .take(MOST)
}

fn wanted(member: &str) -> Option<Wanted<'_>> {
    let (range, parameter) = member.split_once(';').unwrap_or((member, ""));
    let quality = match parameter.trim() {
        "" => 1000,
        parameter => quality(
            parameter
                .strip_prefix("q=")
                .or_else(|| parameter.strip_prefix("Q="))?,
        )?,
    };
    Some((range.trim(), quality)).filter(|(range, _)| !range.is_empty())
}

/// A weight of RFC 9110, section 12.4.2, in thousandths: `0.8` is 800.
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = fraction
        .bytes()
        .chain(*b"000")
        .take(3)
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read() {
        for (text, expected) in [
            ("1", Some(1000)),
            ("0.8", Some(800)),
            ("0.85", Some(850)),
            ("0.001", Some(1)),
            ("0", Some(0)),
            ("1.000", Some(1000)),
            ("1.1", None),
            ("0.0001", None),
            ("-1", None),
            ("", None),
            (".5", None),
        ] {
            assert_eq!(quality(text), expected, "{text}");
        }
    }
}
