//! A folder whose `$BITMAP` leaves its record.

use winkiln_ntfs::Volume;

use crate::{
    images,
    write_volumes::{check_all, open_for_writing},
};

/// So many blocks that a record has no room for a bit of each: long names, 31 MB of them. Half go and others come.
#[test]
fn the_bitmap_of_an_index_goes_to_clusters() {
    if std::env::var_os("WINKILN_LONG").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 256 << 20, 4096, "") else { return };
    let name = |n: u64| format!("{:05}{}", n * 7919 % 100_000, "n".repeat(250));
    let create = |volume: &mut Volume, names: std::ops::Range<u64>| {
        let full = volume.find("full").expect("a lookup").expect("found");
        for n in names {
            volume.create_file(full, &name(n), 0).unwrap_or_else(|error| panic!("{n}: {error}"));
        }
    };
    let mut volume = open_for_writing(&image);
    volume.create_directory(volume.root(), "full").expect("a folder");
    create(&mut volume, 0..42_000);
    volume.flush().expect("flushed");
    drop(volume);
    if images::tool("istat") && images::tool("ifind") {
        let path = image.path.display();
        let shown = images::shell(&format!("istat '{path}' $(ifind -n /full '{path}')"));
        let line = shown.lines().find(|line| line.starts_with("Type: $BITMAP"));
        assert!(line.is_some_and(|line| line.contains("Non-Resident")), "{line:?}");
    }
    check_all(&image, None, "in clusters");
    let mut volume = open_for_writing(&image);
    let full = volume.find("full").expect("a lookup").expect("found");
    for n in (0..42_000).filter(|n| n % 9 != 0) {
        volume.remove(full, &name(n)).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    create(&mut volume, 50_000..60_000);
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, None, "thinned out");
}
