//! Disks behind NBD servers: containers of other hypervisors through `qemu-nbd`, and servers given by their address.

use std::path::{Path, PathBuf};

use winkiln_disk::{
    CommitError, Device, Format, Image, ImageError, NbdError, OpenOptions, Transaction, UndoFile,
    UndoOptions,
};

use crate::lock::{Nbd, assert_in_use};
use crate::opened::{guest, journal_of, open};
use crate::tool::{Numbers, have, output, scratch, sh};

/// Files, QEMU's formats with options, ours.
const CONTAINERS: [(&str, &str, Format); 7] = [
    ("sparse.vmdk", "vmdk", Format::Vmdk),
    ("flat.vmdk", "vmdk -o subformat=monolithicFlat", Format::Vmdk),
    ("dynamic.vhd", "vpc -o force_size=on", Format::Vhd),
    ("fixed.vhd", "vpc -o subformat=fixed,force_size=on", Format::Vhd),
    ("dynamic.vhdx", "vhdx", Format::Vhdx),
    ("fixed.vhdx", "vhdx -o subformat=fixed", Format::Vhdx),
    ("x.vdi", "vdi", Format::Vdi),
];

/// A raw disk with something in it, and its bytes.
fn source(folder: &Path) -> Vec<u8> {
    let mut bytes = vec![0; 4 << 20];
    bytes[..100_000].copy_from_slice(&Numbers::new(1).bytes(100_000));
    bytes[3 << 20..][..50_000].copy_from_slice(&Numbers::new(2).bytes(50_000));
    std::fs::write(folder.join("source.raw"), &bytes).unwrap();
    bytes
}

fn convert(folder: &Path, name: &str, options: &str) -> PathBuf {
    let line = format!("qemu-img convert -f raw -O {options} {{}}/source.raw {{}}/{name}");
    sh(folder, &line);
    folder.join(name)
}

/// Writes the same changes to the image and to the model.
fn change(transaction: &Transaction, model: &mut [u8]) {
    let writes = [(7, 1000), (90_000, 200_000), (2 << 20, 70_000), ((4 << 20) - 600, 600)];
    for (number, (offset, length)) in writes.into_iter().enumerate() {
        let bytes = Numbers::new(number as u64 + 9).bytes(length);
        transaction.write_at(offset, &bytes).unwrap();
        model[offset as usize..][..length].copy_from_slice(&bytes);
    }
}

#[test]
fn containers_are_changed_as_qemu_does_it() {
    if !have(&["qemu-img", "qemu-nbd", "qemu-io"]) {
        return;
    }
    let scratch = scratch();
    let folder = scratch.path();
    for (name, options, format) in CONTAINERS {
        let mut model = source(folder);
        let path = convert(folder, name, options);
        let before = std::fs::read(&path).unwrap();
        assert!(guest(&path) == model, "{name}");
        assert!(std::fs::read(&path).unwrap() == before, "{name}: reading writes nothing");

        let undo = folder.join("undo");
        let writable =
            OpenOptions { writable: true, undo: Some(undo.clone()), ..OpenOptions::default() };
        let image = Image::open(&path, &writable).unwrap();
        assert_eq!((image.format(), image.virtual_size()), (format, 4 << 20), "{name}");
        // Each keeps the other off.
        assert_in_use(open(&path, true), name);
        let qemu = output("qemu-io", &["-c", "write 0 512", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&[qemu.stdout, qemu.stderr].concat()).into_owned();
        assert!(said.contains("lock"), "{name}: {said}");
        let transaction = Transaction::begin(image);
        change(&transaction, &mut model);
        assert!(transaction.commit().unwrap().committed);
        drop(transaction);
        assert!(!journal_of(&path).exists(), "{name}");

        std::fs::write(folder.join("model.raw"), &model).unwrap();
        let qemu_name = options.split(' ').next().unwrap();
        let compare = "qemu-img compare -q -f raw -F";
        sh(folder, &format!("{compare} {qemu_name} {{}}/model.raw {{}}/{name}"));
        if format != Format::Vhd && !name.starts_with("flat") {
            sh(folder, &format!("qemu-img check -q -f {qemu_name} {{}}/{name}"));
        }
        assert!(guest(&path) == model, "{name}");

        let options = UndoOptions {
            open: OpenOptions { writable: true, ..OpenOptions::default() },
            ignore_date: false,
        };
        let undone = UndoFile::open(&undo).unwrap().undo(&path, &options).unwrap();
        assert!(undone.undone, "{name}");
        assert!(guest(&path) == source(folder), "{name}: undone");
        std::fs::remove_file(undo).unwrap();
    }
}

/// A commit that was cut short before the image was written is finished by the next open.
#[test]
fn an_interrupted_commit_of_a_container_is_finished() {
    if !have(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let scratch = scratch();
    let folder = scratch.path();
    let mut model = source(folder);
    let path = convert(folder, "x.vhdx", "vhdx");
    // The raw disk has the same pages, so its journal is the container's too.
    let raw = folder.join("source.raw");
    let undo = folder.join("source.raw.undo");
    let keeping = OpenOptions { writable: true, undo: Some(undo), ..OpenOptions::default() };
    let transaction = Transaction::begin(Image::open(&raw, &keeping).unwrap());
    change(&transaction, &mut model);
    transaction.commit().unwrap();
    drop(transaction);
    // The undo file's journal leads from the new bytes to the old ones: begin with the new ones.
    let new = convert(folder, "new.vhdx", "vhdx");
    let kept = std::fs::read(folder.join("source.raw.undo")).unwrap();
    std::fs::write(journal_of(&new), &kept[8192..]).unwrap();
    assert!(guest(&new) == source(folder), "readers look through the journal");
    drop(open(&new, true).unwrap());
    assert!(!journal_of(&new).exists());
    assert!(guest(&new) == guest(&path));
}

#[test]
fn what_cannot_be_written_is_refused() {
    if !have(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let scratch = scratch();
    let folder = scratch.path();
    let bytes = source(folder);
    let refused = |path: &Path, writable, what: &str| match open(path, writable) {
        Err(error) => assert!(error.to_string().contains(what), "{error}"),
        Ok(_) => panic!("{}: opened", path.display()),
    };
    let stream = convert(folder, "stream.vmdk", "vmdk -o subformat=streamOptimized");
    assert!(guest(&stream) == bytes);
    refused(&stream, true, "stream-optimised");
    let split = convert(folder, "split.vmdk", "vmdk -o subformat=twoGbMaxExtentSparse");
    assert!(guest(&split) == bytes);
    refused(&split, true, "read only");

    // An extent of another folder, and a parent.
    let flat = convert(folder, "flat.vmdk", "vmdk -o subformat=monolithicFlat");
    let text = std::fs::read_to_string(&flat).unwrap();
    std::fs::create_dir(folder.join("sub")).unwrap();
    let moved = folder.join("sub/flat.vmdk");
    for name in ["../flat-flat.vmdk", "/etc/passwd"] {
        std::fs::write(&moved, text.replace("flat-flat.vmdk", name)).unwrap();
        match open(&moved, false) {
            Err(ImageError::BackingOutside { .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    std::fs::write(&moved, text.replace("flat-flat.vmdk", "json:x")).unwrap();
    assert!(matches!(open(&moved, false), Err(ImageError::BackingName { .. })));
    std::os::unix::fs::symlink("/etc/passwd", folder.join("sub/flat-flat.vmdk")).unwrap();
    std::fs::write(&moved, &text).unwrap();
    assert!(matches!(open(&moved, false), Err(ImageError::BackingOutside { .. })));
    std::fs::write(&moved, text.replace("CID=", "parentFileNameHint=\"x\"\nCID=")).unwrap();
    refused(&moved, false, "stands on another image");
    // QEMU would follow each of these to a file that is not looked at.
    std::fs::write(&moved, text.replace(" FLAT \"flat-flat.vmdk\"", " FLAT\n\"/etc/passwd\""))
        .unwrap();
    refused(&moved, false, "cannot be told");
    let mut head = [0; 4096];
    head[..4].copy_from_slice(b"KDMV");
    std::fs::write(folder.join("sub/inner.vmdk"), head).unwrap();
    let nested = text.replace("FLAT \"flat-flat.vmdk\" 0", "SPARSE \"inner.vmdk\"");
    std::fs::write(&moved, nested).unwrap();
    refused(&moved, false, "names other files");
    let sparse = convert(folder, "sparse.vmdk", "vmdk");
    let mut own = std::fs::read(&sparse).unwrap();
    own[28] = 9;
    std::fs::write(&sparse, own).unwrap();
    refused(&sparse, false, "lies elsewhere");
    // What is no such container, and no such program.
    let raw = folder.join("source.raw");
    let forced = OpenOptions { format: Some(Format::Vhdx), ..OpenOptions::default() };
    assert!(matches!(Image::open(&raw, &forced), Err(ImageError::QemuNbd { .. })));
    let missing = OpenOptions { qemu_nbd: Some("/no/qemu-nbd".into()), ..OpenOptions::default() };
    match Image::open(&flat, &missing) {
        Err(error @ ImageError::NoQemuNbd { .. }) => {
            assert!(error.to_string().contains("not installed"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let overlay = OpenOptions {
        writable: true,
        overlay: Some(folder.join("o.qcow2")),
        ..OpenOptions::default()
    };
    match Image::open(&flat, &overlay) {
        Err(ImageError::OverlayBase { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_given_by_its_address() {
    if !have(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let scratch = scratch();
    let folder = scratch.path();
    let mut model = source(folder);
    let image = folder.join("source.raw");
    let address = |nbd: &Nbd| PathBuf::from(format!("nbd+unix:///?socket={}", nbd.socket()));
    let journals = folder.join("journals");
    std::fs::create_dir(&journals).unwrap();
    let options =
        OpenOptions { writable: true, journal_dir: Some(journals), ..OpenOptions::default() };
    {
        let nbd = Nbd::serve(&image, "raw", false);
        let at = address(&nbd);
        assert!(guest(&at) == model);
        assert!(matches!(open(&at, true), Err(ImageError::JournalFolder { .. })));
        let transaction = Transaction::begin(Image::open(&at, &options).unwrap());
        change(&transaction, &mut model);
        assert!(transaction.commit().unwrap().committed);
        drop(transaction);
        assert!(guest(&at) == model);

        // A server that goes away: nothing is written, and the next transaction is told.
        let transaction = Transaction::begin(Image::open(&at, &options).unwrap());
        transaction.write_at(0, &[1; 100]).unwrap();
        drop(nbd);
        match transaction.commit() {
            Err(CommitError::Journal { .. }) => panic!("the journal is not the server's"),
            Err(_) => {}
            Ok(_) => panic!("committed to nobody"),
        }
    }
    assert!(std::fs::read(&image).unwrap() == model);
    let read_only = Nbd::serve(&image, "raw", true);
    match Image::open(&address(&read_only), &options) {
        Err(ImageError::Nbd { source: NbdError::ReadOnly, .. }) => {}
        other => panic!("{other:?}"),
    }
    let nowhere = Path::new("nbd+unix:///?socket=/no/socket");
    assert!(matches!(
        open(nowhere, false),
        Err(ImageError::Nbd { source: NbdError::Connection(_), .. })
    ));
}
