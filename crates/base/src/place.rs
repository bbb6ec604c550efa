use serde::{Deserialize, Deserializer, Serialize, de};

/// Somewhere on or above the Earth: WGS-84 geodetic, degrees north and east, kilometres.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    latitude_deg: f64,
    longitude_deg: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    altitude_km: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    radius_km: Option<f64>,
}

/// Why numbers make no [`Place`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` is {value}; allowed is {allowed}")]
pub struct PlaceError {
    /// Which number.
    pub field: &'static str,
    /// What was given.
    pub value: f64,
    /// What may be given.
    pub allowed: &'static str,
}

impl Place {
    /// A point on the ground.
    ///
    /// # Errors
    /// When the latitude is outside -90..=90 or the longitude outside -180..=180.
    pub fn new(latitude_deg: f64, longitude_deg: f64) -> Result<Self, PlaceError> {
        check("latitude_deg", latitude_deg, -90.0, 90.0, "-90 to 90")?;
        check("longitude_deg", longitude_deg, -180.0, 180.0, "-180 to 180")?;
        Ok(Self { latitude_deg, longitude_deg, altitude_km: None, radius_km: None })
    }

    /// The same place at `altitude_km` above the ellipsoid.
    ///
    /// # Errors
    /// When the altitude is not finite or below the Earth's centre.
    pub fn with_altitude_km(mut self, altitude_km: f64) -> Result<Self, PlaceError> {
        check("altitude_km", altitude_km, -6378.0, f64::MAX, "-6378 and up")?;
        self.altitude_km = Some(altitude_km);
        Ok(self)
    }

    /// The same place, known to within `radius_km`.
    ///
    /// # Errors
    /// When the radius is negative or not finite.
    pub fn with_radius_km(mut self, radius_km: f64) -> Result<Self, PlaceError> {
        check("radius_km", radius_km, 0.0, f64::MAX, "0 and up")?;
        self.radius_km = Some(radius_km);
        Ok(self)
    }

    /// Degrees north.
    pub fn latitude_deg(&self) -> f64 {
        self.latitude_deg
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> f64 {
        self.longitude_deg
    }

    /// Kilometres above the ellipsoid, when known.
    pub fn altitude_km(&self) -> Option<f64> {
        self.altitude_km
    }

    /// Kilometres of uncertainty, when known.
    pub fn radius_km(&self) -> Option<f64> {
        self.radius_km
    }
}

fn check(
    field: &'static str,
    value: f64,
    low: f64,
    high: f64,
    allowed: &'static str,
) -> Result<(), PlaceError> {
    // Written so that NaN fails.
    if value >= low && value <= high { Ok(()) } else { Err(PlaceError { field, value, allowed }) }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            latitude_deg: f64,
            longitude_deg: f64,
            altitude_km: Option<f64>,
            radius_km: Option<f64>,
        }
        let raw = Raw::deserialize(from)?;
        let mut place = Self::new(raw.latitude_deg, raw.longitude_deg).map_err(de::Error::custom)?;
        if let Some(km) = raw.altitude_km {
            place = place.with_altitude_km(km).map_err(de::Error::custom)?;
        }
        if let Some(km) = raw.radius_km {
            place = place.with_radius_km(km).map_err(de::Error::custom)?;
        }
        Ok(place)
    }
}
