//! The strings in a value's data.

/// The strings of a stored REG_SZ, REG_EXPAND_SZ or REG_MULTI_SZ; empty ones are left out, and half a unit at the end.
///
/// What is not UTF-16 becomes U+FFFD.
#[must_use]
pub fn strings(data: &[u8]) -> Vec<String> {
    let (pairs, _) = data.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let texts = units.split(|unit| *unit == 0).filter(|text| !text.is_empty());
    texts.map(String::from_utf16_lossy).collect()
}
