//! Sizes and places of the tables that the header points to.

use super::{Fields, Qcow2Error, V3_BYTES};

/// 512 bytes to 2 MiB per cluster.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// QEMU opens no larger L1 table.
const MAX_L1_BYTES: u64 = 32 << 20;
/// QEMU opens no larger refcount table.
const MAX_REFCOUNT_TABLE_BYTES: u64 = 8 << 20;
/// QEMU opens no more snapshots.
const MAX_SNAPSHOTS: u32 = 65536;
/// Bytes of a snapshot table entry without its strings.
const MIN_SNAPSHOT_BYTES: u64 = 40;

impl Fields {
    /// Refuses sizes and places that cannot be.
    pub(super) fn judge_geometry(&self, file_length: u64) -> Result<(), Qcow2Error> {
        let range = |field, offset, found: u64, expected: String| {
            Err(Qcow2Error::Field { field, offset, found, expected })
        };
        if !CLUSTER_BITS.contains(&self.cluster_bits) {
            return range("cluster_bits", 20, self.cluster_bits.into(), "9 to 21".to_owned());
        }
        let cluster = 1_u64 << self.cluster_bits;
        let header = u64::from(self.header_length);
        if self.version == 3 && (header < V3_BYTES || header % 8 != 0 || header > cluster) {
            return range(
                "header_length",
                100,
                header,
                format!("a multiple of 8 from 104 to {cluster}"),
            );
        }
        if self.refcount_order > 6 {
            return range("refcount_order", 96, self.refcount_order.into(), "0 to 6".to_owned());
        }
        let l1_bytes = u64::from(self.l1_size) * 8;
        if l1_bytes > MAX_L1_BYTES {
            return range(
                "l1_size",
                36,
                self.l1_size.into(),
                format!("at most {}", MAX_L1_BYTES / 8),
            );
        }
        let needed = self.size.div_ceil(cluster * (cluster / 8));
        if needed > u64::from(self.l1_size) {
            return range(
                "l1_size",
                36,
                self.l1_size.into(),
                format!("at least {needed} for a disk of {} bytes", self.size),
            );
        }
        let refcount_bytes = u64::from(self.refcount_clusters) * cluster;
        let most = MAX_REFCOUNT_TABLE_BYTES.max(cluster);
        if refcount_bytes == 0 || refcount_bytes > most {
            let expected = format!("1 to {}", most / cluster);
            return range("refcount_table_clusters", 56, self.refcount_clusters.into(), expected);
        }
        if self.snapshots > MAX_SNAPSHOTS {
            return range(
                "nb_snapshots",
                60,
                self.snapshots.into(),
                format!("at most {MAX_SNAPSHOTS}"),
            );
        }
        let tables = [
            Table {
                name: "L1 table",
                field: "l1_table_offset",
                at: 40,
                offset: self.l1_offset,
                length: l1_bytes,
            },
            Table {
                name: "refcount table",
                field: "refcount_table_offset",
                at: 48,
                offset: self.refcount_offset,
                length: refcount_bytes,
            },
            Table {
                name: "snapshot table",
                field: "snapshots_offset",
                at: 64,
                offset: self.snapshots_offset,
                length: u64::from(self.snapshots) * MIN_SNAPSHOT_BYTES,
            },
        ];
        judge_tables(&tables, cluster, file_length)
    }
}

/// A table that the header points to.
struct Table {
    name: &'static str,
    field: &'static str,
    at: u64,
    offset: u64,
    length: u64,
}

/// Refuses tables that are not aligned, not inside the file, or lie on each other.
fn judge_tables(tables: &[Table], cluster: u64, file_length: u64) -> Result<(), Qcow2Error> {
    let mut taken: Vec<(&'static str, u64, u64)> = vec![("header", 0, cluster)];
    for table in tables.iter().filter(|table| table.length > 0) {
        if table.offset % cluster != 0 {
            return Err(Qcow2Error::Field {
                field: table.field,
                offset: table.at,
                found: table.offset,
                expected: format!("a multiple of the cluster size {cluster}"),
            });
        }
        let (offset, length) = (table.offset, table.length);
        let end = match offset.checked_add(length) {
            Some(end) if end <= file_length => end,
            _ => {
                return Err(Qcow2Error::PastEnd {
                    table: table.name,
                    offset,
                    length,
                    file: file_length,
                });
            }
        };
        for (name, start, stop) in &taken {
            if offset < *stop && *start < end {
                return Err(Qcow2Error::Overlap { first: name, second: table.name });
            }
        }
        taken.push((table.name, offset, end));
    }
    Ok(())
}
