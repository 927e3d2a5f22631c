//! The origin's `Date`, past the engine, which writes the present time over it after every filter.
//!
//! Whoever makes a head ready for the client puts the date aside, into a field that the engine leaves alone ([`keep`]);
//! what writes the head to the client puts it back. So each head brings its own date along, however many are on their
//! way, and a head without such a field, like every one of the edge's own, has the present time.

use bytes::BytesMut;
use http::header::{DATE, HeaderName};
use pingora_http::ResponseHeader;

/// The field that carries the date within the edge.
const KEPT: HeaderName = HeaderName::from_static("rimward-kept-date");

/// Puts the head's `Date` aside, if `is_date` finds that it is one.
///
/// # Errors
/// When the head can't take more fields.
pub(crate) fn keep(
    head: &mut ResponseHeader,
    is_date: impl Fn(&str) -> bool,
) -> pingora::Result<()> {
    // Nobody but us is believed here.
    head.remove_header(&KEPT);
    let date = head.headers.get(DATE).cloned();
    match date.filter(|date| date.to_str().is_ok_and(is_date)) {
        Some(date) => head.insert_header(KEPT, date),
        None => Ok(()),
    }
}

/// Puts it back; `false` when none was put aside.
///
/// # Errors
/// As above.
pub(super) fn put_back(head: &mut ResponseHeader) -> pingora::Result<bool> {
    match head.remove_header(&KEPT) {
        Some(date) => head.insert_header(DATE, date).map(|()| true),
        None => Ok(false),
    }
}

/// Appends a head to `output`, with the date back where one was put aside. `head` is as the engine writes it.
pub(super) fn write_with(head: &[u8], output: &mut BytesMut) {
    let end = memchr::memmem::find(head, b"\r\n\r\n");
    let (fields, behind) = head.split_at(end.map_or(head.len(), |end| end + 2));
    let Some((before, date, after)) = cut(fields, KEPT.as_str()) else {
        return output.extend_from_slice(head);
    };
    output.reserve(head.len());
    for part in [before, after] {
        match cut(part, DATE.as_str()) {
            Some((before, _, after)) => {
                output.extend_from_slice(before);
                output.extend_from_slice(after);
            }
            None => output.extend_from_slice(part),
        }
    }
    output.extend_from_slice(b"Date:");
    output.extend_from_slice(date);
    output.extend_from_slice(behind);
}

/// The lines before the first one of this field, what stands behind its colon, and the lines after it.
fn cut<'l>(lines: &'l [u8], name: &str) -> Option<(&'l [u8], &'l [u8], &'l [u8])> {
    let mut start = 0;
    while let Some(end) = memchr::memchr(b'\n', lines.get(start..)?) {
        let line = lines.get(start..=start + end)?;
        if let Some(value) = value(line, name) {
            return Some((lines.get(..start)?, value, lines.get(start + end + 1..)?));
        }
        start += end + 1;
    }
    None
}

/// What stands behind the colon, with the end of the line, if the line is of this field.
fn value<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let (given, rest) = line.split_at_checked(name.len())?;
    let rest = rest.strip_prefix(b":")?;
    given.eq_ignore_ascii_case(name.as_bytes()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(head: &str) -> String {
        let mut output = BytesMut::new();
        write_with(head.as_bytes(), &mut output);
        String::from_utf8(output.to_vec()).unwrap()
    }

    #[test]
    fn a_kept_date_takes_the_place_of_the_engines() {
        let head =
            "HTTP/1.1 200 OK\r\nDate: now\r\nA: b\r\nRimward-Kept-Date: then\r\n\r\ndate: body\n";
        let expected = "HTTP/1.1 200 OK\r\nA: b\r\nDate: then\r\n\r\ndate: body\n";
        assert_eq!(written(head), expected);
    }

    #[test]
    fn a_head_without_a_kept_date_is_left_alone() {
        for head in [
            "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: Rimward-Kept-Date: then\r\n\r\nRimward-Kept-Date: body\r\n",
            "HTTP/1.1 200 OK\r\nDate: now",
            "",
        ] {
            assert_eq!(written(head), head);
        }
    }

    #[test]
    fn what_an_origin_sends_under_our_name_is_not_believed() {
        let mut head = ResponseHeader::build(200, None).unwrap();
        head.insert_header(KEPT, "forged").unwrap();
        keep(&mut head, |_| true).unwrap();
        assert!(!put_back(&mut head).unwrap());
        head.insert_header(DATE, "then").unwrap();
        keep(&mut head, |date| date == "then").unwrap();
        head.insert_header(DATE, "now").unwrap();
        assert!(put_back(&mut head).unwrap());
        assert_eq!(head.headers.get(DATE).unwrap(), "then");
        assert!(!head.headers.contains_key(KEPT));
        keep(&mut head, |_| false).unwrap();
        assert!(!put_back(&mut head).unwrap());
    }

    proptest::proptest! {
        #[test]
        fn bytes_of_any_kind_pass_unless_a_date_was_kept(head in "(HTTP/1.1 200 OK\r\n)?([ -~]{0,20}\r\n){0,4}(\r\n)?[ -~]{0,9}") {
            if !head.to_ascii_lowercase().contains(KEPT.as_str()) {
                proptest::prop_assert_eq!(written(&head), head);
            }
        }
    }
}
