//! Targets of calls, which the packer made absolute so that calls of one function look alike.

/// Makes the targets of calls (0xE8) relative again. `place` is where the first byte lies, `size` what targets were counted in.
pub(crate) fn translate(out: &mut [u8], place: i32, size: i32) {
    let end = out.len().saturating_sub(10);
    let mut at = 0;
    while at < end {
        if out[at] != 0xe8 {
            at += 1;
            continue;
        }
        if let Some(field) = out.get_mut(at + 1..).and_then(<[u8]>::first_chunk_mut::<4>) {
            let (target, place) = (i32::from_le_bytes(*field), place.saturating_add(at as i32));
            if (0..size).contains(&target) {
                *field = (target - place).to_le_bytes();
            } else if (-place..0).contains(&target) {
                *field = target.wrapping_add(size).to_le_bytes();
            }
        }
        at += 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: i32 = 12_000_000;

    #[test]
    fn calls_become_relative() {
        let mut code = vec![0x90; 40];
        code[0] = 0xe8;
        code[1..5].copy_from_slice(&100i32.to_le_bytes());
        code[10] = 0xe8;
        code[11..15].copy_from_slice(&(-10i32).to_le_bytes());
        code[20] = 0xe8;
        code[21..25].copy_from_slice(&SIZE.to_le_bytes());
        code[30] = 0xe8;
        let mut later = code.clone();
        translate(&mut code, 0, SIZE);
        let field =
            |code: &[u8], at: usize| code[at..].first_chunk().copied().map(i32::from_le_bytes);
        assert_eq!(field(&code, 1), Some(100));
        assert_eq!(field(&code, 11), Some(SIZE - 10));
        assert_eq!(field(&code, 21), Some(SIZE), "too far to be a target");
        assert_eq!(code[31..35], [0x90; 4], "the last ten bytes stay");
        translate(&mut later, 32768, SIZE);
        assert_eq!(field(&later, 1), Some(100 - 32768));
        assert_eq!(field(&later, 11), Some(SIZE - 10));
    }
}
