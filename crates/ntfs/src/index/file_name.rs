//! The part of a `$FILE_NAME` value that an index sorts by.

/// Offset of the name's length in UTF-16 units; the name's namespace follows, then the name.
const LENGTH_AT: usize = 0x40;
/// Offset of the name.
const NAME_AT: usize = 0x42;

/// The little-endian bytes of the name in a `$FILE_NAME` value; `None` when it passes the value's end.
pub(crate) fn name(key: &[u8]) -> Option<&[u8]> {
    let units = usize::from(*key.get(LENGTH_AT)?);
    key.get(NAME_AT..NAME_AT + 2 * units)
}

/// The UTF-16 units of a name's bytes.
pub(crate) fn units(name: &[u8]) -> impl Iterator<Item = u16> + '_ {
    name.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair))
}

/// A `$FILE_NAME` value of this name and zeros elsewhere, to search with; `None` for a name that is too long.
pub(crate) fn search_key(name: &[u16]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(NAME_AT + 2 * name.len());
    key.resize(NAME_AT, 0);
    key[LENGTH_AT] = u8::try_from(name.len()).ok()?;
    name.iter().for_each(|unit| key.extend_from_slice(&unit.to_le_bytes()));
    Some(key)
}
