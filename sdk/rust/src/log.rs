//! The filter's log, and fields of the access log.
//!
//! The macros [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info), [`debug!`](crate::debug) and
//! [`trace!`](crate::trace) format nothing when nobody reads what they write.

use std::sync::Once;

use crate::host::log;

pub use crate::host::log::Level;

/// Whether somebody reads what is written at this level.
pub fn enabled(level: Level) -> bool {
    log::enabled(level)
}

/// Writes a line to the log of the filter.
pub fn write(level: Level, text: &str) {
    log::write(level, text);
}

/// Adds a field to the line of this request in the access log.
pub fn field(name: &str, value: &str) {
    log::field(name, value);
}

/// Has panics logged before they end the instance: what a trap tells is that there was one.
pub(crate) fn tell_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| write(Level::Error, &panic.to_string())));
    });
}

/// Writes a line at a level of [`log::Level`](crate::log::Level).
#[macro_export]
macro_rules! log {
    ($level:ident, $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, &::std::format!($($text)+));
        }
    };
}

/// Tells of something that is wrong.
#[macro_export]
macro_rules! error {
    ($($text:tt)+) => { $crate::log!(Error, $($text)+) };
}

/// Tells of something that may be wrong.
#[macro_export]
macro_rules! warn {
    ($($text:tt)+) => { $crate::log!(Warn, $($text)+) };
}

/// Tells of something worth knowing.
#[macro_export]
macro_rules! info {
    ($($text:tt)+) => { $crate::log!(Info, $($text)+) };
}

/// Tells of something that helps with finding mistakes.
#[macro_export]
macro_rules! debug {
    ($($text:tt)+) => { $crate::log!(Debug, $($text)+) };
}

/// Tells of each step.
#[macro_export]
macro_rules! trace {
    ($($text:tt)+) => { $crate::log!(Trace, $($text)+) };
}
