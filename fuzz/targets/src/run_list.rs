//! Run lists. An input is the first VCN and the volume's clusters, one bit each for how they are taken, then mapping pairs.

use winkiln_ntfs::run_list::{self, Run, Vcn};

use crate::bytes::Input;

/// Decodes mapping pairs, encodes the runs again, looks clusters up and cuts the list.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (mode, cut) = (input.u8(), input.u8());
    let first = Vcn(if mode & 1 == 0 { 0 } else { input.u64() });
    let clusters = if mode & 2 == 0 { 1 << 40 } else { input.u64() };
    let pairs = input.0;
    let Ok(runs) = run_list::decode(pairs, first, clusters) else { return };
    assert!(runs.len() <= pairs.len() / 2, "a run has two bytes or more");
    let mut at = first.0;
    for run in &runs {
        assert!(run.vcn.0 == at && run.length > 0, "runs follow each other");
        at += run.length;
        if let Some(lcn) = run.lcn {
            assert!(lcn.0 + run.length <= clusters, "runs lie in the volume");
        }
        assert_eq!(run_list::lookup(&runs, run.vcn), Some(run));
        assert_eq!(run_list::lookup(&runs, Vcn(at - 1)), Some(run));
    }
    if runs.is_empty() {
        return;
    }
    assert_eq!(run_list::end(&runs), Vcn(at));
    assert_eq!(run_list::lookup(&runs, Vcn(at)), None);
    let encoded = run_list::encode(&runs);
    assert!(encoded.len() <= pairs.len(), "our encoding is the shortest");
    assert_eq!(run_list::decode(&encoded, first, clusters).as_ref(), Ok(&runs));
    cut_at(&runs, cut);
}

/// Cutting a list frees what it loses and keeps the rest.
fn cut_at(runs: &[Run], cut: u8) {
    let (start, end) = (runs[0].vcn.0, run_list::end(runs).0);
    let border = Vcn(start + (end - start) / 256 * u64::from(cut));
    let mut kept = runs.to_vec();
    let freed = run_list::truncate(&mut kept, border);
    let held = |runs: &[Run]| {
        runs.iter().filter(|run| run.lcn.is_some()).map(|run| u128::from(run.length)).sum::<u128>()
    };
    let lost: u128 = freed.iter().map(|(_, length)| u128::from(*length)).sum();
    assert_eq!(held(&kept) + lost, held(runs), "no cluster gets lost");
    assert!(kept.is_empty() || run_list::end(&kept).0 <= border.0.max(start));
    assert!(kept.len() <= runs.len());
}

/// Run lists in one piece, in several, with holes, far away, and with fields wider than needed.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let head = |mode: u8, pairs: &[u8]| [&[mode, 0x80], pairs].concat();
    let mut wide = vec![3, 0x40];
    wide.extend(0x1000u64.to_le_bytes());
    wide.extend((1u64 << 62).to_le_bytes());
    wide.extend([0x88, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    vec![
        head(0, &[0x21, 0x18, 0x34, 0x56, 0]),
        head(0, &[0x11, 1, 9, 0x11, 1, 0xfe, 0x01, 0x20, 0x32, 0, 1, 0x44, 0x33, 0x22, 0]),
        head(0, &[0x01, 0x10, 0x42, 0, 0x40, 1, 2, 3, 4, 0]),
        head(0, &[0]),
        wide,
    ]
}
