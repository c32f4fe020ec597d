//! A new, empty image.

use super::{EXTENSION_BACKING_FORMAT, MAGIC, MAX_BACKING_NAME};

/// 64 KiB, as QEMU's own.
const CLUSTER_BITS: u32 = 16;
const CLUSTER: usize = 1 << CLUSTER_BITS;
const HEADER_BYTES: u32 = 104;
/// Guest bytes that one entry of the L1 table stands for.
const L1_SPAN: u64 = (CLUSTER as u64 / 8) << CLUSTER_BITS;
const L1_MAX: u64 = 4 << 20;
/// Refcounts of 16 bits.
const REFCOUNT_ORDER: u32 = 4;

/// An image of `size` bytes over `backing`: header, refcount table, its first block, L1 table, a cluster or more each. `None`
/// when the name is too long or the size too large.
///
/// Source: QEMU `docs/interop/qcow2.txt`, "Header", "Header extensions", "Refcounts".
pub(crate) fn encode_new(size: u64, backing: &[u8], format: &str) -> Option<Vec<u8>> {
    let entries = size.div_ceil(L1_SPAN).max(1);
    if backing.len() > MAX_BACKING_NAME as usize || entries > L1_MAX {
        return None;
    }
    let l1_clusters = (entries as usize * 8).div_ceil(CLUSTER);
    let clusters = 3 + l1_clusters;
    let mut bytes = vec![0; clusters * CLUSTER];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    let extension = HEADER_BYTES as usize;
    let name_at = extension + 8 + format.len().next_multiple_of(8) + 8;
    put(0, MAGIC);
    put(4, &3_u32.to_be_bytes());
    put(8, &(name_at as u64).to_be_bytes());
    put(16, &(backing.len() as u32).to_be_bytes());
    put(20, &CLUSTER_BITS.to_be_bytes());
    put(24, &size.to_be_bytes());
    put(36, &(entries as u32).to_be_bytes());
    put(40, &(3 * CLUSTER as u64).to_be_bytes());
    put(48, &(CLUSTER as u64).to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(96, &REFCOUNT_ORDER.to_be_bytes());
    put(100, &HEADER_BYTES.to_be_bytes());
    put(extension, &EXTENSION_BACKING_FORMAT.to_be_bytes());
    put(extension + 4, &(format.len() as u32).to_be_bytes());
    put(extension + 8, format.as_bytes());
    put(name_at, backing);
    put(CLUSTER, &(2 * CLUSTER as u64).to_be_bytes());
    for cluster in 0..clusters {
        put(2 * CLUSTER + 2 * cluster, &1_u16.to_be_bytes());
    }
    Some(bytes)
}
