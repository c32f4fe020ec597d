//! A writer of ASN.1, for catalogs.

/// An element.
pub fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content].concat()
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, parts)
}

pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x31, parts)
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    element(4, &[bytes.to_vec()])
}

pub fn integer(number: u32) -> Vec<u8> {
    let bytes = [&[0], &number.to_be_bytes()[..]].concat();
    // As few bytes as keep the number positive.
    let needless = bytes.windows(2).take_while(|pair| pair[0] == 0 && pair[1] < 0x80).count();
    element(2, &[bytes[needless..].to_vec()])
}

/// An object identifier, from its numbers.
pub fn oid(text: &str) -> Vec<u8> {
    let numbers: Vec<u64> =
        text.split('.').map(|number| number.parse().expect("a number")).collect();
    let mut bytes = vec![(numbers[0] * 40 + numbers[1]) as u8];
    for number in &numbers[2..] {
        let digits: Vec<u8> = (0..5).rev().map(|at| (number >> (7 * at) & 0x7f) as u8).collect();
        let from = digits.iter().position(|digit| *digit != 0).unwrap_or(4);
        let last = digits.len() - 1;
        bytes.extend(
            digits[from..]
                .iter()
                .enumerate()
                .map(|(at, digit)| if from + at < last { digit | 0x80 } else { *digit }),
        );
    }
    element(6, &[bytes])
}

/// UTF-16, big-endian.
pub fn bmp(text: &str) -> Vec<u8> {
    element(0x1e, &[text.encode_utf16().flat_map(u16::to_be_bytes).collect()])
}
