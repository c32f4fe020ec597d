//! What must not be opened is refused by name, quickly, and left as it was.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use winkiln_disk::{
    Device, Format, Image, ImageError, KnownFormat, OpenOptions, Qcow2Error, Transaction,
};

use crate::opened::open;
use crate::tool::{have, output, run, scratch, sh};

/// Opens an image that must be refused, checks that nothing changed and that it was quick, and returns why.
fn refusal(path: &Path, options: &OpenOptions) -> ImageError {
    let before = std::fs::read(path).unwrap();
    let started = Instant::now();
    let error = Image::open(path, options).expect_err("must be refused");
    assert!(started.elapsed() < Duration::from_secs(2), "refused quickly: {error}");
    assert!(std::fs::read(path).unwrap() == before, "left as it was: {error}");
    error
}

fn qcow2_refusal(path: &Path, writable: bool) -> Qcow2Error {
    match refusal(path, &OpenOptions { writable, ..OpenOptions::default() }) {
        error @ ImageError::Qcow2 { .. } => {
            assert!(error.is_refusal());
            match error {
                ImageError::Qcow2 { source, .. } => source,
                _ => unreachable!(),
            }
        }
        other => panic!("{other:?}"),
    }
}

fn qcow2(folder: &Path, options: &str) -> PathBuf {
    let options = if options.is_empty() { String::new() } else { format!("-o {options}") };
    sh(folder, &format!("qemu-img create -q -f qcow2 {options} {{}}/i.qcow2 64M"));
    folder.join("i.qcow2")
}

fn patch(path: &Path, at: usize, bytes: &[u8]) {
    let mut file = std::fs::read(path).unwrap();
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, file).unwrap();
}

#[test]
fn images_the_driver_would_damage_are_refused_by_name() {
    if !have(&["qemu-img", "qemu-io"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let create = ["create", "--object", "secret,id=s,data=abc", "-q", "-f", "qcow2", "-o"];
    let path = folder.join("i.qcow2");
    let text = path.to_str().unwrap();

    let luks = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=100";
    let luks = [&create[..], &[luks, text, "8M"]].concat();
    // On a busy machine qemu-img fails at measuring how fast it derives keys.
    assert!((0..20).any(|_| output("qemu-img", &luks).status.success()), "no LUKS image");
    for writable in [true, false] {
        assert_eq!(qcow2_refusal(&path, writable), Qcow2Error::Encrypted { method: 2 });
    }
    let aes = "encrypt.format=aes,encrypt.key-secret=s";
    run("qemu-img", &[&create[..], &[aes, text, "8M"]].concat());
    assert_eq!(qcow2_refusal(&path, true), Qcow2Error::Encrypted { method: 1 });

    qcow2(folder, "compression_type=zstd");
    assert_eq!(qcow2_refusal(&path, true), Qcow2Error::Compression { method: "zstd".into() });
    qcow2(folder, "extended_l2=on");
    assert_eq!(qcow2_refusal(&path, true), Qcow2Error::ExtendedL2);

    qcow2(folder, "");
    run("qemu-img", &["bitmap", "--add", text, "b"]);
    assert_eq!(qcow2_refusal(&path, true), Qcow2Error::Bitmaps);
    let before = std::fs::read(&path).unwrap();
    open(&path, false).expect("reading does no harm to bitmaps");
    assert!(std::fs::read(&path).unwrap() == before);

    for (bit, error) in [(0, Qcow2Error::Dirty), (1, Qcow2Error::Corrupt)] {
        qcow2(folder, "");
        patch(&path, 79, &[1 << bit]);
        assert_eq!(qcow2_refusal(&path, true), error);
        assert_eq!(qcow2_refusal(&path, false), error);
    }
    qcow2(folder, "");
    patch(&path, 72, &[0x80]);
    assert_eq!(qcow2_refusal(&path, false), Qcow2Error::UnknownIncompatible { bits: 1 << 63 });
    qcow2(folder, "");
    patch(&path, 95, &[0x80]);
    assert_eq!(qcow2_refusal(&path, true), Qcow2Error::UnknownAutoclear { bits: 0x80 });
}

#[test]
fn a_data_file_is_read_but_not_written() {
    if !have(&["qemu-img", "qemu-io"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let path = folder.join("i.qcow2");
    let text = path.to_str().unwrap();
    for raw in ["off", "on"] {
        let _ = std::fs::remove_file(folder.join("d.raw"));
        let options = format!("data_file={}/d.raw,data_file_raw={raw}", folder.display());
        run("qemu-img", &["create", "-q", "-f", "qcow2", "-o", &options, text, "8M"]);
        run("qemu-io", &["-c", "write -P 0x5a 64k 64k", text]);
        let expected =
            if raw == "on" { Qcow2Error::RawExternalData } else { Qcow2Error::ExternalData };
        assert_eq!(qcow2_refusal(&path, true), expected);
        let transaction = Transaction::begin(open(&path, false).unwrap());
        let mut bytes = [0; 4096];
        transaction.read_at(64 << 10, &mut bytes).unwrap();
        assert_eq!(bytes, [0x5a; 4096]);
    }
}

#[test]
fn hostile_headers_are_refused_at_once() {
    if !have(&["qemu-img", "qemu-io"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let path = folder.join("i.qcow2");
    let field = |at: usize, bytes: &[u8]| {
        qcow2(folder, "");
        patch(&path, at, bytes);
        qcow2_refusal(&path, true)
    };
    let is_field = |error: Qcow2Error, name: &str, at: u64| match error {
        Qcow2Error::Field { field, offset, .. } => assert_eq!((field, offset), (name, at)),
        other => panic!("{name}: {other:?}"),
    };
    is_field(field(20, &63_u32.to_be_bytes()), "cluster_bits", 20);
    is_field(field(20, &8_u32.to_be_bytes()), "cluster_bits", 20);
    is_field(field(20, &22_u32.to_be_bytes()), "cluster_bits", 20);
    is_field(field(20, &u32::MAX.to_be_bytes()), "cluster_bits", 20);
    is_field(field(36, &u32::MAX.to_be_bytes()), "l1_size", 36);
    is_field(field(36, &0_u32.to_be_bytes()), "l1_size", 36);
    is_field(field(24, &u64::MAX.to_be_bytes()), "l1_size", 36);
    is_field(field(24, &(1_u64 << 50).to_be_bytes()), "l1_size", 36);
    is_field(field(56, &u32::MAX.to_be_bytes()), "refcount_table_clusters", 56);
    is_field(field(56, &0_u32.to_be_bytes()), "refcount_table_clusters", 56);
    is_field(field(60, &u32::MAX.to_be_bytes()), "nb_snapshots", 60);
    is_field(field(96, &7_u32.to_be_bytes()), "refcount_order", 96);
    is_field(field(100, &96_u32.to_be_bytes()), "header_length", 100);
    is_field(field(100, &u32::MAX.to_be_bytes()), "header_length", 100);
    is_field(field(40, &1_u64.to_be_bytes()), "l1_table_offset", 40);
    is_field(field(8, &(1_u64 << 40).to_be_bytes()), "backing_file_offset", 8);
    is_field(field(8, &[0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0]), "backing_file_size", 16);

    let far = (1_u64 << 50).to_be_bytes();
    assert!(matches!(field(40, &far), Qcow2Error::PastEnd { table: "L1 table", .. }));
    assert!(matches!(field(48, &far), Qcow2Error::PastEnd { table: "refcount table", .. }));
    assert!(matches!(
        field(36, &(4_u32 << 20).to_be_bytes()),
        Qcow2Error::PastEnd { table: "L1 table", .. }
    ));
    assert!(matches!(field(40, &[0; 8]), Qcow2Error::Overlap { .. }));
    assert!(matches!(
        field(48, &0x30000_u64.to_be_bytes()),
        Qcow2Error::PastEnd { .. } | Qcow2Error::Overlap { .. }
    ));
    assert_eq!(field(4, &4_u32.to_be_bytes()), Qcow2Error::Version { found: 4 });
    // An extension that claims more than the cluster holds.
    assert!(matches!(field(116, &u32::MAX.to_be_bytes()), Qcow2Error::Extension { .. }));

    for length in [4, 71, 72, 100, 103] {
        qcow2(folder, "");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = qcow2_refusal(&path, true);
        let named =
            matches!(error, Qcow2Error::Truncated { .. } | Qcow2Error::Version { found: 0 });
        assert!(named, "{length}: {error:?}");
    }
    qcow2(folder, "");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..4096]).unwrap();
    assert!(matches!(qcow2_refusal(&path, true), Qcow2Error::PastEnd { .. }));
}

/// An overlay whose header names any backing file, unchecked.
fn overlay_on(folder: &Path, name: &str, format: Option<&str>) -> PathBuf {
    let path = folder.join("i.qcow2");
    let text = path.to_str().unwrap();
    run("qemu-img", &["create", "-q", "-f", "qcow2", text, "1M"]);
    run("qemu-img", &["rebase", "-q", "-u", "-b", name, "-F", format.unwrap_or("raw"), text]);
    if format.is_none() {
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(4).position(|word| word == [0xe2, 0x79, 0x2a, 0xca]).unwrap();
        patch(&path, at, &[0x12, 0x34, 0x56, 0x78]);
    }
    path
}

#[test]
fn a_probed_image_pulls_in_nothing_from_elsewhere() {
    if !have(&["qemu-img"]) {
        return;
    }
    let outer = scratch();
    let elsewhere = outer.path().join("elsewhere.raw");
    std::fs::write(&elsewhere, vec![7; 1 << 20]).unwrap();
    let home = outer.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::symlink(&elsewhere, home.join("link.raw")).unwrap();
    std::fs::write(home.join("inside.raw"), vec![8; 1 << 20]).unwrap();

    let probed = OpenOptions { writable: true, ..OpenOptions::default() };
    for name in [
        "/etc/passwd",
        "/etc/no-such-file",
        "../elsewhere.raw",
        elsewhere.to_str().unwrap(),
        "link.raw",
    ] {
        let path = overlay_on(&home, name, Some("raw"));
        let error = refusal(&path, &probed);
        assert!(matches!(error, ImageError::BackingOutside { .. }), "{name}: {error:?}");
        assert!(error.is_refusal());
    }

    let path = overlay_on(&home, "../elsewhere.raw", Some("raw"));
    let said = OpenOptions { format: Some(Format::Qcow2), ..probed.clone() };
    let allowed = OpenOptions { allow_backing: vec![elsewhere.clone()], ..probed.clone() };
    let folder = OpenOptions { allow_backing: vec![outer.path().to_owned()], ..probed.clone() };
    let other = OpenOptions { allow_backing: vec![home.join("inside.raw")], ..probed.clone() };
    for options in [said, allowed, folder] {
        let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
        let mut byte = [0];
        transaction.read_at(5000, &mut byte).unwrap();
        assert_eq!(byte, [7]);
    }
    assert!(matches!(refusal(&path, &other), ImageError::BackingOutside { .. }));

    let path = overlay_on(&home, "inside.raw", None);
    let image = Image::open(&path, &probed).expect("its own folder, format probed as raw");
    assert_eq!(image.virtual_size(), 1 << 20);
}

#[test]
fn a_layer_below_is_held_to_the_same_rule() {
    if !have(&["qemu-img"]) {
        return;
    }
    let outer = scratch();
    let home = outer.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(outer.path().join("elsewhere.raw"), vec![7; 1 << 20]).unwrap();
    let middle = overlay_on(&home, "../elsewhere.raw", Some("raw"));
    std::fs::rename(&middle, home.join("middle.qcow2")).unwrap();
    // The second layer is only probed, as after a guest wrote a header into its own raw disk.
    let top = overlay_on(&home, "middle.qcow2", None);
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    assert!(matches!(refusal(&top, &options), ImageError::BackingOutside { .. }));

    patch(&home.join("middle.qcow2"), 79, &[1]);
    match refusal(&top, &options) {
        ImageError::Qcow2 { path, source: Qcow2Error::Dirty } => {
            assert!(path.ends_with("middle.qcow2"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn backing_names_that_are_no_plain_files_are_refused() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let options =
        OpenOptions { format: Some(Format::Qcow2), writable: true, ..OpenOptions::default() };
    for name in [
        "json:{\"driver\":\"null-co\"}",
        "nbd:localhost:10809",
        "nbd://h/x",
        "file:base.raw",
        "fd:3",
        "ssh://h/p",
    ] {
        let path = overlay_on(folder, name, Some("raw"));
        let error = refusal(&path, &options);
        assert!(matches!(error, ImageError::BackingName { .. }), "{name}: {error:?}");
    }
    sh(folder, "qemu-img create -q -f vmdk {}/b.vmdk 1M");
    for format in [Some("vmdk"), None] {
        let path = overlay_on(folder, "b.vmdk", format);
        let error = refusal(&path, &options);
        assert!(
            matches!(
                error,
                ImageError::BackingFormat { .. }
                    | ImageError::UnsupportedFormat { found: KnownFormat::Vmdk, .. }
            ),
            "{error:?}"
        );
    }
    let path = overlay_on(folder, "i.qcow2", Some("qcow2"));
    assert!(matches!(refusal(&path, &options), ImageError::BackingLoop { .. }));
    let path = overlay_on(folder, "missing.raw", Some("raw"));
    let error = refusal(&path, &options);
    assert!(matches!(error, ImageError::Io { .. }) && !error.is_refusal(), "{error:?}");
    let path = overlay_on(folder, ".", Some("raw"));
    assert!(matches!(refusal(&path, &options), ImageError::NotAnImage { found: "a folder", .. }));
}

#[test]
fn a_chain_is_followed_only_so_far() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    std::fs::write(folder.join("0.qcow2"), vec![0; 1 << 20]).unwrap();
    for number in 1..40 {
        let below = format!("{}.qcow2", number - 1);
        let format = if number == 1 { "raw" } else { "qcow2" };
        let path = overlay_on(folder, &below, Some(format));
        std::fs::rename(path, folder.join(format!("{number}.qcow2"))).unwrap();
    }
    open(&folder.join("20.qcow2"), true).unwrap();
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    let error = refusal(&folder.join("39.qcow2"), &options);
    assert!(matches!(error, ImageError::BackingDepth { limit: 32, .. }), "{error:?}");
}

#[test]
fn other_formats_are_not_taken_for_raw() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    for (format, known) in [("qed", KnownFormat::Qed), ("qcow", KnownFormat::Qcow1)] {
        sh(folder, &format!("qemu-img create -q -f {format} {{}}/x.img 8M"));
        let path = folder.join("x.img");
        let error = refusal(&path, &OpenOptions { writable: true, ..OpenOptions::default() });
        match error {
            ImageError::UnsupportedFormat { found, .. } => assert_eq!(found, known, "{format}"),
            other => panic!("{format}: {other:?}"),
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_guest_that_wrote_a_qcow2_header_can_be_forced_raw() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let path = overlay_on(folder.path(), "/etc/passwd", Some("raw"));
    let options =
        OpenOptions { format: Some(Format::Raw), writable: true, ..OpenOptions::default() };
    let image = Image::open(&path, &options).unwrap();
    assert_eq!(
        (image.format(), image.virtual_size()),
        (Format::Raw, path.metadata().unwrap().len())
    );
}

#[test]
fn what_is_no_image_says_so() {
    let folder = scratch();
    let folder = folder.path();
    assert!(matches!(open(folder, true), Err(ImageError::NotAnImage { found: "a folder", .. })));
    assert!(matches!(open(&folder.join("none"), true), Err(ImageError::Io { action: "open", .. })));
    assert!(matches!(
        open(Path::new("/dev/null"), true),
        Err(ImageError::NotAnImage { found: "a character device", .. })
    ));
    if have(&["mkfifo"]) {
        sh(folder, "mkfifo {}/pipe");
        assert!(matches!(
            open(&folder.join("pipe"), true),
            Err(ImageError::NotAnImage { found: "a pipe", .. })
        ));
    }
    let empty = folder.join("empty");
    std::fs::write(&empty, []).unwrap();
    assert_eq!(open(&empty, true).unwrap().virtual_size(), 0);
}

#[test]
fn a_block_device_is_an_image_with_its_journal_elsewhere() {
    if !have(&["losetup"]) {
        return;
    }
    let folder = scratch();
    let file = folder.path().join("i.raw");
    std::fs::write(&file, vec![1; 1 << 20]).unwrap();
    let attached = output("losetup", &["-f", "--show", file.to_str().unwrap()]);
    if !attached.status.success() {
        return crate::tool::skip("loop devices need root");
    }
    let device = PathBuf::from(String::from_utf8(attached.stdout).unwrap().trim());
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    let without = Image::open(&device, &options).map(|_| ());
    let journal_dir = Some(folder.path().to_owned());
    let with = Image::open(&device, &OpenOptions { journal_dir, ..options }).map(|image| {
        let transaction = Transaction::begin(image);
        transaction.write_at(4000, &[9; 200]).unwrap();
        transaction.commit().map(|report| report.io.image_bytes_written)
    });
    sh(folder.path(), &format!("losetup -d {}", device.display()));
    assert!(matches!(without, Err(ImageError::JournalFolder { .. })), "{without:?}");
    assert_eq!(with.unwrap().unwrap(), 8192);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!((bytes[3999], &bytes[4000..4200], bytes[4200]), (1, &[9; 200][..], 1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no journal is left");
}

#[test]
fn a_mounted_block_device_is_not_written() {
    if !have(&["losetup", "mkfs.ext4", "mount", "umount"]) {
        return;
    }
    let folder = scratch();
    let file = folder.path().join("i.raw");
    let at = folder.path().join("m");
    std::fs::create_dir(&at).unwrap();
    std::fs::write(&file, vec![0; 8 << 20]).unwrap();
    run("mkfs.ext4", &["-q", "-F", file.to_str().unwrap()]);
    let attached = output("losetup", &["-f", "--show", file.to_str().unwrap()]);
    if !attached.status.success() {
        return crate::tool::skip("loop devices need root");
    }
    let device = PathBuf::from(String::from_utf8(attached.stdout).unwrap().trim());
    let mounted = output("mount", &[&device, &at]).status.success();
    let journal_dir = Some(folder.path().to_owned());
    let options = OpenOptions { writable: true, journal_dir, ..OpenOptions::default() };
    let result = Image::open(&device, &options).map(|_| ());
    if mounted {
        run("umount", &[&at]);
    }
    run("losetup", &["-d", device.to_str().unwrap()]);
    if !mounted {
        return crate::tool::skip("ext4 cannot be mounted here");
    }
    match result {
        Err(error @ ImageError::DeviceBusy { .. }) => assert!(error.is_refusal()),
        other => panic!("{other:?}"),
    }
}

/// The system lets root write to a file that nobody may write; whoever marked it meant it.
#[test]
fn a_file_marked_read_only_is_opened_for_reading_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("golden.img");
    std::fs::write(&path, vec![7; 1 << 20]).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).expect("marked");
    let writable = OpenOptions { writable: true, ..OpenOptions::default() };
    let Err(ImageError::Io { source, .. }) = Image::open(&path, &writable) else {
        panic!("opened for writing");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
    Image::open(&path, &OpenOptions::default()).expect("opened for reading");
}
