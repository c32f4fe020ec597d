//! Every power cut while a file that is no image is changed, and grows.

use super::case::noise;
use super::{CommitError, look_through, reopen};
use crate::image::JournaledFile;
use crate::simulated::{Fault, Host};

fn changed(host: &Host, writes: &[(u64, Vec<u8>)]) -> Result<u64, CommitError> {
    let file =
        JournaledFile::writable(host.image(), host.place(), None).map_err(CommitError::Plan)?;
    let writes: Vec<(u64, &[u8])> =
        writes.iter().map(|(offset, bytes)| (*offset, bytes.as_slice())).collect();
    file.commit(&writes).map(|report| report.io.image_bytes_written)
}

#[test]
fn a_file_is_changed_and_grows_all_at_once() {
    let old = noise(31, 20_480);
    for (end, pages) in [(20_480, 6144), (24_576, 5120 + 4096), (33_000, 5120 + 4096 + 232)] {
        let writes = vec![
            (0, noise(32, 512)),
            (1024, noise(36, 512)),
            (12_288, old[12_288..16_384].to_vec()),
            (5000, noise(33, 3000)),
            (8704, noise(34, 512)),
            (end - 700, noise(35, 700)),
        ];
        let mut new = old.clone();
        new.resize(end as usize, 0);
        for (offset, bytes) in &writes {
            new[*offset as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        let host = Host::new(&old, false);
        assert_eq!(changed(&host, &writes).unwrap(), pages, "each changed sector once");
        assert!(host.image_bytes() == new && !host.has_journal());
        let operations = host.world().operations;
        let mut seen = [false; 2];
        for cut in 1..=operations {
            let host = Host::new(&old, false);
            host.world().fault = Fault::Cut(cut);
            let done = changed(&host, &writes).is_ok();
            let mut after = host.survivors();
            after.push(host.killed());
            for survivor in after {
                let what = format!("{end} bytes, cut {cut} of {operations}");
                let through = look_through(&survivor);
                reopen(&survivor).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                let found = survivor.image_bytes();
                assert!(found == through && !survivor.has_journal(), "{what}");
                assert!(found == new || (found == old && !done), "{what}");
                seen[usize::from(found == new)] = true;
            }
        }
        assert_eq!(seen, [true; 2]);
        for at in 1..=operations {
            let host = Host::new(&old, false);
            host.world().fault = Fault::Fail(at);
            let failure = changed(&host, &writes).expect_err("the fault is told");
            host.world().fault = Fault::None;
            reopen(&host).unwrap();
            let is_new =
                matches!(failure, CommitError::JournalLeft { .. } | CommitError::Unfinished { .. });
            let expected = if is_new { &new } else { &old };
            assert!(host.image_bytes() == *expected, "{end} bytes, failure {at}: {failure}");
        }
    }
}
