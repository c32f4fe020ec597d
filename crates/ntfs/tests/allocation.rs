//! Where new clusters come from: the tightest hole, one piece, and not the zone kept for `$MFT`. Told by The Sleuth Kit.

use crate::images::{self, Image};
use crate::write_volumes::{check_all, copy, open_for_writing};

const CLUSTER: usize = 4096;

/// Clusters of a record's contents, in their order.
fn clusters(image: &Image, record: u64) -> Vec<u64> {
    let shown = images::shell(&format!("istat '{}' {record}", image.path.display()));
    let data = shown.lines().skip_while(|line| !line.starts_with("Type: $DATA")).skip(1);
    let data = data.take_while(|line| !line.starts_with("Type:") && !line.trim().is_empty());
    data.flat_map(str::split_whitespace).filter_map(|number| number.parse().ok()).collect()
}

fn is_one_piece(clusters: &[u64]) -> bool {
    clusters.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

#[test]
fn files_lie_in_one_piece_in_the_tightest_hole_outside_the_zone() {
    if !images::tool("istat") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 128 << 20, CLUSTER as u64, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    // Holes of 200 and 40 clusters, with files between them that stay.
    let mut files = Vec::new();
    for (number, count) in [64, 200, 64, 40, 64].into_iter().enumerate() {
        let file = volume.create_file(root, &format!("file {number}"), 0).expect("created");
        volume.write_at(file, "", 0, &vec![7; count * CLUSTER]).expect("written");
        files.push(file);
    }
    volume.flush().expect("flushed");
    let holes = [1, 3].map(|number: usize| clusters(&image, files[number].record()));
    assert_eq!(holes.each_ref().map(Vec::len), [200, 40]);
    assert!(holes.iter().all(|hole| is_one_piece(hole)));
    for number in [1, 3] {
        volume.remove(root, &format!("file {number}")).expect("removed");
    }
    volume.flush().expect("flushed");
    drop(volume);

    let mut volume = open_for_writing(&image);
    let tight = volume.create_file(root, "tight", 0).expect("created");
    volume.write_at(tight, "", 0, &vec![8; 40 * CLUSTER]).expect("written");
    let large = volume.create_file(root, "large", 0).expect("created");
    volume.write_at(large, "", 0, &vec![9; 30 << 20]).expect("written");
    volume.flush().expect("flushed");
    drop(volume);
    assert_eq!(clusters(&image, tight.record()), holes[1], "the hole of its size");
    let large = clusters(&image, large.record());
    assert_eq!(large.len(), (30 << 20) / CLUSTER);
    assert!(is_one_piece(&large));
    // The zone is an eighth of the volume behind `$MFT`.
    let zone = clusters(&image, 0).last().expect("a cluster") + 1;
    let zone = zone..zone + (128 << 20) / CLUSTER as u64 / 8;
    assert!(large.iter().chain(&holes[1]).all(|cluster| !zone.contains(cluster)), "{zone:?}");
    check_all(&image, Some(&before), "allocation");
}
