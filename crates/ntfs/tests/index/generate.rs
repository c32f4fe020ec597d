//! Repeatable random keys.

use winkiln_ntfs::upcase::UpCase;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A name of 1 to `units_max` UTF-16 units from a small alphabet, so that names share beginnings and differ in case.
    pub(crate) fn name(&mut self, units_max: usize) -> Vec<u16> {
        let alphabet: Vec<u16> = "aAbBcC01_é\u{10400}".encode_utf16().collect();
        // Short names often, the longest ones now and then.
        let most = [6, 12, 40, units_max][self.below(4)].min(units_max);
        let length = 1 + self.below(most);
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

/// A table that knows ASCII letters and é.
pub(crate) fn upcase() -> UpCase {
    let upper = |unit: u16| match unit {
        0x61..=0x7a | 0xe9 => unit - 0x20,
        unit => unit,
    };
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(|unit| upper(unit).to_le_bytes()).collect();
    UpCase::from_bytes(&bytes)
}

/// A `$FILE_NAME` value.
pub(crate) fn file_name(name: &[u16], size: u64) -> Vec<u8> {
    let mut key = vec![0; 0x42];
    key[..8].copy_from_slice(&0x0005_0000_0000_0005_u64.to_le_bytes());
    key[0x30..0x38].copy_from_slice(&size.to_le_bytes());
    key[0x40] = name.len() as u8;
    key[0x41] = 1;
    key.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
    key
}

pub(crate) fn utf16(name: &str) -> Vec<u16> {
    name.encode_utf16().collect()
}
