//! The origin that is nearest to the client.

use std::sync::Arc;

use rimward_geoip::Location;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::chosen::OriginChoice;
use crate::filter::{BuildError, Builder};
use crate::outside::Outside;

/// An origin and where it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceSettings {
    /// The origin.
    origin: String,
    /// Its latitude and longitude in degrees, north and east being positive.
    #[schemars(title = "latitude and longitude")]
    at: [f64; 2],
}

/// Origins and where they are.
pub(super) struct Nearest {
    origins: Vec<(Point, Arc<OriginChoice>)>,
    outside: Arc<dyn Outside>,
}

/// A point on a sphere with radius 1: the larger the product of two, the nearer they are.
struct Point([f64; 3]);

impl Point {
    fn new(latitude: f64, longitude: f64) -> Self {
        let (up, out) = latitude.to_radians().sin_cos();
        let (y, x) = longitude.to_radians().sin_cos();
        Self([out * x, out * y, up])
    }

    /// 1 for the same point, -1 for the one across.
    fn nearness(&self, other: &Self) -> f64 {
        self.0.iter().zip(other.0).map(|(a, b)| a * b).sum()
    }
}

impl Nearest {
    pub(super) fn new(
        at: &str,
        places: &[PlaceSettings],
        same_content: bool,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        let mut origins = Vec::with_capacity(places.len());
        for (index, place) in places.iter().enumerate() {
            let at = format!("{at}nearest[{index}]");
            let [latitude, longitude] = place.at;
            if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
                let message = format!(
                    "`[{latitude}, {longitude}]` is no place: first the latitude, -90 to 90, then the longitude, -180 to 180"
                );
                return Err(BuildError::at(format!("{at}.at"), message));
            }
            let key = format!("{at}.origin");
            let choice = choice(&key, &place.origin, same_content, builder)?;
            origins.push((Point::new(latitude, longitude), choice));
        }
        Ok(Self {
            origins,
            outside: builder.outside(),
        })
    }

    /// The nearest origin that is healthy; `None` when the client's place is not known, or none is.
    pub(super) fn choose(&self, location: &Location<'_>) -> Option<&Arc<OriginChoice>> {
        let (latitude, longitude) = location.point()?;
        let client = Point::new(latitude, longitude);
        let usable = self
            .origins
            .iter()
            .filter(|(_, choice)| self.outside.is_usable(choice.origin));
        let nearest =
            usable.max_by(|(a, _), (b, _)| a.nearness(&client).total_cmp(&b.nearness(&client)));
        nearest.map(|(_, choice)| choice)
    }
}

/// The choice of an origin, whose objects are those of the route's own origin if they have the same content.
pub(super) fn choice(
    key: &str,
    name: &str,
    same_content: bool,
    builder: &Builder<'_>,
) -> Result<Arc<OriginChoice>, BuildError> {
    if !same_content {
        return builder.choice(key, name);
    }
    Ok(Arc::new(OriginChoice {
        origin: builder.origin(key, name)?,
        key: None,
        fallback: None,
        observer: None,
    }))
}
