//! The boot sector: the volume's geometry and where `$MFT` begins.
//!
//! Source: linux-ntfs documentation, "$Boot".

use crate::{Error, bytes, run_list::Lcn};

/// Bytes of a boot sector that matter.
pub const BYTES: usize = 512;
/// Largest cluster NTFS knows: 2 MiB.
const CLUSTER_MAX: u64 = 2 << 20;

/// A volume's geometry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes per sector.
    pub sector_size: u32,
    /// Bytes per cluster.
    pub cluster_size: u32,
    /// Sectors of the volume; the backup boot sector lies behind them.
    pub total_sectors: u64,
    /// First cluster of `$MFT`.
    pub mft: Lcn,
    /// First cluster of `$MFTMirr`.
    pub mft_mirror: Lcn,
    /// Bytes per file record.
    pub record_size: u32,
    /// Bytes per index block of folders.
    pub index_block_size: u32,
    /// Serial number.
    pub serial: u64,
}

impl Geometry {
    /// Reads and checks a boot sector.
    ///
    /// # Errors
    /// [`Error::BootSector`] naming the field that is wrong.
    pub fn parse(sector: &[u8]) -> Result<Self, Error> {
        let field = |field, found| Error::BootSector { field, found };
        let short = || field("length", sector.len() as u64);
        let oem = bytes::u64_at(sector, 3).ok_or_else(short)?;
        if oem.to_le_bytes() != *b"NTFS    " {
            return Err(field("signature", oem));
        }
        let sector_size = u32::from(bytes::u16_at(sector, 0x0b).ok_or_else(short)?);
        if !(256..=4096).contains(&sector_size) || !sector_size.is_power_of_two() {
            return Err(field("bytes per sector", sector_size.into()));
        }
        let raw = *sector.get(0x0d).ok_or_else(short)?;
        // Values above 0x80 are a negative power of two: 2^(256 - raw) sectors.
        let sectors = if raw > 0x80 {
            1u64.checked_shl(256 - u32::from(raw)).unwrap_or(0)
        } else {
            raw.into()
        };
        let cluster = sectors.saturating_mul(sector_size.into());
        if !cluster.is_power_of_two() || cluster < sector_size.into() || cluster > CLUSTER_MAX {
            return Err(field("sectors per cluster", raw.into()));
        }
        let total_sectors = bytes::u64_at(sector, 0x28).ok_or_else(short)?;
        if total_sectors == 0 || total_sectors > i64::MAX as u64 / u64::from(sector_size) {
            return Err(field("total sectors", total_sectors));
        }
        let clusters = total_sectors / sectors;
        let lcn = |at, name| match bytes::u64_at(sector, at) {
            Some(lcn) if lcn < clusters => Ok(Lcn(lcn)),
            found => Err(field(name, found.unwrap_or(0))),
        };
        let size = |at: usize, name, max: u64| {
            let raw = *sector.get(at).ok_or_else(short)?;
            let bytes = match raw.cast_signed() {
                n @ 1.. => u64::from(n.unsigned_abs()) * cluster,
                n => 1u64.checked_shl(u32::from(n.unsigned_abs())).unwrap_or(0),
            };
            if !bytes.is_power_of_two() || !(512..=max).contains(&bytes) {
                return Err(field(name, raw.into()));
            }
            u32::try_from(bytes).map_err(|_| field(name, raw.into()))
        };
        Ok(Self {
            sector_size,
            cluster_size: u32::try_from(cluster)
                .map_err(|_| field("sectors per cluster", raw.into()))?,
            total_sectors,
            mft: lcn(0x30, "first cluster of $MFT")?,
            mft_mirror: lcn(0x38, "first cluster of $MFTMirr")?,
            record_size: size(0x40, "size of a file record", 4096)?,
            index_block_size: size(0x44, "size of an index block", 65536)?,
            serial: bytes::u64_at(sector, 0x48).ok_or_else(short)?,
        })
    }

    /// Clusters of the volume.
    #[must_use]
    pub fn clusters(&self) -> u64 {
        self.total_sectors / u64::from(self.cluster_size / self.sector_size)
    }

    /// First byte of a cluster; `None` outside the volume.
    #[must_use]
    pub fn offset(&self, lcn: Lcn) -> Option<u64> {
        (lcn.0 < self.clusters()).then(|| lcn.0 * u64::from(self.cluster_size))
    }

    /// Clusters that `bytes` take.
    #[must_use]
    pub fn clusters_for(&self, bytes: u64) -> u64 {
        bytes.div_ceil(u64::from(self.cluster_size))
    }

    /// Where the backup boot sector lies when the partition has its usual length.
    #[must_use]
    pub fn backup_offset(&self) -> u64 {
        self.total_sectors * u64::from(self.sector_size)
    }
}
