//! The boot sector of a FAT volume and the layout it describes.
//!
//! Source: Microsoft, "FAT32 File System Specification" 1.03, "Boot Sector and BPB".

use super::FatError;

/// Bits per entry of the allocation table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Fat12,
    Fat16,
    Fat32,
}

/// Where the parts of a volume lie. Offsets count bytes from the volume's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) width: Width,
    pub(crate) sector: u32,
    /// Bytes per cluster.
    pub(crate) cluster: u32,
    /// Data clusters; they are numbered from 2.
    pub(crate) clusters: u32,
    /// First byte of the first allocation table.
    pub(crate) table: u64,
    /// Bytes of one allocation table.
    pub(crate) table_length: u64,
    /// Allocation tables that are written: numbers of the first and of one past the last.
    pub(crate) tables: std::ops::Range<u64>,
    /// First byte and length of the fixed root folder of FAT12 and FAT16.
    pub(crate) fixed_root: (u64, u64),
    /// First cluster of FAT32's root folder.
    pub(crate) root_cluster: u32,
    /// First byte of cluster 2.
    pub(crate) data: u64,
    /// First byte of FAT32's FSInfo sector.
    pub(crate) fs_info: Option<u64>,
    /// Bytes of the whole volume.
    pub(crate) length: u64,
    pub(crate) serial: u32,
    /// Label of the boot sector, eleven bytes, when there is one.
    pub(crate) label: Option<[u8; 11]>,
    /// The boot sector's own dirty flag.
    pub(crate) dirty: bool,
}

/// Most data clusters that FAT32 numbers (28 bits less the reserved values).
const CLUSTERS_MAX: u64 = 0x0FFF_FFF5;
/// The extended boot signature that says serial number and label are there.
const EXTENDED: u8 = 0x29;

impl Geometry {
    /// Reads the first 512 bytes of a volume.
    ///
    /// # Errors
    /// [`FatError::BootSector`] for what is no FAT boot sector.
    pub(crate) fn read(boot: &[u8; 512]) -> Result<Self, FatError> {
        let byte = |at: usize| u64::from(boot[at]);
        let word = |at: usize| byte(at) | byte(at + 1) << 8;
        let long = |at: usize| word(at) | word(at + 2) << 16;
        let bad = |field, found| Err(FatError::BootSector { field, found });

        if boot[510..] != [0x55, 0xAA] {
            return bad("signature", word(510));
        }
        if !matches!(boot[0], 0xEB | 0xE9) {
            return bad("jump", byte(0));
        }
        let sector = word(11);
        if !matches!(sector, 512 | 1024 | 2048 | 4096) {
            return bad("bytes per sector", sector);
        }
        let per_cluster = byte(13);
        if !per_cluster.is_power_of_two() {
            return bad("sectors per cluster", per_cluster);
        }
        let reserved = word(14);
        if reserved == 0 {
            return bad("reserved sectors", reserved);
        }
        let tables = byte(16);
        if !matches!(tables, 1 | 2) {
            return bad("number of allocation tables", tables);
        }
        let root_entries = word(17);
        let (short_table, long_table) = (word(22), long(36));
        let is_32 = short_table == 0;
        let table_sectors = if is_32 { long_table } else { short_table };
        if table_sectors == 0 {
            return bad("sectors per allocation table", 0);
        }
        if is_32 == (root_entries != 0) {
            return bad("root folder entries", root_entries);
        }
        let total = match word(19) {
            0 => long(32),
            short => short,
        };
        let root = (reserved + tables * table_sectors) * sector;
        let root_length = (root_entries * 32).next_multiple_of(sector);
        let data = root + root_length;
        let length = total * sector;
        let clusters = length.saturating_sub(data) / (sector * per_cluster);
        if clusters == 0 || clusters > CLUSTERS_MAX {
            return bad("total sectors", total);
        }
        let width = match (is_32, clusters) {
            (true, _) => Width::Fat32,
            (false, ..4085) => Width::Fat12,
            (false, ..65525) => Width::Fat16,
            (false, _) => return bad("sectors per allocation table", short_table),
        };
        let table_length = table_sectors * sector;
        let entry_bits = match width {
            Width::Fat12 => 12,
            Width::Fat16 => 16,
            Width::Fat32 => 32,
        };
        if table_length * 8 < (clusters + 2) * entry_bits {
            return bad("sectors per allocation table", table_sectors);
        }

        let (flags, root_cluster, version, info) =
            if is_32 { (word(40), long(44), word(42), word(48)) } else { (0, 0, 0, 0) };
        if version != 0 {
            return bad("FAT32 version", version);
        }
        if is_32 && !(2..clusters + 2).contains(&root_cluster) {
            return bad("root folder cluster", root_cluster);
        }
        let tables = if flags & 0x80 == 0 {
            0..tables
        } else if flags & 0xF < tables {
            flags & 0xF..(flags & 0xF) + 1
        } else {
            return bad("active allocation table", flags & 0xF);
        };

        let extended = if is_32 { 64 } else { 36 };
        let has_label = boot[extended + 2] == EXTENDED;
        let mut label = [0; 11];
        label.copy_from_slice(&boot[extended + 7..extended + 18]);
        Ok(Self {
            width,
            sector: narrow(sector),
            cluster: narrow(sector * per_cluster),
            clusters: narrow(clusters),
            table: reserved * sector,
            table_length,
            tables,
            fixed_root: (root, root_length),
            root_cluster: narrow(root_cluster),
            data,
            fs_info: (is_32 && info != 0 && info < reserved).then_some(info * sector),
            length,
            serial: if has_label { narrow(long(extended + 3)) } else { 0 },
            label: has_label.then_some(label),
            dirty: boot[extended + 1] & 1 != 0,
        })
    }

    /// First byte of a data cluster, which must be one of the volume's.
    pub(crate) fn cluster_offset(&self, cluster: u32) -> Result<u64, FatError> {
        if !self.holds(cluster) {
            return Err(FatError::Damaged { cluster, problem: "no such cluster" });
        }
        Ok(self.data + u64::from(cluster - 2) * u64::from(self.cluster))
    }

    /// Tells whether a number is that of a data cluster.
    pub(crate) fn holds(&self, cluster: u32) -> bool {
        cluster >= 2 && cluster - 2 < self.clusters
    }

    /// Clusters that `size` bytes take.
    pub(crate) fn clusters_for(&self, size: u32) -> u32 {
        size.div_ceil(self.cluster)
    }
}

/// A value that the checks before have shown to fit.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any change of a byte of the layout is refused or understood, never a panic.
    #[test]
    fn hostile_boot_sectors_do_not_panic() {
        let mut boot = [0; 512];
        boot[0] = 0xEB;
        boot[11..18].copy_from_slice(&[0, 2, 4, 1, 0, 2, 0]);
        boot[18] = 2;
        boot[19..24].copy_from_slice(&[0, 0x40, 0xF8, 16, 0]);
        boot[510..].copy_from_slice(&[0x55, 0xAA]);
        let whole = Geometry::read(&boot).unwrap();
        assert_eq!((whole.width, whole.cluster, whole.length), (Width::Fat12, 2048, 0x4000 * 512));
        for at in 0..64 {
            for value in [0, 1, 0x7F, 0x80, 0xFE, 0xFF] {
                let mut changed = boot;
                changed[at] = value;
                if let Ok(geometry) = Geometry::read(&changed) {
                    assert!(
                        geometry.cluster_offset(geometry.clusters + 1).unwrap() < geometry.length
                    );
                    assert!(geometry.cluster_offset(geometry.clusters + 2).is_err());
                }
            }
        }
        let mut wild = [0xFF; 512];
        for at in [0, 510, 511, 11, 12, 13, 16, 42, 43] {
            wild[at] = boot[at];
        }
        wild[17] = 0;
        wild[18] = 0;
        wild[22] = 0;
        wild[23] = 0;
        assert!(Geometry::read(&wild).is_err());
    }
}
