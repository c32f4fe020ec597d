//! A sparse raw disk with one formatted NTFS partition.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fs_ntfs::block_io::BlockIo;
use fs_ntfs::mkfs::format_filesystem;

use super::secure_stream;
use crate::error::{CliError, Result};

/// 96 MiB: room for the guest, small enough to copy.
const DISK_BYTES: u64 = 96 << 20;
const PARTITION_START: u64 = 1 << 20;
const PARTITION_BYTES: u64 = DISK_BYTES - PARTITION_START;
const SECTOR: u64 = 512;
const CLUSTER: u32 = 4096;
const FILE_RECORD: u32 = 1024;

/// Signature of the disk; the sample's boot configuration names it.
const DISK_SIGNATURE: u32 = 0x6b6e_6977;
const VOLUME_SERIAL: u64 = 0xdeb0_5a3c_1e57_0001;
const LABEL: &str = "Windows";

/// Partition type of NTFS.
const TYPE_NTFS: u8 = 7;
const ACTIVE: u8 = 0x80;

/// Makes the disk. The file must not exist.
pub(crate) fn make_disk(path: &Path) -> Result<()> {
    let failed =
        |error: &std::io::Error| CliError::host(format!("cannot make {}", path.display()), error);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| failed(&error))?;
    file.set_len(DISK_BYTES).map_err(|error| failed(&error))?;
    file.write_all_at(&master_boot_record(), 0).map_err(|error| failed(&error))?;
    let mut partition = PartitionFile { file: &file };
    format_filesystem(
        &mut partition,
        PARTITION_BYTES,
        CLUSTER,
        FILE_RECORD,
        Some(LABEL),
        Some(VOLUME_SERIAL),
    )
    .and_then(|()| secure_stream::fill(&mut partition, CLUSTER))
    .map_err(|error| CliError::failed(format!("cannot format {}: {error}", path.display())))?;
    // The formatter knows nothing of partitions: the boot sector and its copy at the end say where theirs starts.
    let hidden_sectors = (PARTITION_START / SECTOR) as u32;
    for boot_sector in [PARTITION_START, DISK_BYTES - SECTOR] {
        file.write_all_at(&hidden_sectors.to_le_bytes(), boot_sector + 0x1c)
            .map_err(|error| failed(&error))?;
    }
    file.sync_all().map_err(|error| failed(&error))
}

/// One active NTFS partition, and no boot code: the sample holds no Windows that could start.
fn master_boot_record() -> [u8; 512] {
    const ENTRY: usize = 446;
    let mut sector = [0; 512];
    sector[440..444].copy_from_slice(&DISK_SIGNATURE.to_le_bytes());
    sector[ENTRY] = ACTIVE;
    // Cylinder, head and sector are not used; 0xffffff says so.
    sector[ENTRY + 1..ENTRY + 4].fill(0xff);
    sector[ENTRY + 4] = TYPE_NTFS;
    sector[ENTRY + 5..ENTRY + 8].fill(0xff);
    let sectors = |bytes: u64| ((bytes / SECTOR) as u32).to_le_bytes();
    sector[ENTRY + 8..ENTRY + 12].copy_from_slice(&sectors(PARTITION_START));
    sector[ENTRY + 12..ENTRY + 16].copy_from_slice(&sectors(PARTITION_BYTES));
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// The partition as the formatter sees it.
struct PartitionFile<'f> {
    file: &'f File,
}

impl PartitionFile<'_> {
    fn check(offset: u64, length: usize) -> Result<u64, String> {
        match offset.checked_add(length as u64) {
            Some(end) if end <= PARTITION_BYTES => Ok(PARTITION_START + offset),
            _ => Err(format!("{length} bytes at {offset:#x} pass the end of the partition")),
        }
    }
}

impl BlockIo for PartitionFile<'_> {
    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let at = Self::check(offset, buf.len())?;
        self.file.read_exact_at(buf, at).map_err(|error| error.to_string())
    }

    fn write_all_at(&mut self, offset: u64, buf: &[u8]) -> Result<(), String> {
        let at = Self::check(offset, buf.len())?;
        self.file.write_all_at(buf, at).map_err(|error| error.to_string())
    }

    fn size(&self) -> u64 {
        PARTITION_BYTES
    }
}
