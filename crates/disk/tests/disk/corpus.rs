//! Images and tables found in the wild.

use std::path::{Path, PathBuf};

use winkiln_disk::partition::{DiskId, PartitionKind, TableKind, read_table};
use winkiln_disk::{Device, ImageError, KnownFormat, Transaction};

use crate::opened::open;
use crate::tool::{have, run, scratch, sh, skip};

/// The folder of real files, or a loud skip.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("WINKILN_CORPUS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skip("the corpus of real files is not here");
    None
}

/// Unpacks one file of the corpus into a folder.
fn unpack(name: &str, into: &Path) -> Option<PathBuf> {
    let source = corpus()?.join(name);
    if !source.is_file() {
        skip(&format!("the corpus has no {name}"));
        return None;
    }
    let file = source.file_name()?.to_str()?;
    let plain = into.join(file.trim_end_matches(".xz"));
    if file.ends_with(".xz") {
        let (from, to) = (source.display(), plain.display());
        run("sh", &["-c", &format!("xz -dc {from} | cp --sparse=always /dev/stdin {to}")]);
        return Some(plain);
    }
    if file.ends_with(".tar") || file.ends_with(".tgz") {
        let folder = into.join("unpacked");
        std::fs::create_dir_all(&folder).unwrap();
        sh(&folder, &format!("tar -xSf {} -C {{}}", source.display()));
        return std::fs::read_dir(&folder).unwrap().next().map(|entry| entry.unwrap().path());
    }
    std::fs::copy(&source, &plain).unwrap();
    // The corpus is read-only, its copies are not.
    run("chmod", &["u+w", plain.to_str()?]);
    Some(plain)
}

#[test]
fn containers_in_the_wild_are_opened_or_refused_by_name() {
    if corpus().is_none() || !have(&["qemu-img", "xz"]) {
        return;
    }
    for (name, expected) in [
        ("vdisk/qemu-iotests/empty.bochs", Some(KnownFormat::Bochs)),
        ("vdisk/qemu-iotests/parallels-v2.xz", Some(KnownFormat::Parallels)),
        ("vdisk/qemu-iotests/simple-dmg.dmg", Some(KnownFormat::Dmg)),
        ("vdisk/qemu-iotests/grub_mbr.raw", None),
        ("vdisk/dfvfs/ext2.qcow2.xz", None),
        ("vdisk/dfvfs/lvm.qcow2.xz", None),
        ("vdisk/plaso/image.qcow2.xz", None),
        ("ntfs/plaso-vsstest.qcow2.xz", None),
    ] {
        let folder = scratch();
        let Some(path) = unpack(name, folder.path()) else { continue };
        let before = std::fs::read(&path).unwrap();
        for writable in [false, true] {
            match (open(&path, writable), expected) {
                (Err(ImageError::UnsupportedFormat { found, .. }), Some(expected)) => {
                    assert_eq!(found, expected, "{name}");
                }
                (Ok(_), None) if writable => {}
                (Ok(image), None) => {
                    let transaction = Transaction::begin(image);
                    let mut bytes = vec![0; transaction.len() as usize];
                    transaction.read_at(0, &mut bytes).unwrap();
                    drop(transaction);
                    sh(
                        folder.path(),
                        &format!("qemu-img convert -O raw {} {{}}/out", path.display()),
                    );
                    assert!(bytes == std::fs::read(folder.path().join("out")).unwrap(), "{name}");
                }
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
        assert!(std::fs::read(&path).unwrap() == before, "{name}: opening writes nothing");
    }
}

/// Containers that only QEMU's drivers open show what QEMU shows, or are refused with the reason.
#[test]
fn containers_of_other_hypervisors_in_the_wild() {
    if corpus().is_none() || !have(&["qemu-img", "qemu-nbd", "xz"]) {
        return;
    }
    for (name, reason) in [
        ("vdisk/dfvfs/ext2.vmdk", None),
        ("vdisk/dfvfs/image.vhd.xz", Some("Incorrect header checksum")),
        ("vdisk/dfvfs/image-differential.vhd.xz", Some("stands on another image")),
        ("vdisk/qemu-iotests/iotest-version3.vmdk.xz", None),
        ("vdisk/qemu-iotests/virtualpc-dynamic.vhd.xz", None),
        // Windows left its log full; QEMU replays it when the image is opened for writing.
        ("vdisk/discutils/vhdx-log-replay.vhdx.xz", Some("replayed")),
    ] {
        let folder = scratch();
        let Some(path) = unpack(name, folder.path()) else { continue };
        let before = std::fs::read(&path).unwrap();
        match (open(&path, false), reason) {
            (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
            (Ok(image), None) => {
                let transaction = Transaction::begin(image);
                // One of them is a disk of 127 GiB.
                let mut bytes = vec![0; transaction.len().min(8 << 20) as usize];
                transaction.read_at(0, &mut bytes).unwrap();
                drop(transaction);
                let blocks = bytes.len() / 512;
                let from = path.display();
                let line =
                    format!("qemu-img dd -O raw bs=512 count={blocks} if={from} of={{}}/out");
                sh(folder.path(), &line);
                assert!(bytes == std::fs::read(folder.path().join("out")).unwrap(), "{name}");
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
        assert!(std::fs::read(&path).unwrap() == before, "{name}: reading writes nothing");
    }
}

/// Numbers, starts and sizes in sectors, as `sfdisk` sees them, without extended partitions.
fn by_sfdisk(path: &Path) -> Vec<(u32, u64, u64)> {
    let dump = run("sfdisk", &["-d", path.to_str().unwrap()]);
    let mut places = Vec::new();
    for line in dump.lines().filter(|line| line.contains("start=")) {
        let (name, fields) = line.split_once(" : ").unwrap();
        let field = |key: &str| {
            let (_, rest) = fields.split_once(key).unwrap();
            rest.split([',', ' ']).find(|word| !word.is_empty()).unwrap().to_owned()
        };
        let number = name[path.to_str().unwrap().len()..].trim_start_matches('p').parse().unwrap();
        if !matches!(field("type=").as_str(), "5" | "f") {
            places.push((
                number,
                field("start=").parse().unwrap(),
                field("size=").parse().unwrap(),
            ));
        }
    }
    places.sort_by_key(|place| place.1);
    places
}

#[test]
fn tables_written_by_windows_read_as_by_sfdisk() {
    if corpus().is_none() || !have(&["sfdisk", "xz", "tar"]) {
        return;
    }
    for (name, kind) in [
        ("ntfs/win-mbr-4part.disk.raw.tar", TableKind::Mbr),
        ("ntfs/win10-2k-cluster-index.disk.raw.xz", TableKind::Mbr),
        ("ntfs/grr-mkntfs-ads.disk.raw.xz", TableKind::Mbr),
        ("ntfs/win10-vss-2.disk.raw.tgz", TableKind::Gpt),
        ("ntfs/win-links-junction-ads.vol.raw.xz", TableKind::None),
    ] {
        let folder = scratch();
        let Some(path) = unpack(name, folder.path()) else { continue };
        let transaction = Transaction::begin(open(&path, false).unwrap());
        let table = read_table(&transaction).unwrap();
        assert_eq!(table.kind, kind, "{name}");
        if kind == TableKind::None {
            assert_eq!(table.partitions.len(), 1, "{name}");
            assert_eq!(table.partitions[0].kind, PartitionKind::Bare, "{name}");
            continue;
        }
        assert_ne!(table.disk_id, DiskId::None, "{name}");
        let found: Vec<_> =
            table.partitions.iter().map(|p| (p.number, p.start / 512, p.length / 512)).collect();
        assert_eq!(found, by_sfdisk(&path), "{name}");
    }
}
