//! How the methods of a [`Filter`] become exports of a component. What is here is for the attribute `export` alone.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::thread::LocalKey;
use std::time::Duration;

use crate::host::types;
use crate::{Body, Config, Filter, Request, Response, Result, Summary};

/// Bindings of one exported interface. Each is a world of its own, so that a component exports those that it has and no others.
macro_rules! interface {
    ($module:ident, $world:literal, $path:literal $(, $types:literal)?) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: $world,
                $(with: { $types: crate::host::rimward::filter::types },)?
                pub_export_macro: true,
                default_bindings_module: $path,
            });
            pub(super) use exports::rimward::filter::$module::*;
        }
    };
}

interface!(
    lifecycle,
    "package rimward:guest; world lifecycle { export rimward:filter/lifecycle@0.1.0; }",
    "rimward_filter::exports::lifecycle"
);
interface!(
    on_request,
    "package rimward:guest; world on-request { export rimward:filter/on-request@0.1.0; }",
    "rimward_filter::exports::on_request",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_request_body,
    "package rimward:guest; world on-request-body { export rimward:filter/on-request-body@0.1.0; }",
    "rimward_filter::exports::on_request_body",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_origin_request,
    "package rimward:guest; world on-origin-request { export rimward:filter/on-origin-request@0.1.0; }",
    "rimward_filter::exports::on_origin_request",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_origin_response,
    "package rimward:guest; world on-origin-response { export rimward:filter/on-origin-response@0.1.0; }",
    "rimward_filter::exports::on_origin_response",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_origin_response_body,
    "package rimward:guest; world on-origin-response-body { export rimward:filter/on-origin-response-body@0.1.0; }",
    "rimward_filter::exports::on_origin_response_body",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_response,
    "package rimward:guest; world on-response { export rimward:filter/on-response@0.1.0; }",
    "rimward_filter::exports::on_response",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_response_body,
    "package rimward:guest; world on-response-body { export rimward:filter/on-response-body@0.1.0; }",
    "rimward_filter::exports::on_response_body",
    "rimward:filter/types@0.1.0"
);
interface!(
    on_log,
    "package rimward:guest; world on-log { export rimward:filter/on-log@0.1.0; }",
    "rimward_filter::exports::on_log",
    "rimward:filter/types@0.1.0"
);

/// A filter that has a place where its instance lives. The attribute implements it.
pub trait Instance: Filter {
    /// The place.
    fn slot() -> &'static LocalKey<RefCell<Option<Self>>>;
}

/// The exports of a filter.
pub struct Exported<T>(PhantomData<T>);

/// Runs a phase of the instance, which is made when there is none.
fn run<T: Instance, R>(phase: impl FnOnce(&mut T) -> Result<R>) -> core::result::Result<R, String> {
    crate::log::tell_panics();
    T::slot()
        .with_borrow_mut(|slot| match slot {
            Some(filter) => phase(filter),
            None => phase(slot.insert(T::new(&Config::new())?)),
        })
        .map_err(|error| error.to_string())
}

impl<T: Instance> lifecycle::Guest for Exported<T> {
    // What is given is what `Config` reads.
    fn configure(_: String) -> core::result::Result<(), String> {
        T::slot().take();
        run(|_: &mut T| Ok(()))
    }
}

impl<T: Instance> on_request::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::Verdict, String> {
        run(|filter: &mut T| filter.request(&mut Request::current()))
    }
}

impl<T: Instance> on_origin_request::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::Verdict, String> {
        run(|filter: &mut T| filter.origin_request(&mut Request::current()))
    }
}

impl<T: Instance> on_origin_response::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::Verdict, String> {
        run(|filter: &mut T| filter.origin_response(&Request::current(), &mut Response::current()))
    }
}

impl<T: Instance> on_response::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::Verdict, String> {
        run(|filter: &mut T| filter.response(&Request::current(), &mut Response::current()))
    }
}

impl<T: Instance> on_request_body::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::ChunkVerdict, String> {
        run(|filter: &mut T| filter.request_body(&mut Request::current(), &Body::current()))
    }
}

impl<T: Instance> on_origin_response_body::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::ChunkVerdict, String> {
        run(|filter: &mut T| {
            filter.origin_response_body(
                &Request::current(),
                &mut Response::current(),
                &Body::current(),
            )
        })
    }
}

impl<T: Instance> on_response_body::Guest for Exported<T> {
    fn handle() -> core::result::Result<types::ChunkVerdict, String> {
        run(|filter: &mut T| {
            filter.response_body(
                &Request::current(),
                &mut Response::current(),
                &Body::current(),
            )
        })
    }
}

impl<T: Instance> on_log::Guest for Exported<T> {
    fn handle(summary: on_log::Summary) {
        let summary = Summary {
            status: summary.status,
            bytes_sent: summary.bytes_sent,
            duration: Duration::from_micros(summary.duration_us),
            origin: summary.origin_us.map(Duration::from_micros),
            cache: summary.cache,
            error: summary.error,
        };
        if let Err(error) = run(|filter: &mut T| filter.log(&Request::current(), &summary)) {
            crate::log::write(crate::log::Level::Error, &error);
        }
    }
}
