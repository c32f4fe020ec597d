//! What all UDF descriptors begin with, and the addresses in them.

use crate::source::field;

/// Bytes of a descriptor tag.
pub(super) const TAG: usize = 16;

/// The kind of a descriptor whose tag is sound: its own checksum, and the CRC over what follows.
///
/// Source: ECMA-167 3/7.2.
pub(super) fn tag(bytes: &[u8]) -> Option<u16> {
    let head: [u8; TAG] = field::array(bytes, 0)?;
    let sum = head.iter().enumerate().filter(|(at, _)| *at != 4);
    let sum = sum.fold(0u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    let length = usize::from(field::u16(&head, 10)?);
    let covered = bytes.get(TAG..TAG + length)?;
    let sound = sum == head[4] && (length == 0 || crc(covered) == field::u16(&head, 8)?);
    sound.then_some(field::u16(&head, 0)?)
}

/// CRC-16 with the polynomial 0x1021, from zero.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// A block of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which partition map of the logical volume.
    pub map: u16,
    pub block: u32,
}

impl Place {
    /// The address in a long allocation descriptor.
    pub fn long(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self { block: field::u32(bytes, at + 4)?, map: field::u16(bytes, at + 8)? })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc_of_the_standard_text() {
        assert_eq!(super::crc(&[0x70, 0x6a, 0x77]), 0x3299); // ECMA-167 7.2.6
    }
}
