//! Checked little-endian access to bytes of a descriptor.

/// A 16-bit number at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// A 32-bit number at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Overwrites bytes at `at`; false when they would pass the end.
#[must_use]
pub(crate) fn put(bytes: &mut [u8], at: usize, data: &[u8]) -> bool {
    let target = at.checked_add(data.len()).and_then(|end| bytes.get_mut(at..end));
    target.map(|target| target.copy_from_slice(data)).is_some()
}
