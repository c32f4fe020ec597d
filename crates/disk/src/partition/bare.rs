//! Telling a volume's boot sector from a master boot record.

/// What the first sector looks like as the boot sector of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BootSector {
    /// NTFS, exFAT or ReFS, by name.
    Certain,
    /// FAT, by a parameter block that makes sense. Some tools put a partition table into such a sector as well.
    Likely,
    No,
}

/// Judges the first 512 bytes of a disk.
///
/// Source: NTFS, exFAT and ReFS carry their name at offset 3; for FAT, Microsoft "FAT: General Overview of On-Disk
/// Format", whose type names are not to be relied on.
pub(super) fn identify(sector: &[u8; 512]) -> BootSector {
    let name = &sector[3..11];
    let signed = sector[510..] == [0x55, 0xaa];
    if (signed && (name == b"NTFS    " || name == b"EXFAT   ")) || name == b"ReFS\0\0\0\0" {
        return BootSector::Certain;
    }
    let bytes_per_sector = u16::from_le_bytes([sector[11], sector[12]]);
    let fat = signed
        && matches!(sector[0], 0xeb | 0xe9)
        && matches!(bytes_per_sector, 512 | 1024 | 2048 | 4096)
        && sector[13].is_power_of_two()
        && sector[14..16] != [0, 0]
        && matches!(sector[16], 1 | 2)
        && (sector[21] == 0xf0 || sector[21] >= 0xf8);
    if fat { BootSector::Likely } else { BootSector::No }
}
