//! Boot sectors: the master boot record, and the first sector of an NTFS or FAT volume.
//!
//! Bytes in, facts and mended bytes out. Boot code is never made up: it stays what it is, or comes from the sector's own copy.

mod geometry;
mod master;
mod volume;

pub use geometry::Geometry;
pub use master::MasterBootRecord;
pub use volume::{VolumeBootSector, VolumeFault, VolumeKind, copy_places};

/// Bytes of a boot sector that matter, whatever the sector size.
pub const BYTES: usize = 512;
/// The last two bytes of a boot sector.
const SIGNATURE: [u8; 2] = [0x55, 0xAA];
