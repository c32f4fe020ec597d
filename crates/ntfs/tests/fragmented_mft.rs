//! A volume whose `$MFT` lies in hundreds of pieces and needs an attribute list itself.

use winkiln_ntfs::Error;

use crate::{
    images,
    judges::{self, Mount},
    read_real_volumes::open,
    write_volumes::open_for_writing,
};

#[test]
fn a_fragmented_mft() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 10 << 20, 512, "") else { return };
    {
        let Some(mount) = Mount::new(&image, "rw") else { return };
        // Small files until nothing is free; every other one goes; empty files then take the gaps for their records.
        let script = "
import os, sys
os.chdir(sys.argv[1])
os.mkdir('a')
os.mkdir('b')
made = 0
try:
    while True:
        with open('a/%05d' % made, 'wb') as f:
            f.write(b'x' * 1000)
        made += 1
except OSError:
    pass
for n in range(0, made, 2):
    os.remove('a/%05d' % n)
try:
    for n in range(made):
        open('b/%05d' % n, 'wb').close()
except OSError:
    pass
for n in range(0, made, 7):
    if os.path.exists('b/%05d' % n):
        os.remove('b/%05d' % n)
";
        let file = folder.path().join("fill.py");
        std::fs::write(&file, script).expect("written");
        images::shell(&format!("python3 '{}' '{}'", file.display(), mount.path().display()));
    }
    let volume = open(&image);
    let mft = volume.find("$MFT").expect("a lookup").expect("found");
    let facts = volume.metadata(mft).expect("facts");
    assert!(facts.size > 2 << 20, "{facts:?}");
    let (ours, _) = judges::tree_of(&volume);
    if let Some(mount) = Mount::new(&image, "ro,norecover") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), "fragmented $MFT");
    }
    let mut volume = open_for_writing(&image);
    let b = volume.find("b").expect("a lookup").expect("found");
    let mut made = 0;
    for n in 0..400 {
        match volume.create_file(b, &format!("new {n}"), 0) {
            Ok(_) => made += 1,
            Err(Error::RecordFull { .. } | Error::VolumeFull { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(made > 100, "{made}");
    volume.flush().expect("flushed");
    // checkdisk follows the first extent of $MFT alone; ntfs-3g follows them all.
    let (ours, _) = judges::tree_of(&open(&image));
    if let Some(mount) = Mount::new(&image, "ro,norecover") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), "more files");
    }
}
