//! LZX cabinets, packed here: no free program makes them. cabextract must read them as we do.

use std::collections::HashMap;
use std::fs;

use winkiln_archive::Error;

use crate::cabinet::cabinet;
use crate::sample::{have, noise, run, tree_of};

const FRAME: usize = 32768;
/// Bits of a window of 64 KiB, and the slots that go with it.
const WINDOW: u16 = 16;
const SLOTS: usize = 32;

/// Bits into words of 16, the highest first; a new data block begins with a new word.
#[derive(Default)]
struct Packer {
    bytes: Vec<u8>,
    word: u32,
    count: u32,
}

impl Packer {
    fn put(&mut self, value: usize, bits: u32) {
        for bit in (0..bits).rev() {
            self.word = self.word << 1 | (value >> bit & 1) as u32;
            self.count += 1;
            if self.count == 16 {
                self.bytes.extend((self.word as u16).to_le_bytes());
                (self.word, self.count) = (0, 0);
            }
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 16 - self.count);
        }
    }

    fn header(&mut self, kind: usize, size: usize) {
        self.put(kind, 3);
        self.put(size, 24);
    }

    /// Lengths of a code, `old` of which were there before, each written with a code of five bits for every difference.
    fn lengths(&mut self, old: &[u8], new: &[u8]) {
        // The first twelve symbols of the code have four bits, the others five: complete.
        for symbol in 0..20 {
            self.put(if symbol < 12 { 4 } else { 5 }, 4);
        }
        for (old, new) in old.iter().zip(new) {
            let by = (usize::from(*old) + 17 - usize::from(*new)) % 17;
            if by < 12 { self.put(by, 4) } else { self.put(24 + by - 12, 5) }
        }
    }
}

/// Lengths of a complete code of `count` symbols, the first ones shorter.
fn complete(count: usize) -> Vec<u8> {
    let bits = count.next_power_of_two().ilog2();
    let short = (1 << bits) - count;
    (0..count).map(|symbol| if symbol < short { bits - 1 } else { bits } as u8).collect()
}

/// The words of a code with these lengths, by symbol.
fn words(lengths: &[u8]) -> Vec<usize> {
    let mut next = 0;
    let mut words = vec![0; lengths.len()];
    for bits in 1..=16 {
        next <<= 1;
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, length)| **length == bits) {
            words[symbol] = next;
            next += 1;
        }
    }
    words
}

/// The slot of a distance plus two, the bits that follow it, and their value.
fn slot(number: usize) -> (usize, u32, usize) {
    let mut base = 0;
    for slot in 0.. {
        let bits = if slot < 4 { 0 } else { (slot as u32 / 2 - 1).min(17) };
        if number < base + (1 << bits) {
            return (slot, bits, number - base);
        }
        base += 1 << bits;
    }
    unreachable!("slots go on");
}

/// Packs bytes into blocks of `block` bytes, of each kind in turn, and these into frames.
struct Lzx {
    main: Vec<u8>,
    lengths: Vec<u8>,
    /// The words of both codes.
    words: [Vec<usize>; 2],
    recent: [usize; 3],
    /// Uses of the three recent distances.
    repeats: [usize; 3],
}

impl Lzx {
    fn pack(data: &[u8], block: usize, call_size: Option<u32>) -> Vec<(Vec<u8>, usize)> {
        let main = 256 + 8 * SLOTS;
        let mut state = Self {
            main: vec![0; main],
            lengths: vec![0; 249],
            words: Default::default(),
            recent: [1; 3],
            repeats: [0; 3],
        };
        let (mut frames, mut out, mut heads) = (Vec::new(), Packer::default(), HashMap::new());
        out.put(usize::from(call_size.is_some()), 1);
        if let Some(size) = call_size {
            out.put(size as usize >> 16, 16);
            out.put(size as usize & 0xffff, 16);
        }
        let mut at = 0;
        for (number, bytes) in data.chunks(block).enumerate() {
            let kind = [3, 1, 2][number % 3];
            out.header(kind, bytes.len());
            if kind == 3 {
                out.put(0, 16 - out.count);
                out.bytes.extend(state.recent.iter().flat_map(|r| (*r as u32).to_le_bytes()));
            } else {
                state.codes(&mut out, kind);
            }
            let end = at + bytes.len();
            while at < end {
                let frame_end = (at / FRAME + 1) * FRAME;
                let stop = end.min(frame_end);
                if kind == 3 {
                    out.bytes.extend(&data[at..stop]);
                    at = stop;
                    if at == end && bytes.len() % 2 == 1 {
                        out.bytes.push(0);
                    }
                } else {
                    at = state.token(&mut out, data, at, stop, &mut heads);
                }
                if at == frame_end {
                    out.align();
                    frames.push((std::mem::take(&mut out.bytes), FRAME));
                }
            }
        }
        if !data.len().is_multiple_of(FRAME) {
            out.align();
            frames.push((out.bytes, data.len() % FRAME));
        }
        let repeats = state.repeats;
        assert!(data.len() < FRAME || repeats.iter().all(|uses| *uses > 0), "{repeats:?}");
        frames
    }

    fn codes(&mut self, out: &mut Packer, kind: usize) {
        if kind == 2 {
            (0..8).for_each(|_| out.put(3, 3));
        }
        let (main, lengths) = (complete(self.main.len()), complete(249));
        out.lengths(&self.main[..256], &main[..256]);
        out.lengths(&self.main[256..], &main[256..]);
        out.lengths(&self.lengths, &lengths);
        self.words = [words(&main), words(&lengths)];
        (self.main, self.lengths) = (main, lengths);
    }

    /// Writes a byte or a match, and tells where the next one begins.
    fn token(
        &mut self,
        out: &mut Packer,
        data: &[u8],
        at: usize,
        stop: usize,
        heads: &mut HashMap<[u8; 3], usize>,
    ) -> usize {
        let [main, lengths] = &self.words;
        let head = data[at..stop].first_chunk::<3>();
        let before = head.and_then(|head| heads.insert(*head, at));
        let same = |distance: usize| {
            let most = (stop - at).min(257);
            (0..most)
                .take_while(|n| distance <= at && data[at + n - distance] == data[at + n])
                .count()
        };
        let recent = (0..3).find(|slot| same(self.recent[*slot]) >= 2);
        let near = before.map(|from| at - from).filter(|d| *d < (1 << WINDOW) - 3);
        let (slot, bits, low, length) = if let Some(which) = recent {
            self.recent.swap(0, which);
            self.repeats[which] += 1;
            (which, 0, 0, same(self.recent[0]))
        } else if let Some(distance) = near {
            self.recent = [distance, self.recent[0], self.recent[1]];
            let (slot, bits, low) = slot(distance + 2);
            (slot, bits, low, same(distance))
        } else {
            let byte = usize::from(data[at]);
            out.put(main[byte], self.main[byte].into());
            return at + 1;
        };
        let symbol = 256 + 8 * slot + (length - 2).min(7);
        out.put(main[symbol], self.main[symbol].into());
        if length >= 9 {
            out.put(lengths[length - 9], self.lengths[length - 9].into());
        }
        // In an aligned block the last three bits are a symbol of a code, whose words here are the symbols themselves.
        out.put(low, bits);
        at + length
    }
}

/// Text-like bytes with matches near and far, and calls.
fn sample(length: usize) -> Vec<u8> {
    let mut data = noise("lzx", 9000);
    while data.len() < length {
        let dice = noise(&format!("{}", data.len()), 8);
        let from = (usize::from(dice[0]) << 9 | usize::from(dice[1])) % (data.len() - 500);
        let from = from.max(data.len().saturating_sub(60_000));
        let run = 3 + usize::from(dice[2]) * 4;
        data.extend_from_within(from..(from + run).min(data.len()));
        if dice[3].is_multiple_of(2) {
            data.extend([0xe8, dice[4], dice[5], 0, 0]);
        }
        data.extend(&dice[..usize::from(dice[6] % 8)]);
        if dice[7].is_multiple_of(4) {
            data.extend([dice[0]; 40]);
        }
    }
    data.truncate(length);
    data
}

#[test]
fn blocks_of_every_kind_through_frames() {
    if !have(&["cabextract"]) {
        return;
    }
    for (length, block, calls) in [
        (1_000, 400, None),
        (100_001, 9_999, None),
        (4 * FRAME, FRAME, None),
        (200_003, 40_001, Some(12_000_000)),
        (150_000, 70_000, Some(150_000)),
    ] {
        let data = sample(length);
        let bytes = cabinet(b"a.sys", &Lzx::pack(&data, block, calls), 3 | WINDOW << 8);
        let ours = tree_of(bytes.clone()).expect("a tree").read("a.sys", 1 << 20);
        let ours = ours.unwrap_or_else(|e| panic!("{length} in {block}: {e}"));
        if calls.is_none() {
            assert!(ours == data, "{length} in {block}");
        } else {
            assert!(ours != data, "calls were translated");
        }
        let scratch = tempfile::tempdir().expect("a scratch folder");
        fs::write(scratch.path().join("x.cab"), &bytes).expect("a cabinet");
        run(scratch.path(), "cabextract", &["-q", "x.cab"]);
        let theirs = fs::read(scratch.path().join("a.sys")).expect("a file");
        assert!(ours == theirs, "{length} in {block}: cabextract reads something else");
    }
}

#[test]
fn damaged_frames_are_told() {
    let data = sample(90_000);
    let frames = Lzx::pack(&data, 20_000, None);
    let mut told = 0;
    for seed in 0..400 {
        let mut frames = frames.clone();
        let dice = noise(&format!("damage {seed}"), 4);
        let frame = &mut frames[seed % 3].0;
        let at = (usize::from(dice[0]) << 6 | usize::from(dice[1])) % [frame.len(), 300][seed % 2];
        frame[at] ^= 1 << (dice[2] % 8);
        if seed % 5 == 0 {
            frame.truncate(at);
        }
        let tree = tree_of(cabinet(b"a", &frames, 3 | WINDOW << 8)).expect("a tree");
        match tree.read("a", 1 << 20) {
            Ok(bytes) => assert_eq!(bytes.len(), data.len()),
            Err(Error::Contents { .. }) => told += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(told > 50, "{told}");
    let none = tree_of(cabinet(b"a", &frames, 3 | 22 << 8)).expect("a tree");
    assert!(none.entries().is_empty(), "no window is so large");
}
