//! Large folders, a growing `$MFT`, fragments without end, full volumes.

use winkiln_ntfs::Error;

use crate::{
    device::FileDevice,
    images,
    judges::{self, Mount},
    model::Random,
    read_real_volumes::open,
    write_volumes::{check_all, copy, open_for_writing},
};

/// Many names come, half of them go in no order, and come again: as many as a WinSxS folder has in the long version. A lookup
/// reads few blocks, and an emptied folder is small again.
#[test]
fn a_very_large_folder() {
    let long = std::env::var_os("WINKILN_LONG").is_some();
    let count: u64 = if long { 100_000 } else { 6_000 };
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 512 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut random = Random(count);
    let mut order: Vec<u64> = (0..count).collect();
    let mut shuffle = |order: &mut Vec<u64>| {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
    };
    let name = |n: u64| format!("component-{n:07}.manifest");
    let mut volume = open_for_writing(&image);
    let large = volume.create_directory(volume.root(), "large").expect("a folder");
    for n in 0..count {
        volume.create_file(large, &name(n), 0).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "created");

    let device = FileDevice::open(&image.path, 0, None, false);
    let options = winkiln_ntfs::OpenOptions::default();
    for n in (0..count).step_by(count as usize / 7) {
        let volume = winkiln_ntfs::Volume::open(device.clone(), options).expect("opened");
        // Reads the root and the upper-case table.
        assert!(volume.find("no such name").expect("a lookup").is_none());
        let read = || device.bytes_read.load(std::sync::atomic::Ordering::Relaxed);
        let start = read();
        let path = format!("LARGE/{}", name(n).to_uppercase());
        assert!(volume.find(&path).expect("a lookup").is_some());
        assert!(read() - start <= 8 * 4096, "{path}: {} bytes read", read() - start);
    }

    shuffle(&mut order);
    let (gone, kept) = order.split_at(count as usize / 2);
    let mut volume = open_for_writing(&image);
    for n in gone {
        volume.remove(large, &name(*n)).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    volume.flush().expect("flushed");
    let listed = volume.read_directory(large).expect("a listing");
    let mut expected: Vec<String> = kept.iter().map(|n| name(*n)).collect();
    expected.sort_unstable();
    assert!(listed.iter().map(|entry| &entry.name).eq(&expected), "half of them");
    drop(volume);
    check_all(&image, Some(&before), "half of them gone");
    let mut volume = open_for_writing(&image);
    for n in gone {
        volume.create_file(large, &name(*n), 0).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    volume.flush().expect("flushed");
    assert_eq!(volume.read_directory(large).expect("a listing").len() as u64, count);
    drop(volume);
    check_all(&image, Some(&before), "created again");

    let mut volume = open_for_writing(&image);
    let full = volume.free_bytes().expect("counted");
    shuffle(&mut order);
    for n in &order {
        volume.remove(large, &name(*n)).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    volume.flush().expect("flushed");
    assert!(
        volume.free_bytes().expect("counted") > full + count * 100,
        "the index gave its room back"
    );
    assert_eq!(volume.read_directory(large).expect("a listing"), []);
    drop(volume);
    check_all(&image, Some(&before), "emptied");
}

/// Creates `count` files in one folder, then removes half of them.
fn large_folder(cluster: u64, size: u64, count: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), size, cluster, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let large = volume.create_directory(volume.root(), "large").expect("a folder");
    let name = |n: u64| format!("file {:05} with a name of its own.dat", n * 7919 % count);
    for n in 0..count {
        let file = volume
            .create_file(large, &name(n), 0)
            .unwrap_or_else(|error| panic!("file {n}: {error}"));
        // Contents that take clusters between the folder's own make its index fall into pieces.
        let contents = if n % 3 == 0 { name(n) } else { name(n).repeat(50) };
        volume.write_at(file, "", 0, contents.as_bytes()).expect("written");
    }
    volume.flush().expect("flushed");
    assert_eq!(volume.read_directory(large).expect("a listing").len() as u64, count);
    check_all(&image, Some(&before), "after creating");

    let mut volume = open_for_writing(&image);
    for n in (0..count).filter(|n| n % 2 == 0) {
        volume.remove(large, &name(n)).unwrap_or_else(|error| panic!("file {n}: {error}"));
    }
    volume.flush().expect("flushed");
    let volume = open(&image);
    assert_eq!(volume.read_directory(large).expect("a listing").len() as u64, count / 2);
    for n in 0..count {
        let found = volume.find(&format!("LARGE\\{}", name(n).to_uppercase())).expect("a lookup");
        assert_eq!(found.is_some(), n % 2 == 1, "{}", name(n));
    }
    check_all(&image, Some(&before), "after removing");

    let mut volume = open_for_writing(&image);
    for n in (0..count).filter(|n| n % 2 == 1) {
        volume.remove(large, &name(n)).unwrap_or_else(|error| panic!("file {n}: {error}"));
    }
    volume.remove(volume.root(), "large").expect("an empty folder goes");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "after removing all");
}

#[test]
fn a_folder_of_4000_files() {
    large_folder(4096, 64 << 20, 4000);
}

#[test]
fn a_folder_of_3000_files_in_small_clusters() {
    large_folder(512, 32 << 20, 3000);
}

#[test]
fn a_folder_of_3000_files_in_large_clusters() {
    large_folder(65536, 512 << 20, 3000);
}

/// Two files that grow in turns fall into fragments that need many extension records.
#[test]
fn a_file_in_thousands_of_fragments() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 64 << 20, 512, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let mut random = Random(77);
    // Every other cluster of the volume is taken and freed again, so that no two free ones touch.
    let keep = volume.create_file(volume.root(), "keep", 0).expect("created");
    let split = volume.create_file(volume.root(), "split", 0).expect("created");
    let mut contents = [Vec::new(), Vec::new()];
    let fragments = if std::env::var_os("WINKILN_LONG").is_some() { 10_000 } else { 3000 };
    for _ in 0..fragments {
        for (file, contents) in [keep, split].into_iter().zip(&mut contents) {
            let data = random.bytes(512);
            volume.write_at(file, "", contents.len() as u64, &data).expect("grown");
            contents.extend_from_slice(&data);
        }
    }
    volume.flush().expect("flushed");
    let volume = open(&image);
    for (file, contents) in [keep, split].into_iter().zip(&contents) {
        let digest = judges::digest_stream(&volume, file, "").expect("read");
        assert_eq!(digest, judges::Digest::of(contents));
    }
    check_all(&image, Some(&before), "fragmented");
    let mut volume = open_for_writing(&image);
    volume.set_size(split, "", 100_000).expect("cut");
    volume.write_at(keep, "", 500_000, b"overwritten in place").expect("written");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "cut");
    let mut volume = open_for_writing(&image);
    volume.remove(volume.root(), "keep").expect("removed");
    volume.remove(volume.root(), "SPLIT").expect("removed");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "removed");
}

#[test]
fn a_full_volume_refuses_and_stays_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 8 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let first = volume.create_file(volume.root(), "first", 0).expect("created");
    let free = volume.free_bytes().expect("counted");
    let refused = volume.set_size(first, "", free + 4096);
    assert!(matches!(refused, Err(Error::VolumeFull { .. })), "{refused:?}");
    assert_eq!(volume.stream_size(first, "").expect("a size"), Some(0));
    volume.set_size(first, "", free).expect("the last cluster");
    assert_eq!(volume.free_bytes().expect("counted"), 0);
    let mut refused = None;
    for n in 0..10_000 {
        if let Err(error) = volume.create_file(volume.root(), &format!("small file {n}"), 0) {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(Error::VolumeFull { .. })), "{refused:?}");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "full");
}

#[test]
fn many_streams_overflow_into_extension_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let file = volume.create_file(volume.root(), "streams", 0).expect("created");
    let value = |n: usize| format!("contents of stream {n} ").repeat(n % 40);
    for n in 0..200 {
        volume
            .write_at(file, &format!("stream number {n}"), 0, value(n).as_bytes())
            .unwrap_or_else(|e| panic!("{n}: {e}"));
        volume
            .set_size(file, &format!("stream number {n}"), value(n).len() as u64)
            .expect("made even when empty");
    }
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "streams");
    let mut volume = open_for_writing(&image);
    for n in 0..200 {
        let name = format!("stream number {n}");
        let digest = judges::digest_stream(&volume, file, &name).expect("read");
        assert_eq!(digest, judges::Digest::of(value(n).as_bytes()), "{name}");
        if n % 3 == 0 {
            volume.remove_stream(file, &name).unwrap_or_else(|e| panic!("{n}: {e}"));
        }
    }
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "fewer streams");
    let mut volume = open_for_writing(&image);
    volume.remove(volume.root(), "streams").expect("removed");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "removed");
}

/// A volume that ntfs-3g filled and half emptied.
#[test]
fn a_volume_that_others_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 48 << 20, 1024, "") else { return };
    {
        let Some(mount) = Mount::new(&image, "rw,compression") else { return };
        let at = mount.path().display();
        images::shell(&format!(
            "cd '{at}'; mkdir d e; python3 -c 'import os; os.setxattr(\"e\", \"system.ntfs_attrib\", bytes([0, 8, 0, 0]))'; \
             for i in $(seq 1 400); do head -c $((i * 97)) /dev/urandom > d/f$i; done; rm d/f*[13579]; \
             yes 'some text that packs well' | head -c 300000 > e/packed; \
             truncate -s 5M d/sparse; printf x >> d/sparse; ln d/f2 e/link; ln d/f6 'd/another name'"
        ));
    }
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let find = |volume: &winkiln_ntfs::Volume, path: &str| {
        volume.find(path).expect("a lookup").expect("found")
    };
    let packed = find(&volume, "e/packed");
    let sparse = find(&volume, "d/sparse");
    volume.write_at(sparse, "", 10, b"x").expect("a hole is filled");
    volume.set_size(packed, "", 0).expect("emptied");
    volume.write_at(packed, "", 0, &[b'z'; 70_000]).expect("a plain file now");
    assert_eq!(volume.metadata(packed).expect("facts").attributes & 0x800, 0);
    volume.set_size(sparse, "", 0).expect("emptied");
    volume.write_at(sparse, "", 3000, b"not sparse").expect("a plain file now");
    let linked = find(&volume, "d/f2");
    assert_eq!(linked, find(&volume, "e/link"));
    assert_eq!(volume.metadata(linked).expect("facts").links, 2);
    volume.write_at(linked, "", 0, &[7; 9000]).expect("both names follow");
    volume.remove(find(&volume, "d"), "f4").expect("removed");
    let folder_e = find(&volume, "e");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "others' volume");
    let mut volume = open_for_writing(&image);
    volume.remove(folder_e, "link").expect("one name of two");
    let other = find(&volume, "d/another name");
    volume.remove(find(&volume, "d"), "F6").expect("one name of two in a folder");
    assert_eq!(find(&volume, "d/another name"), other);
    assert_eq!(volume.metadata(linked).expect("facts").links, 1);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "one name less");
}

/// Files with holes, as a copying program leaves them: written in the holes, across their ends and behind the end, cut
/// and grown.
#[test]
fn holes_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for cluster in [512, 4096, 65_536] {
        let Some(image) = images::mkntfs(folder.path(), 64 << 20, cluster, "") else { return };
        {
            let Some(mount) = Mount::new(&image, "rw") else { return };
            let at = mount.path().display();
            images::shell(&format!(
                "cd '{at}'; for f in a b c; do truncate -s 3M $f; for k in 0 7 20 45; do \
                 printf 'data %s' $k | dd of=$f bs=64k seek=$k conv=notrunc status=none; done; done"
            ));
        }
        let before = copy(&image, folder.path());
        let mut volume = open_for_writing(&image);
        let mut random = Random(cluster | 1);
        let sparse = 0x200;
        let mut models = Vec::new();
        for name in ["a", "b", "c"] {
            let file = volume.find(name).expect("a lookup").expect("found");
            let facts = volume.metadata(file).expect("facts");
            assert_ne!(facts.attributes & sparse, 0, "the file has holes");
            let mut model = vec![0; facts.size as usize];
            let read = volume.read_at(file, "", 0, &mut model).expect("read");
            assert_eq!(read, model.len());
            for _ in 0..40 {
                let offset = random.below(model.len() as u64 + 100_000) as usize;
                if random.below(8) == 0 {
                    volume.set_size(file, "", offset as u64).expect("cut or grown");
                    model.resize(offset, 0);
                    continue;
                }
                let length = 1 + random.below(150_000) as usize;
                let data = random.bytes(length);
                volume.write_at(file, "", offset as u64, &data).expect("written");
                model.resize(model.len().max(offset + length), 0);
                model[offset..offset + length].copy_from_slice(&data);
            }
            models.push((file, model));
        }
        volume.flush().expect("flushed");
        for (file, model) in models {
            let mut found = vec![1; model.len() + 1];
            let read = volume.read_at(file, "", 0, &mut found).expect("read");
            assert!(found[..read] == model[..], "{cluster}: bytes differ");
        }
        check_all(&image, Some(&before), "holes");
    }
}

/// Cost follows the edit.
#[test]
fn little_is_read_and_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 256 << 20, 4096, "") else { return };
    let mut volume = open_for_writing(&image);
    let file = volume.create_file(volume.root(), "hive", 0).expect("created");
    volume.write_at(file, "", 0, &vec![1; 15 << 20]).expect("written");
    volume.flush().expect("flushed");
    let device = FileDevice::open(&image.path, 0, None, true);
    let options = winkiln_ntfs::OpenOptions {
        writable: true,
        now: crate::write_volumes::NOW,
        ..Default::default()
    };
    let mut volume = winkiln_ntfs::Volume::open(device.clone(), options).expect("opened");
    let file = volume.find("hive").expect("a lookup").expect("found");
    let read = device.bytes_read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(
        read <= 400 << 10,
        "{read} bytes read (the upper-case table is 128 KiB, the log's head 64 KiB)"
    );
    volume.write_at(file, "", 5 << 20, &[2; 4096]).expect("written");
    volume.flush().expect("flushed");
    let written = device.bytes_written.load(std::sync::atomic::Ordering::Relaxed);
    assert!(written <= 20 << 10, "{written} bytes written");
}

/// A folder whose record is crowded: its index shares the file with an attribute list.
#[test]
fn a_folder_with_many_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 48 << 20, 1024, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let crowded = volume.create_directory(volume.root(), "crowded").expect("a folder");
    for n in 0..1500 {
        let name = format!("file {n} of the crowded folder");
        let file = volume.create_file(crowded, &name, 0).unwrap_or_else(|e| panic!("{n}: {e}"));
        volume.write_at(file, "", 0, &vec![3; n]).expect("written");
        if n % 25 == 0 {
            let stream = format!("stream of the folder {n}");
            volume
                .write_at(crowded, &stream, 0, &vec![4; n])
                .unwrap_or_else(|e| panic!("{n}: {e}"));
        }
    }
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "crowded");
    let mut volume = open_for_writing(&image);
    for n in 0..1500 {
        let name = format!("file {n} of the crowded folder");
        volume.remove(crowded, &name).unwrap_or_else(|e| panic!("{n}: {e}"));
    }
    assert_eq!(volume.metadata(crowded).expect("facts").streams.len(), 60);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "emptied");
    let mut volume = open_for_writing(&image);
    volume.remove(volume.root(), "crowded").expect("removed");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "removed");
}
