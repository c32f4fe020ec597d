//! Repeatable mutations of seeds, for runs without a fuzzer.

/// Repeatable numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// Numbers that fields of formats break at.
const EDGES: [u64; 14] = [
    0,
    1,
    7,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];

impl Random {
    /// Starts a row of numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit as u64) as usize
    }

    /// A mutation of `seed`, with a part of `other` now and then.
    pub fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..1 << self.below(4) {
            if bytes.is_empty() {
                bytes.push(self.number() as u8);
            }
            let at = self.below(bytes.len());
            match self.below(9) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.number() as u8,
                2 => bytes[at] = bytes[at].wrapping_add(1),
                3 => bytes[at] = bytes[at].wrapping_sub(1),
                4 => {
                    let width = 1 << self.below(4);
                    let edge = EDGES[self.below(EDGES.len())].to_le_bytes();
                    super::bytes::put(&mut bytes, at & !(width - 1), &edge[..width]);
                }
                5 => bytes.truncate(at),
                6 => {
                    let end = (at + 1 + self.below(16)).min(bytes.len());
                    bytes.drain(at..end);
                }
                7 => {
                    let end = (at + 1 + self.below(32)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, part);
                }
                _ if !other.is_empty() => {
                    let from = self.below(other.len());
                    let part = &other[from..(from + 1 + self.below(64)).min(other.len())];
                    super::bytes::put(&mut bytes, at, part);
                }
                _ => {}
            }
        }
        bytes
    }
}
