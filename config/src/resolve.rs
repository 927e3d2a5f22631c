//! From what is written to what it means: defaults, references, and checks across sections.

mod cache_policy;
mod compress;
mod edge;
mod filters;
mod function;
mod guests;
mod kv;
mod listen;
mod names;
mod origin;
mod reach;
mod s3;
mod scope;
mod servers;
mod shield;
mod site;

use crate::config::{Admin, Config, Guests, Places, UnknownHost};
use crate::load::Loaded;
use crate::problem::Problem;
use crate::source::Source;

use filters::Filters;
use names::Names;
use scope::Scope;

/// What all files together mean. Where a problem is found, it is told, and the rest goes on with what is there.
///
/// `is_whole` is false when parts could not be read, so that a name that isn't found means nothing.
pub(crate) fn resolve(
    mut files: Vec<Loaded>,
    is_whole: bool,
    problems: &mut Vec<Problem>,
) -> Config {
    let pop = section(&mut files, "pop", |file| file.document.pop.take(), problems);
    let log = section(&mut files, "log", |file| file.document.log.take(), problems);
    let cache = section(
        &mut files,
        "cache",
        |file| file.document.cache.take(),
        problems,
    );
    let geoip = section(
        &mut files,
        "geoip",
        |file| file.document.geoip.take(),
        problems,
    );
    let guests = section(
        &mut files,
        "guests",
        |file| file.document.guests.take(),
        problems,
    );

    let (pop, unknown_host) = match pop {
        Some((written, source)) => edge::pop(written, &mut Scope::new(source, problems)),
        None => (edge::default_pop(), UnknownHost::default()),
    };
    let admin = admin(&mut files, problems);
    let log = match log {
        Some((written, source)) => edge::log(written, &mut Scope::new(source, problems)),
        None => edge::default_log(),
    };
    let (cache, cache_source) = cache.unwrap_or_default();
    let cache = edge::cache(cache, &mut Scope::new(cache_source, problems));
    let geoip =
        geoip.map(|(written, source)| edge::geoip(written, &mut Scope::new(source, problems)));
    let guests = match guests {
        Some((written, source)) => guests::guests(
            written,
            cache.disk.as_ref(),
            &mut Scope::new(source, problems),
        ),
        None => Guests::default(),
    };

    let (listeners, listener_places) = listen::listeners(&mut files, is_whole, problems);
    let origin_names = Names::collect(&files, "origin", is_whole, problems);
    let filter_names = Names::collect(&files, "filter", is_whole, problems);
    let store_names = Names::collect(&files, "kv", is_whole, problems);
    let stores = kv::stores(&mut files, &store_names, problems);
    let origins = origin::origins(&mut files, &origin_names, &guests, problems);
    let shield_names = Names::collect(&files, "shield", is_whole, problems);
    let shields = shield::shields(&mut files, &shield_names, &origin_names, problems);
    let secret_names = Names::collect(&files, "secret", is_whole, problems);
    let secrets = guests::secrets(&mut files, &secret_names, problems);
    let mut filters = Filters::named(&mut files, filter_names);
    let (sites, site_places) = site::sites(
        &mut files,
        &origin_names,
        (&shield_names, &shields),
        &mut filters,
        geoip.as_ref().is_some_and(|geoip| geoip.database.is_some()),
        problems,
    );

    Config {
        pop,
        admin,
        log,
        listeners,
        cache,
        geoip,
        stores,
        origins,
        shields,
        guests,
        secrets,
        filters: filters.specs,
        sites,
        unknown_host,
        files: Vec::new(),
        include_folders: Vec::new(),
        places: Places {
            files: files.into_iter().map(|file| file.source).collect(),
            listeners: listener_places,
            sites: site_places,
        },
    }
}

/// Where the edge can be asked.
pub(crate) fn admin(files: &mut [Loaded], problems: &mut Vec<Problem>) -> Option<Admin> {
    let (written, source) = section(files, "admin", |file| file.document.admin.take(), problems)?;
    Some(edge::admin(written, &mut Scope::new(source, problems)))
}

/// A section that may be given once in all files.
fn section<T>(
    files: &mut [Loaded],
    key: &str,
    take: impl Fn(&mut Loaded) -> Option<T>,
    problems: &mut Vec<Problem>,
) -> Option<(T, Source)> {
    let mut first: Option<(T, Source)> = None;
    for file in files {
        let Some(written) = take(file) else { continue };
        let source = file.source.key(key);
        match &first {
            None => first = Some((written, source)),
            Some((_, first)) => {
                problems.push(source.problem(
                    "",
                    format!("`[{key}]` is given twice: first at {}", first.place()),
                ));
            }
        }
    }
    first
}
