//! A volume whose `$MFT` lies in hundreds of pieces and needs an attribute list itself.

use winkiln_ntfs::{Error, Volume};

use crate::{
    images,
    judges::{self, Mount},
    read_real_volumes::open,
    write_volumes::open_for_writing,
};

#[test]
fn a_fragmented_mft() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 5 << 20, 512, "") else { return };
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
    assert!(facts.size > 1 << 20, "{facts:?}");
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
            Err(Error::VolumeFull { .. }) => break,
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

/// Leaves a volume with free clusters that do not touch each other, all others taken.
fn break_free_space(volume: &mut Volume, pieces: u64) {
    let cluster = u64::from(volume.cluster_size());
    let data = vec![0x55; cluster as usize];
    let keep = volume.create_file(volume.root(), "keep", 0).expect("created");
    let split = volume.create_file(volume.root(), "split", 0).expect("created");
    for n in 0..pieces {
        for file in [keep, split] {
            volume.write_at(file, "", n * cluster, &data).expect("grown");
        }
    }
    let filler = volume.create_file(volume.root(), "filler", 0).expect("created");
    let free = volume.free_bytes().expect("counted");
    volume.set_size(filler, "", free).expect("filled");
    volume.remove(volume.root(), "split").expect("removed");
}

/// `$MFT` in thousands of pieces: its data stand in many extension records, and the list that leads to them in clusters. It grows
/// up to the last cluster, also when the records kept for it are used up.
#[test]
fn an_mft_in_many_extension_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 12 << 20, 512, "") else { return };
    let mut volume = open_for_writing(&image);
    for n in 0..250 {
        volume.create_directory(volume.root(), &format!("folder {n}")).expect("a folder");
    }
    break_free_space(&mut volume, 3000);
    let fill = |volume: &mut Volume, name: &str| {
        for n in 0.. {
            match volume.create_file(volume.root(), &format!("{name}{n:x}"), 0) {
                Ok(file) if n % 100 == 0 => {
                    volume.write_at(file, "", 0, name.as_bytes()).expect("a resident value");
                }
                Ok(_) => {}
                Err(Error::VolumeFull { free, .. }) => {
                    assert!(free < 4, "{free} clusters free after {n} files");
                    return n;
                }
                Err(error) => panic!("{n}: {error}"),
            }
        }
        0
    };
    let made = fill(&mut volume, "");
    assert!(made > 1200, "{made}");
    volume.flush().expect("flushed");
    drop(volume);
    expect_clean(&image, "filled");
    if images::tool("istat") {
        let shown = images::shell(&format!("istat '{}' 0", image.path.display()));
        let extents = shown.lines().filter(|line| line.starts_with("Type: 128-")).count();
        assert!(extents > 10, "{shown}");
        let list = shown.lines().find(|line| line.starts_with("Type: $ATTRIBUTE_LIST"));
        assert!(list.is_some_and(|list| list.contains("Non-Resident")), "{list:?}");
    }
    // Clusters come free now and then, records do not: `$MFT` needs extension records though every record was taken before.
    let mut volume = open_for_writing(&image);
    let filler = volume.find("filler").expect("a lookup").expect("found");
    let mut size = volume.stream_size(filler, "").expect("a size").expect("a stream");
    let mut more = 0;
    for step in 0..250 {
        size -= 6 * u64::from(volume.cluster_size());
        volume.set_size(filler, "", size).expect("shrunk");
        let folder = volume.find(&format!("folder {step}")).expect("a lookup").expect("found");
        for n in 0..3 {
            match volume.create_file(folder, &format!("{n}"), 0) {
                Ok(_) => more += 1,
                Err(Error::VolumeFull { .. }) => break,
                Err(error) => panic!("{step}, {n}: {error}"),
            }
        }
    }
    assert!(more > 300, "{more}");
    // Half of the records are used again.
    for n in (0..made).step_by(2) {
        volume.remove(volume.root(), &format!("{n:x}")).expect("removed");
    }
    let again = fill(&mut volume, "x");
    assert!(again > 100, "{again}");
    volume.flush().expect("flushed");
    drop(volume);
    expect_clean(&image, "filled again");
}

/// Asks those judges that follow an `$MFT` in pieces: checkdisk follows its first extent alone.
fn expect_clean(image: &images::Image, what: &str) {
    crate::check::assert_clean(image, what);
    let volume = open(image);
    let (ours, _) = judges::tree_of(&volume);
    if let Some(mount) = Mount::new(image, "ro,norecover") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), what);
    }
    let path = image.path.display();
    if images::tool("ntfsfix") {
        images::shell(&format!("ntfsfix -n '{path}'"));
    }
    if images::tool("fls") {
        let listed = images::shell(&format!("fls -u '{path}' | grep -vc '\\$' || true"));
        let root = volume.read_directory(volume.root()).expect("a listing").len();
        assert_eq!(listed.trim(), root.to_string(), "{what}: files that fls lists");
    }
}
