//! `OemInfMap`: the numbers of `oemN.inf` that are taken.

/// Numbers that are taken, as a map of bits, the highest bit of the first byte for 0.
///
/// Source: `DriverDatabase\OemInfMap` of real hives, beside their `oemN.inf` files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OemNumbers {
    map: Vec<u8>,
}

/// Numbers that Windows could reach.
const NUMBERS_MAX: u32 = 65_536;

impl OemNumbers {
    /// As the registry has it. What is too long to be a map is cut.
    #[must_use]
    pub fn from_map(map: &[u8]) -> Self {
        let end = map.len().min(NUMBERS_MAX as usize / 8);
        Self { map: map.get(..end).unwrap_or_default().to_vec() }
    }

    /// As the registry has it.
    #[must_use]
    pub fn to_map(&self) -> Vec<u8> {
        self.map.clone()
    }

    /// Notes the number of a file of that name, if it has one: `oem3.inf`, `OEM3.PNF`.
    pub fn take_name(&mut self, name: &str) {
        if let Some(number) = number_of(name) {
            self.take(number);
        }
    }

    /// Frees the number of a file of that name; zeros at the end of the map go.
    pub fn free_name(&mut self, name: &str) {
        let Some(number) = number_of(name) else { return };
        if let Some(byte) = self.map.get_mut((number / 8) as usize) {
            *byte &= !(0x80 >> (number % 8));
        }
        while self.map.len() > 1 && self.map.last() == Some(&0) {
            self.map.pop();
        }
    }

    /// Notes a number.
    pub fn take(&mut self, number: u32) {
        if number >= NUMBERS_MAX {
            return;
        }
        let place = (number / 8) as usize;
        if self.map.len() <= place {
            self.map.resize(place + 1, 0);
        }
        if let Some(byte) = self.map.get_mut(place) {
            *byte |= 0x80 >> (number % 8);
        }
    }

    /// The lowest number that is free.
    #[must_use]
    pub fn lowest_free(&self) -> u32 {
        let free = |number: &u32| {
            let byte = self.map.get((number / 8) as usize).copied().unwrap_or(0);
            byte & (0x80 >> (number % 8)) == 0
        };
        (0..NUMBERS_MAX).find(free).unwrap_or(NUMBERS_MAX)
    }
}

/// The number of `oem3.inf`, `OEM3.PNF`.
fn number_of(name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("oem")?.split_once('.')? {
        (digits, "inf" | "pnf") => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::OemNumbers;

    #[test]
    fn numbers_are_bits_from_the_highest() {
        let mut numbers = OemNumbers::from_map(&[0xFF, 0xFC]);
        assert_eq!(numbers.lowest_free(), 14);
        numbers.take_name("OEM14.INF");
        numbers.take_name("oem15.pnf");
        for other in ["oem.inf", "oemx.inf", "oem17.cat", "viostor.inf", "oem99999999.inf"] {
            numbers.take_name(other);
        }
        assert_eq!(numbers.to_map(), [0xFF, 0xFF]);
        assert_eq!(numbers.lowest_free(), 16);
        numbers.take(16);
        assert_eq!(numbers.to_map(), [0xFF, 0xFF, 0x80]);
        numbers.free_name("oem16.inf");
        numbers.free_name("oem3.inf");
        assert_eq!(numbers.to_map(), [0xEF, 0xFF]);
        let mut gap = OemNumbers::default();
        gap.take(0);
        gap.take(2);
        assert_eq!((gap.lowest_free(), gap.to_map()), (1, vec![0xA0]));
    }
}
