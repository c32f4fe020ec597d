//! A volume as bytes: where its metadata lie, and their blocks.

/// Bytes per cluster of the volumes used here.
pub(super) const CLUSTER: usize = 4096;
pub(super) const RECORD: usize = 1024;

pub(super) fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Undoes the fixups of a block; `None` when it is not one.
pub(super) fn block(raw: &[u8], signature: &[u8; 4]) -> Option<Vec<u8>> {
    if !raw.starts_with(signature) {
        return None;
    }
    let mut bytes = raw.to_vec();
    let at = number(raw, 4, 2) as usize;
    for piece in 1..number(raw, 6, 2) as usize {
        bytes.copy_within(at + 2 * piece..at + 2 * piece + 2, piece * 512 - 2);
    }
    Some(bytes)
}

/// Bytes of a block that count: what is in use, without LSN, update sequence and slack.
pub(super) fn essence(raw: &[u8]) -> Vec<u8> {
    let (signature, used) =
        if raw.starts_with(b"FILE") { (b"FILE", 0x18) } else { (b"INDX", 0x1c) };
    let Some(mut bytes) = block(raw, signature) else { return Vec::new() };
    let mut used = number(&bytes, used, 4) as usize;
    if signature == b"INDX" {
        used += 0x18;
    }
    bytes[8..16].fill(0);
    let (at, count) = (number(&bytes, 4, 2) as usize, number(&bytes, 6, 2) as usize);
    bytes[at..at + 2 * count].fill(0);
    bytes.truncate(used);
    bytes
}

/// Runs of an attribute in a base record: VCN, LCN, clusters.
pub(super) fn runs(image: &[u8], record: u64, kind: u64, name: &str) -> Vec<(u64, u64, u64)> {
    let mft = number(image, 0x30, 8) as usize * CLUSTER;
    let at = mft + record as usize * RECORD;
    let bytes = block(&image[at..at + RECORD], b"FILE").expect("a record");
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut at = number(&bytes, 0x14, 2) as usize;
    while number(&bytes, at, 4) != 0xffff_ffff {
        let (length, name_at) =
            (number(&bytes, at + 4, 4) as usize, at + number(&bytes, at + 0xa, 2) as usize);
        let same_name =
            bytes[at + 9] as usize * 2 == name.len() && bytes[name_at..].starts_with(&name);
        if number(&bytes, at, 4) == kind && same_name && bytes[at + 8] == 1 {
            let (mut pairs, mut vcn, mut lcn) =
                (at + number(&bytes, at + 0x20, 2) as usize, 0, 0i64);
            let mut runs = Vec::new();
            while bytes[pairs] != 0 {
                let (l, o) = ((bytes[pairs] & 15) as usize, (bytes[pairs] >> 4) as usize);
                let clusters = number(&bytes, pairs + 1, l);
                let step = number(&bytes, pairs + 1 + l, o) as i64;
                lcn += step << (64 - 8 * o) >> (64 - 8 * o);
                runs.push((vcn, lcn as u64, clusters));
                vcn += clusters;
                pairs += 1 + l + o;
            }
            return runs;
        }
        at += length;
    }
    Vec::new()
}
