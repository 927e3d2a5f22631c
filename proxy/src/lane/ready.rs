//! Heads that are made already: the maps of objects that this worker has served just now.
//!
//! To make the maps of a head takes several times as long as to copy them. Only a few are kept, since they take more room
//! than the head itself does.

use std::cell::RefCell;
use std::ptr;
use std::sync::{Arc, Weak};

use http::{HeaderMap, Response};
use pingora_http::ResponseHeader;
use rimward_cache::Object;

/// How many a worker keeps.
const PLACES: usize = 64;
/// Bytes between two objects in memory, at least.
const APART: usize = 64;

/// An object and its fields. As long as somebody points to the place of an object, no other is put there: so whatever
/// has the same place is the same object. Of one that is gone the place and the head stay until another needs the room.
type Ready = (Weak<Object>, HeaderMap);

thread_local! {
    static READY: RefCell<[Option<Ready>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// The head of an object without the case of its names, with room for so many fields more.
pub(super) fn head(object: &Arc<Object>, room: usize) -> ResponseHeader {
    let place = Arc::as_ptr(object).addr() / APART % PLACES;
    READY.with_borrow_mut(|ready| match &mut ready[place] {
        Some((of, fields)) if ptr::eq(of.as_ptr(), Arc::as_ptr(object)) => {
            with_fields(object, fields.clone())
        }
        empty => {
            let head = object.head_without_case(room);
            *empty = Some((Arc::downgrade(object), head.headers.clone()));
            head
        }
    })
}

fn with_fields(object: &Object, fields: HeaderMap) -> ResponseHeader {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = object.status();
    parts.headers = fields;
    let mut head = ResponseHeader::from(parts);
    if object.reason() != object.status().canonical_reason() {
        let told = head.set_reason_phrase(object.reason());
        debug_assert!(told.is_ok(), "the engine takes any");
    }
    head
}
