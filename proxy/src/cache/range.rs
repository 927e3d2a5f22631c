//! Parts of a response (RFC 9110 §14), told to pingora, which cuts the body.

use std::ops::Range;
use std::time::SystemTime;

use http::{StatusCode, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{MultiRangeInfo, RangeType};
use rimward_cache::conditional::if_range_holds;
use rimward_cache::range::{Part, part};

/// Which part of a response the client gets; changes the head to match.
pub(super) fn range(
    request: &RequestHeader,
    response: &mut ResponseHeader,
    now: SystemTime,
) -> RangeType {
    let length =
        super::caching::declared_length(response).filter(|_| response.status == StatusCode::OK);
    let Some(length) = length else {
        return RangeType::None;
    };
    let part = match if_range_holds(request, response, now) {
        true => part(request, response, length),
        false => Part::Whole,
    };
    let range = range_type(part, response, length);
    match change_head(response, &range, length) {
        Ok(()) => range,
        // A head that can't be changed has more fields than any table holds: it goes out as it is, and the body whole.
        Err(_) => RangeType::None,
    }
}

fn range_type(part: Part, response: &ResponseHeader, length: u64) -> RangeType {
    let ranges = match part {
        Part::Whole => return RangeType::None,
        Part::Unsatisfiable => return RangeType::Invalid,
        Part::Ranges(ranges) => ranges.iter().map(bounds).collect::<Option<Vec<_>>>(),
    };
    match ranges.map(<[Range<usize>; 1]>::try_from) {
        None => RangeType::None,
        Some(Ok([range])) => RangeType::Single(range),
        Some(Err(ranges)) => {
            let mut multi = MultiRangeInfo::new(ranges);
            let kind = response
                .headers
                .get(header::CONTENT_TYPE)
                .and_then(|kind| kind.to_str().ok());
            multi.set_content_type(kind.unwrap_or("application/octet-stream").to_owned());
            multi.set_total_length(usize::try_from(length).unwrap_or(usize::MAX));
            RangeType::Multi(multi)
        }
    }
}

fn bounds(range: &Range<u64>) -> Option<Range<usize>> {
    Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

fn change_head(
    response: &mut ResponseHeader,
    range: &RangeType,
    length: u64,
) -> pingora::Result<()> {
    if matches!(range, RangeType::None) {
        return response.insert_header(header::ACCEPT_RANGES, "bytes");
    }
    response.remove_header(&header::ACCEPT_RANGES);
    match range {
        RangeType::None => {}
        RangeType::Single(range) => {
            let covered = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            response.insert_header(header::CONTENT_RANGE, covered)?;
            response.insert_header(header::CONTENT_LENGTH, range.len())?;
            response.set_status(StatusCode::PARTIAL_CONTENT)?;
        }
        RangeType::Multi(multi) => {
            let kind = format!("multipart/byteranges; boundary={}", multi.boundary);
            response.insert_header(header::CONTENT_TYPE, kind)?;
            response.insert_header(header::CONTENT_LENGTH, multi.calculate_multipart_length())?;
            response.set_status(StatusCode::PARTIAL_CONTENT)?;
        }
        RangeType::Invalid => {
            for name in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::TRANSFER_ENCODING,
            ] {
                response.remove_header(&name);
            }
            response.insert_header(header::CONTENT_RANGE, format!("bytes */{length}"))?;
            response.insert_header(header::CONTENT_LENGTH, 0)?;
            response.set_status(StatusCode::RANGE_NOT_SATISFIABLE)?;
        }
    }
    Ok(())
}
