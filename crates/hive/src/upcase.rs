//! Upper case as Windows has it: one UTF-16 unit to one unit, without regard to language.

/// Letters `first..=last`, every `step`-th, become upper case by adding `delta`.
struct Run {
    first: u16,
    last: u16,
    step: u16,
    delta: i32,
}

const fn run(first: u16, last: u16, step: u16, delta: i32) -> Run {
    Run { first, last, step, delta }
}

/// All letters that have an upper case, in ascending order, without overlaps.
///
/// Source: `$UpCase` of NTFS volumes formatted by Windows 7 and 10, which holds the kernel's own table. Windows XP knows
/// fewer letters (none of them in Latin-1, Greek or Cyrillic as commonly used); they do not differ otherwise.
#[rustfmt::skip]
const RUNS: &[Run] = &[
    run(0x0061, 0x007a, 1, -32), run(0x00e0, 0x00f6, 1, -32), run(0x00f8, 0x00fe, 1, -32),
    run(0x00ff, 0x00ff, 1, 121), run(0x0101, 0x012f, 2, -1), run(0x0133, 0x0137, 2, -1),
    run(0x013a, 0x0148, 2, -1), run(0x014b, 0x0177, 2, -1), run(0x017a, 0x017e, 2, -1),
    run(0x0180, 0x0180, 1, 195), run(0x0183, 0x0185, 2, -1), run(0x0188, 0x0188, 1, -1),
    run(0x018c, 0x018c, 1, -1), run(0x0192, 0x0192, 1, -1), run(0x0195, 0x0195, 1, 97),
    run(0x0199, 0x0199, 1, -1), run(0x019a, 0x019a, 1, 163), run(0x019e, 0x019e, 1, 130),
    run(0x01a1, 0x01a5, 2, -1), run(0x01a8, 0x01a8, 1, -1), run(0x01ad, 0x01ad, 1, -1),
    run(0x01b0, 0x01b0, 1, -1), run(0x01b4, 0x01b6, 2, -1), run(0x01b9, 0x01b9, 1, -1),
    run(0x01bd, 0x01bd, 1, -1), run(0x01bf, 0x01bf, 1, 56), run(0x01c6, 0x01c6, 1, -2),
    run(0x01c9, 0x01c9, 1, -2), run(0x01cc, 0x01cc, 1, -2), run(0x01ce, 0x01dc, 2, -1),
    run(0x01dd, 0x01dd, 1, -79), run(0x01df, 0x01ef, 2, -1), run(0x01f3, 0x01f3, 1, -2),
    run(0x01f5, 0x01f5, 1, -1), run(0x01f9, 0x021f, 2, -1), run(0x0223, 0x0233, 2, -1),
    run(0x023c, 0x023c, 1, -1), run(0x0242, 0x0242, 1, -1), run(0x0247, 0x024f, 2, -1),
    run(0x0250, 0x0250, 1, 10783), run(0x0251, 0x0251, 1, 10780), run(0x0253, 0x0253, 1, -210),
    run(0x0254, 0x0254, 1, -206), run(0x0256, 0x0257, 1, -205), run(0x0259, 0x0259, 1, -202),
    run(0x025b, 0x025b, 1, -203), run(0x0260, 0x0260, 1, -205), run(0x0263, 0x0263, 1, -207),
    run(0x0268, 0x0268, 1, -209), run(0x0269, 0x0269, 1, -211), run(0x026b, 0x026b, 1, 10743),
    run(0x026f, 0x026f, 1, -211), run(0x0271, 0x0271, 1, 10749), run(0x0272, 0x0272, 1, -213),
    run(0x0275, 0x0275, 1, -214), run(0x027d, 0x027d, 1, 10727), run(0x0280, 0x0280, 1, -218),
    run(0x0283, 0x0283, 1, -218), run(0x0288, 0x0288, 1, -218), run(0x0289, 0x0289, 1, -69),
    run(0x028a, 0x028b, 1, -217), run(0x028c, 0x028c, 1, -71), run(0x0292, 0x0292, 1, -219),
    run(0x0371, 0x0373, 2, -1), run(0x0377, 0x0377, 1, -1), run(0x037b, 0x037d, 1, 130),
    run(0x03ac, 0x03ac, 1, -38), run(0x03ad, 0x03af, 1, -37), run(0x03b1, 0x03c1, 1, -32),
    run(0x03c3, 0x03cb, 1, -32), run(0x03cc, 0x03cc, 1, -64), run(0x03cd, 0x03ce, 1, -63),
    run(0x03d7, 0x03d7, 1, -8), run(0x03d9, 0x03ef, 2, -1), run(0x03f2, 0x03f2, 1, 7),
    run(0x03f8, 0x03f8, 1, -1), run(0x03fb, 0x03fb, 1, -1), run(0x0430, 0x044f, 1, -32),
    run(0x0450, 0x045f, 1, -80), run(0x0461, 0x0481, 2, -1), run(0x048b, 0x04bf, 2, -1),
    run(0x04c2, 0x04ce, 2, -1), run(0x04cf, 0x04cf, 1, -15), run(0x04d1, 0x0523, 2, -1),
    run(0x0561, 0x0586, 1, -48), run(0x1d79, 0x1d79, 1, 35332), run(0x1d7d, 0x1d7d, 1, 3814),
    run(0x1e01, 0x1e95, 2, -1), run(0x1ea1, 0x1eff, 2, -1), run(0x1f00, 0x1f07, 1, 8),
    run(0x1f10, 0x1f15, 1, 8), run(0x1f20, 0x1f27, 1, 8), run(0x1f30, 0x1f37, 1, 8),
    run(0x1f40, 0x1f45, 1, 8), run(0x1f51, 0x1f57, 2, 8), run(0x1f60, 0x1f67, 1, 8),
    run(0x1f70, 0x1f71, 1, 74), run(0x1f72, 0x1f75, 1, 86), run(0x1f76, 0x1f77, 1, 100),
    run(0x1f78, 0x1f79, 1, 128), run(0x1f7a, 0x1f7b, 1, 112), run(0x1f7c, 0x1f7d, 1, 126),
    run(0x1f80, 0x1f87, 1, 8), run(0x1f90, 0x1f97, 1, 8), run(0x1fa0, 0x1fa7, 1, 8),
    run(0x1fb0, 0x1fb1, 1, 8), run(0x1fb3, 0x1fb3, 1, 9), run(0x1fc3, 0x1fc3, 1, 9),
    run(0x1fd0, 0x1fd1, 1, 8), run(0x1fe0, 0x1fe1, 1, 8), run(0x1fe5, 0x1fe5, 1, 7),
    run(0x1ff3, 0x1ff3, 1, 9), run(0x214e, 0x214e, 1, -28), run(0x2170, 0x217f, 1, -16),
    run(0x2184, 0x2184, 1, -1), run(0x24d0, 0x24e9, 1, -26), run(0x2c30, 0x2c5e, 1, -48),
    run(0x2c61, 0x2c61, 1, -1), run(0x2c65, 0x2c65, 1, -10795), run(0x2c66, 0x2c66, 1, -10792),
    run(0x2c68, 0x2c6c, 2, -1), run(0x2c73, 0x2c73, 1, -1), run(0x2c76, 0x2c76, 1, -1),
    run(0x2c81, 0x2ce3, 2, -1), run(0x2d00, 0x2d25, 1, -7264), run(0xa641, 0xa65f, 2, -1),
    run(0xa663, 0xa66d, 2, -1), run(0xa681, 0xa697, 2, -1), run(0xa723, 0xa72f, 2, -1),
    run(0xa733, 0xa76f, 2, -1), run(0xa77a, 0xa77c, 2, -1), run(0xa77f, 0xa787, 2, -1),
    run(0xa78c, 0xa78c, 1, -1), run(0xff41, 0xff5a, 1, -32),
];

/// Upper case of one UTF-16 unit; surrogates and everything without a single upper-case unit stay as they are.
#[inline]
pub(crate) fn upcase(unit: u16) -> u16 {
    if unit < 0x80 {
        return if (0x61..=0x7a).contains(&unit) { unit - 0x20 } else { unit };
    }
    upcase_beyond_ascii(unit)
}

fn upcase_beyond_ascii(unit: u16) -> u16 {
    let after = RUNS.partition_point(|run| run.first <= unit);
    let Some(run) = after.checked_sub(1).and_then(|index| RUNS.get(index)) else { return unit };
    if unit > run.last || !(unit - run.first).is_multiple_of(run.step) {
        return unit;
    }
    u16::try_from(i32::from(unit) + run.delta).unwrap_or(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_get_their_upper_case() {
        for (lower, upper) in [
            ("a", "A"),
            ("z", "Z"),
            ("é", "É"),
            ("ÿ", "Ÿ"),
            ("я", "Я"),
            ("σ", "Σ"),
            ("ā", "Ā"),
            // No upper case in Windows, though Unicode has one.
            ("µ", "µ"),
            ("ı", "ı"),
            ("ß", "ß"),
            ("1", "1"),
            ("ÿ", "Ÿ"),
        ] {
            let lower = lower.encode_utf16().next().unwrap();
            let upper = upper.encode_utf16().next().unwrap();
            assert_eq!(upcase(lower), upper, "{lower:#06x}");
        }
    }

    #[test]
    fn runs_are_sorted_and_apart() {
        for pair in RUNS.windows(2) {
            assert!(pair[0].last < pair[1].first);
        }
    }

    #[test]
    fn upper_case_is_stable() {
        for unit in 0..=u16::MAX {
            assert_eq!(upcase(upcase(unit)), upcase(unit), "{unit:#06x}");
        }
    }
}
