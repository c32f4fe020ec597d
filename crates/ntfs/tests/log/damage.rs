//! Damaged logs: an error and nothing written, never a panic.

use std::sync::Arc;

use winkiln_disk::MemoryDevice;
use winkiln_ntfs::{Error, remedy};

use super::replay::{Story, plan, shapes};
use crate::{model::Random, remedies::REPLAY, write_volumes::NOW};

#[test]
fn damaged_logs_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut refused, mut planned) = (0, 0);
    for shape in shapes().into_iter().step_by(3) {
        let Some(story) = Story::new(folder.path(), shape) else { return };
        let mut random = Random(4712);
        let image = story.cut(&mut random);
        let records: Vec<usize> =
            (0..story.log.len()).step_by(4096).filter(|at| story.log[*at] != 0xff).collect();
        let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 20_000 } else { 300 };
        for _ in 0..rounds {
            let mut log = story.log.clone();
            for _ in 0..1 + random.below(4) {
                let page = records[random.below(records.len() as u64) as usize];
                let at = page + random.below(4096) as usize;
                // Guarded bytes would only tear the page.
                if at % 512 < 510 {
                    log[at] = random.next() as u8;
                }
            }
            match plan(&log, &image) {
                Ok(_) => planned += 1,
                Err(error) => {
                    assert!(matches!(error, Error::Log(_)), "{error}");
                    assert!(error.is_refusal());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 40 && planned > 10, "{refused} refused, {planned} planned");
}

/// An operation that is not known for sure.
#[test]
fn a_log_that_cannot_be_replayed_leaves_the_volume_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(story) = Story::new(folder.path(), shapes()[0]) else { return };
    let mut image = story.cut(&mut Random(1));
    // The last operation's code becomes HotFix, wherever it is.
    let place = image.windows(8).position(|bytes| bytes == [5, 0, 6, 0, 0x28, 0, 0x48, 0]);
    let place = place.or_else(|| image.windows(6).position(|bytes| bytes == [5, 0, 6, 0, 0x28, 0]));
    image[place.expect("an attribute is created")] = 0x17;
    let device = Arc::new(MemoryDevice::new(image.clone()));
    let refused = remedy::apply(device.clone(), REPLAY, NOW);
    let error = refused.expect_err("refused");
    assert!(matches!(error, Error::Log(winkiln_ntfs::log::LogError::Operation { .. })), "{error}");
    let mut now = vec![0; image.len()];
    winkiln_disk::Device::read_at(&*device, 0, &mut now).expect("read");
    assert!(now == image, "nothing was written");
}
