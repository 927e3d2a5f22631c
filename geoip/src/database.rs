//! One MMDB file, held in memory.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use maxminddb::{MaxMindDbError, PathElement, Reader};

use crate::databases::Kind;
use crate::location::Location;
use crate::record::{Record, country_code};

/// The largest file that is read, in bytes: all of it is held in memory.
const MAX_FILE: u64 = 2 << 30;

/// How many networks, and as many addresses of each kind spread over all, are looked at before a file is trusted.
const PROBES: usize = 4096;

/// One MMDB file, held in memory.
pub(crate) struct Database {
    reader: Reader<Vec<u8>>,
    country_at: Option<CountryAt>,
    path: PathBuf,
    stamp: Stamp,
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file can't be read.
    #[error("`{}` can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no file, or far larger than any database.
    #[error("`{}` is not a file of at most 2 GiB", path.display())]
    NoFile {
        /// What it is instead.
        path: PathBuf,
    },
    /// Somebody was writing it meanwhile.
    #[error("`{}` changed while it was read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not an MMDB file, was cut off, or is damaged.
    #[error("`{}` can't be used as an MMDB file: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: Box<MaxMindDbError>,
    },
    /// It is a database of something else.
    #[error("`{}` is a database of type `{found}`, which tells no {}", path.display(), wanted.tells())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
        /// What it should have been.
        wanted: Kind,
    },
}

impl Database {
    /// Reads a whole file and looks whether it is what it should be. A file that was cut off is noticed, since what
    /// describes it stands at its end.
    pub(crate) fn open(path: &Path, kind: Kind) -> Result<Self, OpenError> {
        let (bytes, stamp) = read(path)?;
        let damaged = |source| OpenError::Damaged {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        let probe = probe(&reader, kind).map_err(damaged)?;
        if !probe.fits {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
                found: reader.metadata().database_type.clone(),
                wanted: kind,
            });
        }
        Ok(Self {
            reader,
            country_at: probe.country_at,
            path: path.to_owned(),
            stamp,
        })
    }

    /// Whether it came from this path.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Whether its file is what was read.
    pub(crate) fn is_current(&self) -> bool {
        self.path
            .metadata()
            .is_ok_and(|metadata| Stamp::of(&metadata) == self.stamp)
    }

    /// The country of an address; allocates nothing.
    pub(crate) fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        let found = self.reader.lookup(address).ok()?;
        let path = self.country_at?.path();
        country_code(found.decode_path(path).ok()??)
    }

    /// All that is known of an address; allocates nothing.
    pub(crate) fn location(&self, address: IpAddr) -> Option<Location<'_>> {
        let found = self.reader.lookup(address).ok()?;
        let Record(location) = found.decode().ok()??;
        Some(location)
    }
}

/// Where a database has the country's code.
#[derive(Debug, Clone, Copy)]
enum CountryAt {
    /// `country.iso_code`, as MaxMind and DB-IP have it.
    Table,
    /// `country_code`, as ip-location-db has it.
    Code,
    /// `country`, as older files of IPinfo have it.
    Text,
}

impl CountryAt {
    const ALL: [Self; 3] = [Self::Code, Self::Table, Self::Text];

    fn path(self) -> &'static [PathElement<'static>] {
        match self {
            Self::Table => &const { [PathElement::Key("country"), PathElement::Key("iso_code")] },
            Self::Code => &const { [PathElement::Key("country_code")] },
            Self::Text => &const { [PathElement::Key("country")] },
        }
    }
}

struct Probe {
    /// Whether it tells what it is for.
    fits: bool,
    country_at: Option<CountryAt>,
}

/// Looks at the first networks, and at addresses all over the tree.
fn probe(reader: &Reader<Vec<u8>>, kind: Kind) -> Result<Probe, MaxMindDbError> {
    let mut probe = Probe {
        fits: false,
        country_at: None,
    };
    for found in reader.networks(Default::default())?.take(PROBES) {
        let found = found?;
        let Some(Record(location)) = found.decode()? else {
            continue;
        };
        probe.fits |= kind.is_told_by(&location);
        if probe.country_at.is_none() && location.country.is_some() {
            let holds = |at: &CountryAt| {
                let code = found.decode_path::<&str>(at.path()).ok().flatten();
                code.and_then(country_code).is_some()
            };
            probe.country_at = CountryAt::ALL.into_iter().find(holds);
        }
    }
    let has_ipv6 = reader.metadata().ip_version == 6;
    for number in 0..PROBES as u64 {
        // Odd multiples of a large number are spread evenly.
        let bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        reader
            .lookup(Ipv4Addr::from_bits((bits >> 32) as u32).into())?
            .decode::<Record<'_>>()?;
        if has_ipv6 {
            let address = u128::from(1_u64 << 61 | bits >> 3) << 64;
            reader
                .lookup(Ipv6Addr::from_bits(address).into())?
                .decode::<Record<'_>>()?;
        }
    }
    Ok(probe)
}

/// What tells one state of a file from another.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            inode: metadata.ino(),
        }
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, Stamp), OpenError> {
    let unreadable = |source| OpenError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(OpenError::NoFile {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let before = Stamp::of(&file.metadata().map_err(unreadable)?);
    let mut bytes = Vec::with_capacity(usize::try_from(before.length).unwrap_or(0));
    (&mut file)
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let after = Stamp::of(&file.metadata().map_err(unreadable)?);
    if before != after || bytes.len() as u64 != after.length {
        return Err(OpenError::Changing {
            path: path.to_owned(),
        });
    }
    Ok((bytes, after))
}
