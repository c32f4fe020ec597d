//! Making and closing gaps in a record or block, whose bytes in use are followed by free ones.

/// Why a change does not fit.
pub(super) type Misfit = &'static str;

/// Overwrites bytes at `at`.
pub(super) fn put(block: &mut [u8], at: usize, data: &[u8]) -> Result<(), Misfit> {
    if crate::bytes::put(block, at, data) { Ok(()) } else { Err("bytes past its end") }
}

/// Moves what stands from `at` to `used` up, and puts `data` in the gap.
pub(super) fn insert(block: &mut [u8], at: usize, used: usize, data: &[u8]) -> Result<(), Misfit> {
    if at > used || used.checked_add(data.len()).is_none_or(|end| end > block.len()) {
        return Err("no room for what is added");
    }
    block.copy_within(at..used, at + data.len());
    block[at..at + data.len()].copy_from_slice(data);
    Ok(())
}

/// Takes `length` bytes out at `at`; what follows, to `used`, moves down. What it leaves behind stays as it was.
pub(super) fn remove(
    block: &mut [u8],
    at: usize,
    used: usize,
    length: usize,
) -> Result<(), Misfit> {
    if used > block.len() || at.checked_add(length).is_none_or(|end| end > used) {
        return Err("what is removed passes its end");
    }
    block.copy_within(at + length..used, at);
    Ok(())
}

pub(super) fn u16_at(block: &[u8], at: usize) -> Result<usize, Misfit> {
    crate::bytes::u16_at(block, at).map(usize::from).ok_or("a field past its end")
}

pub(super) fn u32_at(block: &[u8], at: usize) -> Result<usize, Misfit> {
    crate::bytes::u32_at(block, at).map(|value| value as usize).ok_or("a field past its end")
}

pub(super) fn put_u32(block: &mut [u8], at: usize, value: usize) -> Result<(), Misfit> {
    let value = u32::try_from(value).map_err(|_| "a length past 32 bits")?;
    put(block, at, &value.to_le_bytes())
}

/// Adds to a 32-bit length; `by` may be negative.
pub(super) fn add_u32(block: &mut [u8], at: usize, by: isize) -> Result<(), Misfit> {
    let value = u32_at(block, at)?.checked_add_signed(by).ok_or("a length below zero")?;
    put_u32(block, at, value)
}
