//! Where things lie that can be made again.

use std::env;
use std::path::PathBuf;

/// The folder for them: `$XDG_CACHE_HOME/rimward`, or `.cache/rimward` of whoever calls; `None` for one who has no home.
pub(super) fn cache() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|path| !path.is_empty());
    let cache = named("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(PathBuf::from(named("HOME")?).join(".cache")));
    Some(cache?.join("rimward"))
}
