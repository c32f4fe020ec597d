//! The boot sector. An input is one.

use winkiln_ntfs::boot_sector::Geometry;

use crate::bytes::put;

/// Reads a boot sector and computes with what it says.
pub fn run(data: &[u8]) {
    let Ok(geometry) = Geometry::parse(data) else { return };
    let cluster = u64::from(geometry.cluster_size);
    assert!(cluster.is_power_of_two() && (256..=2 << 20).contains(&cluster));
    assert!(geometry.cluster_size >= geometry.sector_size);
    assert!((512..=4096).contains(&geometry.record_size));
    assert!((512..=65536).contains(&geometry.index_block_size));
    let end = geometry.clusters().checked_mul(cluster).expect("a volume's bytes can be counted");
    assert!(end <= geometry.backup_offset() && geometry.backup_offset() <= i64::MAX as u64);
    for lcn in [geometry.mft, geometry.mft_mirror] {
        assert!(geometry.offset(lcn).expect("a cluster of the volume") < end);
    }
    let records = geometry.clusters_for(geometry.record_size.into());
    assert!(records >= 1 && geometry.clusters_for(end) == geometry.clusters());
}

/// A boot sector of these sizes; sectors per cluster and sizes of records and blocks as the fields hold them.
#[must_use]
pub fn sector(sector: u16, cluster: u8, sectors: u64, record: u8, block: u8) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    put(&mut bytes, 0, &[0xeb, 0x52, 0x90]);
    put(&mut bytes, 3, b"NTFS    ");
    put(&mut bytes, 0x0b, &sector.to_le_bytes());
    put(&mut bytes, 0x0d, &[cluster]);
    put(&mut bytes, 0x15, &[0xf8]);
    put(&mut bytes, 0x24, &[0x80, 0, 0x80, 0]);
    put(&mut bytes, 0x28, &sectors.to_le_bytes());
    put(&mut bytes, 0x30, &4u64.to_le_bytes());
    put(&mut bytes, 0x38, &2u64.to_le_bytes());
    put(&mut bytes, 0x40, &[record]);
    put(&mut bytes, 0x44, &[block]);
    put(&mut bytes, 0x48, &0x1234_5678_9abc_def0u64.to_le_bytes());
    put(&mut bytes, 0x1fe, &[0x55, 0xaa]);
    bytes
}

/// Boot sectors of usual volumes.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        sector(512, 8, 0x7fff, 0xf6, 1),
        sector(512, 1, 0x2000, 2, 8),
        sector(512, 0xf4, 0x10_0000, 0xf6, 0xf4),
        sector(512, 0x80, 0x10_0000, 0xf6, 0xf4),
        sector(4096, 1, 0x4_0000, 1, 1),
        sector(256, 8, i64::MAX as u64 / 256, 0xf6, 1),
    ]
}
