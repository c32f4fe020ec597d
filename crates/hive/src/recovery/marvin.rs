//! The hash of log entries.
//!
//! Source: N. Ferguson and others, US patent 8,555,373 B1 (Marvin32); the seed is that of the registry.

/// Seed of the registry's hashes.
const SEED: u64 = 0x82ef_4d88_7a4e_55c5;

/// Marvin32 of `data` with the registry's seed.
pub(super) fn marvin32(data: &[u8]) -> u64 {
    let mut state = State { low: SEED as u32, high: (SEED >> 32) as u32 };
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        state.mix(word.first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word)));
    }
    let mut last = [0; 4];
    for (target, byte) in last.iter_mut().zip(rest.iter().chain(&[0x80])) {
        *target = *byte;
    }
    state.mix(u32::from_le_bytes(last));
    state.mix(0);
    u64::from(state.high) << 32 | u64::from(state.low)
}

struct State {
    low: u32,
    high: u32,
}

impl State {
    fn mix(&mut self, word: u32) {
        self.low = self.low.wrapping_add(word);
        self.high ^= self.low;
        self.low = self.low.rotate_left(20).wrapping_add(self.high);
        self.high = self.high.rotate_left(9) ^ self.low;
        self.low = self.low.rotate_left(27).wrapping_add(self.high);
        self.high = self.high.rotate_left(19);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        // Computed by an independent program that agrees with logs written by Windows 10.
        assert_eq!(marvin32(b""), 0xb39e_fca4_0396_6e08);
        assert_eq!(marvin32(b"HvLE"), 0x9145_2793_2cf3_36dd);
        assert_eq!(marvin32(b"registry"), 0x1e61_6461_fd98_d02a);
        assert_eq!(marvin32(b"abcde"), 0x187f_15f6_2504_6b86);
    }
}
