//! The check of a whole NTFS volume. An input is a byte for the form, a byte for the number of patches, and the patches, as those of
//! [`crate::volume`].
//!
//! A check ends, tells a bounded number of findings, tells the same ones again, and changes nothing. It stops when it is asked to.

use std::ops::ControlFlow;
use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_ntfs::check::{self, Event};

use crate::bytes::Input;
use crate::ntfs_volume::images;
use crate::overlay::Overlay;
use crate::volume::damaged;

/// Patches of an input.
const PATCHES_MAX: usize = 48;
/// Findings told of one kind.
const TOLD_MAX: usize = 200;

/// Checks a damaged volume, twice, and once more up to some finding.
///
/// # Panics
/// When a promise is broken.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let device = damaged(&mut input, PATCHES_MAX).device;
    let before = device.changes();
    let found = findings(&device, usize::MAX);
    let mut codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    for told in codes.chunk_by(|a, b| a == b) {
        assert!(told.len() <= TOLD_MAX, "{} findings {} are told", told.len(), told[0]);
    }
    assert_eq!(found, findings(&device, usize::MAX), "the same volume gives the same findings");
    let some = found.len() / 2;
    assert_eq!(found[..some], findings(&device, some), "what was found before it was stopped");
    assert!(before == device.changes(), "a check changes nothing");
}

/// The findings in order, up to a number of them: code, and all of it as text.
fn findings(device: &Arc<Overlay>, most: usize) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let device: Arc<dyn Device> = device.clone();
    let checked = check::check(&device, &mut |event| {
        if found.len() >= most {
            return ControlFlow::Break(());
        }
        if let Event::Finding(finding) = event {
            found.push((finding.code, format!("{finding:?}")));
        }
        ControlFlow::Continue(())
    });
    if let Err(error) = checked
        && most == usize::MAX
    {
        found.push(("not checked", error.to_string()));
    }
    found
}

/// The sound volumes, and ones with a field of each region damaged.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for form in 0..2u8 {
        seeds.push(vec![form, 0]);
        for region in 0..images()[usize::from(form)].regions.len() as u8 {
            for (at, value) in [(0x16u16, 0u8), (0x20, 7), (0x58, 0x40), (0x9a, 0xff)] {
                let [low, high] = at.to_le_bytes();
                seeds.push(vec![form, 1, region, low, high, 1, value]);
            }
        }
    }
    seeds
}
