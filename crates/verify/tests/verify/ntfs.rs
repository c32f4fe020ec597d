//! The `ntfs` reader.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_verify::{Claim, VerifyError, verify_volume};

use crate::tools::{
    agrees, corpus, disagrees, file, hashed, have, noise, ntfs_volume, opinion, run, unxz,
};

const PROGRAMS: [&str; 3] = ["mkntfs", "ntfs-3g", "umount"];

fn folder(path: &str) -> Claim {
    Claim::Directory { path: path.into() }
}

fn absent(path: &str) -> Claim {
    Claim::Absent { path: path.into() }
}

/// Every kind of claim, right and wrong, with clusters below, at and above the size of an index block.
#[test]
fn claims_are_told_apart() {
    if !have(&PROGRAMS) {
        return;
    }
    for cluster in [512, 4096, 65536] {
        let big = noise(7, 3_000_000);
        let device = ntfs_volume(64 << 20, cluster, |root| {
            fs::create_dir_all(root.join("Windows/System32")).unwrap();
            for number in 0..700 {
                let name = format!("Windows/System32/file-{number}-{}.dll", "x".repeat(40));
                fs::write(root.join(name), number.to_string()).unwrap();
            }
            fs::write(root.join("Windows/System32/big"), &big).unwrap();
            fs::write(root.join("Windows/empty"), b"").unwrap();
            fs::write(root.join("Windows/note.txt"), b"main").unwrap();
            fs::write(root.join("Windows/note.txt:Zone"), b"side").unwrap();
            fs::write(root.join("Windows/Д-файл.txt"), b"cyrillic").unwrap();
        });
        let long = "x".repeat(40);
        agrees(
            &device,
            &[
                file(r"C:\windows\SYSTEM32\BIG", &big),
                file(&format!("/Windows/System32/FILE-0-{long}.dll"), b"0"),
                file(&format!("Windows/System32/file-699-{long}.DLL"), b"699"),
                file(r"\Windows\empty", b""),
                hashed(r"\Windows\System32\big", &big),
                hashed(r"\Windows\empty", b""),
                hashed(r"\Windows\note.txt:zone", b"side"),
                file(r"\Windows\note.txt", b"main"),
                file(r"\Windows\note.txt:zone", b"side"),
                file(r"\Windows\д-ФАЙЛ.txt", b"cyrillic"),
                folder(r"\"),
                folder(r"\Windows\System32"),
                absent(r"\Windows\System64"),
                absent(r"\Windows\note.txt\below"),
                absent(r"\Windows\note.txt:other"),
                absent(&format!("/Windows/System32/file-700-{long}.dll")),
            ],
        );

        let mut flipped = big.clone();
        flipped[2_999_999] ^= 1;
        disagrees(&device, file(r"\Windows\System32\big", &flipped), "byte 0x2dc6bf is");
        disagrees(&device, hashed(r"\Windows\System32\big", &flipped), "have the hash");
        disagrees(&device, hashed(r"\Windows\note.txt", b"mAin"), "have the hash");
        disagrees(&device, hashed(r"\Windows\note.txt", b"mai"), "4 bytes, expected 3");
        disagrees(&device, file(r"\Windows\System32\big", &big[1..]), "3000000 bytes, expected");
        disagrees(&device, file(r"\Windows\note.txt", b"mAin"), "byte 0x1 is 61, expected 41");
        disagrees(&device, file(r"\Windows\note.txt:zone", b"sidE"), "byte 0x3 is");
        disagrees(&device, file(r"\Windows\note.txt:gone", b"side"), "nothing there");
        disagrees(&device, file(r"\Windows\gone.txt", b"main"), "nothing there");
        disagrees(&device, file(r"\Windows", b"main"), "a folder");
        disagrees(&device, folder(r"\Windows\note.txt"), "a file, expected a folder");
        disagrees(&device, folder(r"\Windows\gone"), "nothing there, expected a folder");
        disagrees(&device, absent(r"\WINDOWS\note.txt"), "a file, expected nothing there");
        disagrees(&device, absent(r"\Windows\note.txt:zone"), "a file, expected nothing there");
        disagrees(&device, absent(r"\WINDOWS"), "a folder, expected nothing there");

        // So many that several threads put them.
        let path = |number: u32| format!("/Windows/System32/file-{number}-{long}.dll");
        let right = |number: u32| file(&path(number), number.to_string().as_bytes());
        let mut many: Vec<Claim> = (0..700).map(right).collect();
        let told = verify_volume(device.clone(), &many).unwrap().verified;
        assert!(told.iter().map(|told| told.what.clone()).eq((0..700).map(path)), "in order");
        many[650] = file(&path(650), b"651");
        many[690] = absent(&path(690));
        let error = verify_volume(device.clone(), &many).unwrap_err();
        assert!(
            matches!(&error, VerifyError::Disagreement { what, .. } if *what == path(650)),
            "{error}"
        );
    }
}

/// Hard links, symbolic links and junctions, right and wrong.
#[test]
fn links_are_told_apart() {
    if !have(&PROGRAMS) {
        return;
    }
    let device = ntfs_volume(16 << 20, 4096, |root| {
        fs::create_dir_all(root.join("there")).unwrap();
        fs::create_dir(root.join("junction")).unwrap();
        fs::write(root.join("there/a"), b"a").unwrap();
        fs::write(root.join("there/other"), b"a").unwrap();
        fs::hard_link(root.join("there/a"), root.join("b")).unwrap();
        fs::write(root.join("soft"), b"").unwrap();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let value = |tag: u32, numbers: [usize; 4], flags: &[u8], names: &[Vec<u8>]| {
            let numbers: Vec<u8> = numbers.iter().flat_map(|n| (*n as u16).to_le_bytes()).collect();
            let data = [&numbers[..], flags, &names.concat()].concat();
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            hex(&tag.to_le_bytes())
                + &hex(&(data.len() as u16).to_le_bytes())
                + "0000"
                + &hex(&data)
        };
        let (s, p) = (wide(r"\??\C:\there"), wide(r"C:\there"));
        let end = vec![0, 0];
        let junction =
            value(0xa000_0003, [0, s.len(), s.len() + 2, p.len()], &[], &[s, end.clone(), p, end]);
        let t = wide(r"there\a");
        let soft =
            value(0xa000_000c, [t.len(), t.len(), 0, t.len()], &[1, 0, 0, 0], &[t.clone(), t]);
        for (name, value) in [("junction", junction), ("soft", soft)] {
            let code = "import os, sys; os.setxattr(sys.argv[1], 'system.ntfs_reparse_data', bytes.fromhex(sys.argv[2]), follow_symlinks=False)";
            run(Command::new("python3").arg("-c").arg(code).arg(root.join(name)).arg(value));
        }
    });
    let same = |path: &str, other: &str| Claim::SameFile { path: path.into(), other: other.into() };
    let link = |path: &str, junction: bool, target: &str| Claim::Link {
        path: path.into(),
        junction,
        target: target.into(),
    };
    agrees(
        &device,
        &[
            same(r"\b", r"\there\A"),
            link(r"\junction", true, "C:/there"),
            link(r"\SOFT", false, r"there\a"),
        ],
    );
    disagrees(&device, same(r"\b", r"\there\other"), "is file");
    disagrees(&device, same(r"\b", r"\there\none"), "is file None");
    disagrees(&device, link(r"\junction", false, r"C:\there"), "reparse tag 0xa0000003");
    disagrees(&device, link(r"\junction", true, r"C:\other"), "a link to");
    disagrees(&device, link(r"\soft", false, r"there\b"), "a link to");
    disagrees(&device, link(r"\b", false, r"there\a"), "reparse tag 0x00000000");
    disagrees(&device, link(r"\none", false, "x"), "nothing there");
}

/// A sparse file whose run list fills many records: the crate alone would return its first part.
#[test]
fn streams_over_an_attribute_list_are_put_together() {
    if !have(&PROGRAMS) {
        return;
    }
    let data = noise(3, 4096);
    let mut contents = Vec::new();
    let device = ntfs_volume(96 << 20, 4096, |root| {
        let mut split = fs::File::create(root.join("split")).unwrap();
        for number in 0..3000 {
            split.seek(SeekFrom::Start(number * 8192)).unwrap();
            split.write_all(&data).unwrap();
            contents.resize(number as usize * 8192, 0);
            contents.extend_from_slice(&data);
        }
    });
    agrees(&device, &[file("split", &contents)]);
    for at in [0, 4095, 4096, contents.len() / 2, contents.len() - 1] {
        let mut wrong = contents.clone();
        wrong[at] ^= 0x80;
        disagrees(&device, file("split", &wrong), &format!("byte {at:#x} is"));
    }
}

/// An `$MFT` in thousands of pieces, which the crate alone sees the first of.
#[test]
fn an_mft_over_an_attribute_list_is_put_together() {
    if !have(&PROGRAMS) || !have(&["istat"]) {
        return;
    }
    let device = ntfs_volume(24 << 20, 512, |root| {
        fs::create_dir(root.join("fill")).unwrap();
        let mut filled = 0;
        while fs::write(root.join(format!("fill/{filled}")), [b'f'; 4096]).is_ok() {
            filled += 1;
        }
        for number in (0..=filled).step_by(2) {
            let _ = fs::remove_file(root.join(format!("fill/{number}")));
        }
        for number in 0..6000 {
            let folder = root.join(format!("folder-{}", number / 50));
            if number % 50 == 0 {
                fs::create_dir(&folder).unwrap();
            }
            fs::write(folder.join(format!("e{number}")), format!("hello {number}")).unwrap();
        }
    });
    let mut bytes = vec![0; 24 << 20];
    device.read_at(0, &mut bytes).unwrap();
    let image = tempfile::NamedTempFile::new().unwrap();
    fs::write(image.path(), bytes).unwrap();
    let table = run(Command::new("istat").arg(image.path()).arg("0"));
    assert!(String::from_utf8_lossy(&table).contains("$ATTRIBUTE_LIST"), "the $MFT is not split");

    let path = |number: u32| format!("Folder-{}/E{number}", number / 50);
    let hello = |number: u32| file(&path(number), format!("hello {number}").as_bytes());
    let claims: Vec<Claim> =
        (0..6000).step_by(7).map(hello).chain([absent(&path(6000)), absent("fill-2")]).collect();
    agrees(&device, &claims);
    disagrees(&device, file(&path(5999), b"hello 5998"), "byte 0x9 is 39, expected 38");
    disagrees(&device, file(&path(6000), b"hello 6000"), "nothing there");
}

/// What the crate would answer wrongly is skipped and named, never verified.
#[test]
fn what_the_crate_reads_wrongly_is_skipped() {
    if !have(&PROGRAMS) || !have(&["python3"]) {
        return;
    }
    let contents = vec![b'A'; 200_000];
    let device = ntfs_volume(64 << 20, 4096, |root| {
        let packed = root.join("packed");
        fs::create_dir(&packed).unwrap();
        let script = "import os,sys,struct; os.setxattr(sys.argv[1], 'system.ntfs_attrib_be', struct.pack('>I', 0x810))";
        run(Command::new("python3").args(["-c", script]).arg(&packed));
        fs::write(packed.join("file"), &contents).unwrap();
    });
    let found = opinion(&device, &[file("packed/file", &contents)]);
    assert_eq!(found.verified, []);
    assert_eq!(found.skipped[0].what, "packed/file");
    assert_eq!(found.skipped[0].reason, "the stream is compressed");
    disagrees(&device, file("packed/file", &contents[1..]), "200000 bytes, expected 199999");

    // $Boot begins at cluster 0.
    let mut boot = vec![0; 8192];
    device.read_at(0, &mut boot).unwrap();
    let found = opinion(&device, &[file("$Boot", &boot)]);
    assert_eq!(found.verified, []);
    assert_eq!(found.skipped[0].reason, "a run at cluster 0 of the volume");
}

/// Damage below a path is an error of the reader or a disagreement, never agreement.
#[test]
fn damaged_records_are_noticed() {
    if !have(&PROGRAMS) {
        return;
    }
    let contents = noise(11, 50_000);
    let device = ntfs_volume(32 << 20, 4096, |root| {
        fs::write(root.join("file"), &contents).unwrap();
    });
    let mut bytes = vec![0; 32 << 20];
    device.read_at(0, &mut bytes).unwrap();
    agrees(&device, &[file("file", &contents)]);

    let mut place = bytes.windows(8).position(|part| part == &contents[..8]).unwrap();
    let mut changed = bytes.clone();
    changed[place + 40_000] ^= 1;
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(changed));
    disagrees(&device, file("file", &contents), "byte 0x9c40 is");

    // The file's record: its name follows "FILE" within one record.
    let name: Vec<u8> = "file".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let is_record = |at: usize| {
        bytes[at..].starts_with(b"FILE")
            && bytes[at..at + 1024].windows(name.len()).any(|part| part == name)
    };
    place = (0..bytes.len() - 1024).step_by(1024).find(|at| is_record(*at)).unwrap();
    let mut changed = bytes.clone();
    changed[place..place + 4].copy_from_slice(b"BAAD");
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(changed));
    let error = verify_volume(device, &[file("file", &contents)]).unwrap_err();
    assert!(matches!(error, VerifyError::Reader { reader: "ntfs", .. }), "{error:?}");

    // The record is freed, and another use of it named.
    for (offset, reason) in [(22, "is not in use"), (16, "names use")] {
        let mut changed = bytes.clone();
        changed[place + offset] ^= 1;
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(changed));
        disagrees(&device, file("file", &contents), reason);
    }
}

/// Flipped bytes anywhere in the metadata: an answer or an error, no panic and no endless search.
#[test]
fn mutated_volumes_end_in_an_answer() {
    if !have(&PROGRAMS) {
        return;
    }
    let device = ntfs_volume(8 << 20, 4096, |root| {
        fs::create_dir(root.join("folder")).unwrap();
        for number in 0..100 {
            fs::write(root.join(format!("folder/some-file-{number}")), b"x").unwrap();
        }
    });
    let mut bytes = vec![0; 8 << 20];
    device.read_at(0, &mut bytes).unwrap();
    let claims = [file("folder/some-file-57", b"x"), absent("folder/nothing")];
    let used: Vec<usize> = bytes
        .chunks(1024)
        .enumerate()
        .filter(|(_, chunk)| chunk.starts_with(b"FILE") || chunk.starts_with(b"INDX"))
        .map(|(number, _)| number * 1024)
        .collect();
    let random = noise(99, 8 * 400);
    let mut right = 0;
    for draw in random.chunks(8) {
        let draw = u64::from_le_bytes(draw.try_into().unwrap()) as usize;
        let mut changed = bytes.clone();
        let place = used[draw % used.len()] + (draw >> 20) % 1024;
        changed[place] ^= (draw >> 40) as u8 | 1;
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(changed));
        right += usize::from(verify_volume(device, &claims).is_ok());
    }
    assert!(right > 0, "mutations in other records must not disturb");
}

/// Other filesystems and short devices are refused.
#[test]
fn unknown_filesystems_are_refused() {
    for bytes in [vec![0; 1 << 16], vec![0; 100], b"no boot sector".repeat(1000)] {
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
        let error = verify_volume(device, &[]).unwrap_err();
        assert!(matches!(error, VerifyError::UnknownFilesystem), "{error:?}");
    }
}

/// Volumes that Windows and the Linux kernel wrote, attribute lists among them, against `icat`.
#[test]
fn corpus_volumes_agree_with_icat() {
    if !have(&["icat", "fls", "xz"]) {
        return;
    }
    for name in [
        "win10-ads-attrlist.vol.raw.xz",
        "linux-ntfs3-attrlist.vol.raw.xz",
        "win-links-junction-ads.vol.raw.xz",
        "win10-largedir-compressed.vol.raw.xz",
    ] {
        let Some(path) = corpus(&format!("ntfs/{name}")) else { return };
        let bytes = unxz(&path);
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("volume.raw");
        fs::write(&image, &bytes).unwrap();
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
        let list = run(Command::new("fls").args(["-r", "-p", "-u", "-F"]).arg(&image));
        let list = String::from_utf8(list).unwrap();
        let mut asked = 0;
        let mut skipped = Vec::new();
        for line in list.lines().step_by(1 + list.lines().count() / 150) {
            let Some((head, path)) = line.split_once(":\t") else { continue };
            let number = head.split_whitespace().last().unwrap();
            if path.starts_with('$') || path.contains("$OrphanFiles") || !head.starts_with("r/r") {
                continue;
            }
            let contents = run(Command::new("icat").arg(&image).arg(number));
            let found = opinion(&device, &[file(path, &contents)]);
            asked += found.verified.len();
            skipped.extend(found.skipped);
        }
        assert!(asked > 0, "{name}: {skipped:?}");
        let known = ["the stream is compressed", "are initialized"];
        for skip in &skipped {
            assert!(known.iter().any(|word| skip.reason.contains(word)), "{name}: {skip:?}");
        }
        eprintln!("{name}: {asked} agreed, {} skipped", skipped.len());
    }
}
