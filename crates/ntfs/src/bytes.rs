//! Checked little-endian access to bytes from a volume.

/// `N` bytes at `at`; `None` past the end.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A 16-bit number at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

/// A 32-bit number at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

/// A 64-bit number at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

/// `length` bytes at `at`.
pub(crate) fn slice_at(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// Overwrites bytes at `at`; false when they would pass the end.
#[must_use]
pub(crate) fn put(bytes: &mut [u8], at: usize, data: &[u8]) -> bool {
    let target = at.checked_add(data.len()).and_then(|end| bytes.get_mut(at..end));
    target.map(|target| target.copy_from_slice(data)).is_some()
}

/// Little-endian UTF-16 units of `bytes`.
pub(crate) fn utf16_units(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Bytes of UTF-16 units.
pub(crate) fn utf16_bytes(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * units.len());
    units.iter().for_each(|unit| bytes.extend_from_slice(&unit.to_le_bytes()));
    bytes
}

/// Rounds up to a multiple of 8, as everything in a file record is.
pub(crate) const fn align8(length: usize) -> usize {
    (length + 7) & !7
}
