//! How Windows ranks drivers for a device.
//!
//! Source: "How Windows ranks drivers (Windows Vista and later)", "Identifier score", "Feature score".

use crate::inf::Model;

/// The identifiers that a device reports, the most specific first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceIds {
    /// Hardware identifiers.
    pub hardware: Vec<String>,
    /// Compatible identifiers.
    pub compatible: Vec<String>,
}

/// How a model matches a device; the lower the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierScore(pub u16);

/// A driver's rank, `0xSSGGTHHH`; the lower the better. Of the same rank, the later date wins, then the higher version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverRank(pub u32);

/// `FeatureScore` of drivers that name none.
const FEATURE_DEFAULT: u8 = 0xFF;

impl DriverRank {
    /// Puts the scores together. `signature` is 0x0D for a signature that Windows trusts, and more for others.
    #[must_use]
    pub fn new(signature: u8, feature: Option<u8>, identifier: IdentifierScore) -> Self {
        let feature = u32::from(feature.unwrap_or(FEATURE_DEFAULT));
        Self(u32::from(signature) << 24 | feature << 16 | u32::from(identifier.0))
    }
}

impl DeviceIds {
    /// The best match of a model; `None`: it is not for the device.
    #[must_use]
    pub fn score(&self, model: &Model) -> Option<IdentifierScore> {
        let position = |ids: &[String], id: &str| {
            ids.iter().position(|own| own.eq_ignore_ascii_case(id)).map(low_bits)
        };
        let of_hardware_id = model.hardware_id.as_deref().and_then(|id| {
            let hardware = position(&self.hardware, id);
            hardware.or_else(|| position(&self.compatible, id).map(|at| 0x2000 | at))
        });
        let of_compatible_ids =
            model.compatible_ids.iter().enumerate().filter_map(|(place, id)| {
                let hardware = position(&self.hardware, id).map(|at| 0x1000 | at);
                hardware.or_else(|| {
                    let at = position(&self.compatible, id)?;
                    let place = u16::try_from(place).unwrap_or(u16::MAX);
                    Some(0x3000 | place.saturating_mul(0x100).saturating_add(at).min(0xFFF))
                })
            });
        of_hardware_id.into_iter().chain(of_compatible_ids).min().map(IdentifierScore)
    }
}

fn low_bits(position: usize) -> u16 {
    u16::try_from(position).map_or(0xFFF, |position| position.min(0xFFF))
}
