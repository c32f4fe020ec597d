//! Run lists: which clusters hold an attribute's value, and the mapping pairs that encode them.
//!
//! Source: linux-ntfs documentation, "Data Runs".

/// Logical cluster number: counted from the start of the volume. Cluster 0 is a valid place (`$Boot` lies there).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lcn(pub u64);

/// Virtual cluster number: counted from the start of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vcn(pub u64);

/// Clusters that follow each other in the value and on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First cluster in the value.
    pub vcn: Vcn,
    /// First cluster on the volume; `None` for a hole.
    pub lcn: Option<Lcn>,
    /// Clusters.
    pub length: u64,
}

/// Where the mapping pairs of a run list break its rules: a byte of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRun {
    /// Offset in the mapping pairs.
    pub at: usize,
}

/// Reads a little-endian signed number of up to 8 bytes.
fn signed(bytes: &[u8]) -> i64 {
    let mut wide = if bytes.last().is_some_and(|top| top & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

/// Decodes mapping pairs that begin at `first`. Clusters must lie below `clusters`, the volume's size.
///
/// # Errors
/// [`BadRun`] for a length of zero, a field wider than 8 bytes, a cluster outside the volume, a missing end.
pub fn decode(pairs: &[u8], first: Vcn, clusters: u64) -> Result<Vec<Run>, BadRun> {
    let mut runs = Vec::new();
    let (mut at, mut vcn, mut lcn) = (0, first.0, 0i64);
    loop {
        let bad = BadRun { at };
        let head = *pairs.get(at).ok_or(bad)?;
        if head == 0 {
            return Ok(runs);
        }
        let (wide, far) = (usize::from(head & 15), usize::from(head >> 4));
        if wide == 0 || wide > 8 || far > 8 {
            return Err(bad);
        }
        let length = signed(crate::bytes::slice_at(pairs, at + 1, wide).ok_or(bad)?);
        let delta = crate::bytes::slice_at(pairs, at + 1 + wide, far).ok_or(bad)?;
        let length = u64::try_from(length).ok().filter(|length| *length > 0).ok_or(bad)?;
        let place = if far == 0 {
            None
        } else {
            lcn = lcn.checked_add(signed(delta)).ok_or(bad)?;
            let start = u64::try_from(lcn).map_err(|_| bad)?;
            start.checked_add(length).filter(|end| *end <= clusters).ok_or(bad)?;
            Some(Lcn(start))
        };
        runs.push(Run { vcn: Vcn(vcn), lcn: place, length });
        vcn = vcn.checked_add(length).filter(|vcn| *vcn <= i64::MAX as u64).ok_or(bad)?;
        at += 1 + wide + far;
    }
}

/// Bytes that a signed number needs.
fn width(value: i64) -> usize {
    (1..8)
        .find(|bytes| value >> (8 * bytes - 1) == 0 || value >> (8 * bytes - 1) == -1)
        .unwrap_or(8)
}

/// Encodes runs as mapping pairs with the closing zero byte.
#[must_use]
pub fn encode(runs: &[Run]) -> Vec<u8> {
    let mut pairs = Vec::new();
    let mut last = 0i64;
    for run in runs {
        let length = run.length.cast_signed();
        let wide = width(length);
        let delta = run.lcn.map(|lcn| lcn.0.cast_signed() - last);
        let far = delta.map_or(0, width);
        pairs.push((far << 4 | wide) as u8);
        pairs.extend_from_slice(&length.to_le_bytes()[..wide]);
        if let (Some(delta), Some(lcn)) = (delta, run.lcn) {
            pairs.extend_from_slice(&delta.to_le_bytes()[..far]);
            last = lcn.0.cast_signed();
        }
    }
    pairs.push(0);
    pairs
}

/// Appends a run, joining it to the last one when it continues it.
pub fn push(runs: &mut Vec<Run>, lcn: Option<Lcn>, length: u64) {
    let vcn = end(runs);
    if let Some(last) = runs.last_mut() {
        let next = last.lcn.map(|at| at.0 + last.length);
        if next == lcn.map(|at| at.0) {
            last.length += length;
            return;
        }
    }
    if length > 0 {
        runs.push(Run { vcn, lcn, length });
    }
}

/// Puts `new` runs, counted from VCN 0, in the place of some of a list, which stand for the same clusters of the value from `start`.
pub fn replace(runs: &mut Vec<Run>, place: std::ops::Range<usize>, start: Vcn, new: Vec<Run>) {
    let new = new.into_iter().map(|run| Run { vcn: Vcn(run.vcn.0 + start.0), ..run });
    let follows = |a: &Run, b: &Run| {
        a.lcn.map(|at| at.0 + a.length) == b.lcn.map(|at| at.0) && a.vcn.0 + a.length == b.vcn.0
    };
    let (from, old) = (place.start, runs.len());
    runs.splice(place.clone(), new);
    let to = place.end + runs.len() - old;
    // Neighbours at both borders may go on from each other.
    for at in [to, from] {
        if at > 0 && at < runs.len() && follows(&runs[at - 1], &runs[at]) {
            let second = runs.remove(at);
            runs[at - 1].length += second.length;
        }
    }
}

/// The VCN behind the last run.
#[must_use]
pub fn end(runs: &[Run]) -> Vcn {
    runs.last().map_or(Vcn(0), |run| Vcn(run.vcn.0 + run.length))
}

/// Cuts the list at `vcn` and returns the allocated clusters that fell off.
pub fn truncate(runs: &mut Vec<Run>, vcn: Vcn) -> Vec<(Lcn, u64)> {
    let mut freed = Vec::new();
    while let Some(last) = runs.last_mut() {
        if last.vcn.0 + last.length <= vcn.0 {
            break;
        }
        let keep = vcn.0.saturating_sub(last.vcn.0);
        if let Some(lcn) = last.lcn {
            freed.push((Lcn(lcn.0 + keep), last.length - keep));
        }
        if keep > 0 {
            last.length = keep;
            break;
        }
        runs.pop();
    }
    freed
}

/// The run that holds `vcn`.
#[must_use]
pub fn lookup(runs: &[Run], vcn: Vcn) -> Option<&Run> {
    let after = runs.partition_point(|run| run.vcn <= vcn);
    let run = runs.get(after.checked_sub(1)?)?;
    (vcn.0 - run.vcn.0 < run.length).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_pairs_decode() {
        type Plain = (u64, Option<u64>, u64);
        let check = |name: &str, pairs: &[u8], expected: Result<&[Plain], usize>| {
            let plain = |r: &Run| (r.vcn.0, r.lcn.map(|l| l.0), r.length);
            let runs = decode(pairs, Vcn(0), 1 << 40).map_err(|bad| bad.at);
            let runs = runs.map(|runs| runs.iter().map(plain).collect::<Vec<_>>());
            assert_eq!(runs, expected.map(<[_]>::to_vec), "{name}");
        };
        check("empty", &[0], Ok(&[]));
        check("two-byte LCN", &[0x21, 0x18, 0x34, 0x56, 0], Ok(&[(0, Some(0x5634), 0x18)]));
        check("cluster 0", &[0x11, 2, 0, 0], Ok(&[(0, Some(0), 2)]));
        check("hole", &[0x01, 0x10, 0], Ok(&[(0, None, 16)]));
        check(
            "backwards",
            &[0x11, 1, 9, 0x11, 1, 0xfe, 0],
            Ok(&[(0, Some(9), 1), (1, Some(7), 1)]),
        );
        check("cut short", &[0x22, 0x18], Err(0));
        check("no end", &[0x11, 1, 9], Err(3));
        check("below 0", &[0x11, 1, 0xff, 0], Err(0));
        check("length 0", &[0x11, 0, 1, 0], Err(0));
    }

    #[test]
    fn mapping_pairs_round_trip() {
        let mut seed = 88_172_645_463_325_252u64;
        let mut next = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for _ in 0..500 {
            let mut runs = Vec::new();
            for _ in 0..next() % 40 {
                let lcn = (next() % 4 > 0).then(|| Lcn(next() >> (24 + next() % 39)));
                push(&mut runs, lcn, 1 + (next() >> (40 + next() % 23)));
            }
            assert_eq!(decode(&encode(&runs), Vcn(0), 1 << 62).as_ref(), Ok(&runs));
        }
    }
}
