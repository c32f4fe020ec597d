//! Files in very many pieces.

use crate::{
    images,
    judges::Mount,
    model::Random,
    overlaid_files::read_all,
    write_volumes::{check_all, copy, open_for_writing},
};

/// A sparse file whose holes are filled one by one in no order: every second cluster, so that its run list overflows record after
/// record, in the middle as well as at the end. Then parts are overwritten, and it is cut, grown and removed.
#[test]
fn a_sparse_file_in_ten_thousand_pieces() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 96 << 20, 512, "") else { return };
    let pieces = 10_500;
    // A hole of a sparse file takes clusters by the unit of 16, twice as far apart.
    let (unit, step) = (8 << 10, 16 << 10);
    let size = pieces * step;
    {
        let Some(mount) = Mount::new(&image, "rw") else { return };
        let path = mount.path().join("holes");
        images::shell(&format!("truncate -s {size} '{}'", path.display()));
    }
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let file = volume.find("holes").expect("a lookup").expect("found");
    let mut random = Random(10_007);
    // The volume has not room for them all: two of three.
    let mut order: Vec<u64> = (0..pieces).filter(|piece| piece % 3 != 0).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at as u64 + 1) as usize);
    }
    let mut model = vec![0; size as usize];
    let mut put = |volume: &mut winkiln_ntfs::Volume, offset: u64, data: &[u8]| {
        volume.write_at(file, "", offset, data).unwrap_or_else(|error| panic!("{offset}: {error}"));
        model[offset as usize..offset as usize + data.len()].copy_from_slice(data);
    };
    for piece in &order {
        put(&mut volume, piece * step + random.below(unit - 9), &piece.to_le_bytes());
    }
    for _ in 0..300 {
        let piece = order[random.below(order.len() as u64) as usize];
        put(&mut volume, piece * step + random.below(unit - 500), &random.bytes(500));
    }
    let facts = volume.metadata(file).expect("facts");
    assert_eq!(facts.streams[0].allocated, order.len() as u64 * unit);
    volume.flush().expect("flushed");
    assert!(read_all(&volume, file, 1 << 20).expect("read") == model);
    check_all(&image, Some(&before), "filled");

    let mut volume = open_for_writing(&image);
    volume.set_size(file, "", size / 2 + 77).expect("cut");
    volume.set_size(file, "", size / 2 + 99_999).expect("grown");
    model.truncate(size as usize / 2 + 77);
    model.resize(size as usize / 2 + 99_999, 0);
    assert!(read_all(&volume, file, 1 << 20).expect("read") == model);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "cut");
    let mut volume = open_for_writing(&image);
    volume.remove(volume.root(), "holes").expect("removed");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "removed");
}
