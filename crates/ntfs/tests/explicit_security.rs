//! Security descriptors that are given, on volumes.

use winkiln_ntfs::{
    Error, FileReference, Volume,
    security::{Domains, from_sddl, to_sddl},
};

use crate::{
    images,
    judges::Mount,
    write_volumes::{check_all, copy, open_for_writing},
};

fn read(text: &str) -> Vec<u8> {
    from_sddl(text, Domains::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(volume: &Volume, file: FileReference) -> String {
    let security = volume.metadata(file).expect("facts").security.expect("a descriptor");
    to_sddl(&security).expect("text")
}

#[test]
fn given_parts_count_and_the_rest_is_inherited() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let top = read("O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;CI;GR;;;BU)");
    let at = volume.create_directory_with(root, "top", Some(&top)).expect("a folder");
    assert_eq!(text(&volume, at), "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;CI;FR;;;BU)");
    let plain = volume.create_file(at, "plain", 0).expect("a file");
    let inherited = "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)";
    assert_eq!(text(&volume, plain), format!("O:BAG:SY{inherited}"));
    let owned = volume
        .create_file_with(at, "owned", 0, Some(&read("O:SYS:(ML;;NW;;;HI)")))
        .expect("a file");
    assert_eq!(text(&volume, owned), format!("O:SYG:SY{inherited}S:(ML;;NW;;;HI)"));
    let listed =
        volume.create_file_with(at, "listed", 0, Some(&read("D:P(A;;GA;;;WD)"))).expect("a file");
    assert_eq!(text(&volume, listed), "O:BAG:SYD:P(A;;FA;;;WD)");
    // The next plain file inherits as before.
    let again = volume.create_file(at, "again", 0).expect("a file");
    assert_eq!(text(&volume, again), format!("O:BAG:SY{inherited}"));

    // Changing: the parts that are given. What lies below stays.
    volume.set_security(at, &read("D:P(A;OICI;FA;;;BA)")).expect("set");
    assert_eq!(text(&volume, at), "O:BAG:SYD:P(A;OICI;FA;;;BA)");
    assert_eq!(text(&volume, plain), format!("O:BAG:SY{inherited}"));
    let new = volume.create_file(at, "new", 0).expect("a file");
    assert_eq!(text(&volume, new), "O:BAG:SYD:(A;;FA;;;BA)");
    volume.set_security(plain, &read("O:BUG:BU")).expect("set");
    assert_eq!(text(&volume, plain), format!("O:BUG:BU{inherited}"));
    // The root, which mkntfs gives a descriptor of its own.
    volume.set_security(root, &read("D:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)")).expect("set");
    let fresh = volume.create_directory(root, "fresh").expect("a folder");
    assert_eq!(text(&volume, fresh), "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)");
    let refused =
        volume.set_security(volume.find("$Extend").expect("a lookup").expect("found"), &top);
    assert!(matches!(refused, Err(Error::SystemFile { .. })));
    let refused = volume.set_security(plain, &[1, 0, 4]);
    assert!(matches!(refused, Err(Error::Security(_))));
    let refused = volume.create_file_with(at, "bad", 0, Some(&[0; 20]));
    assert!(matches!(refused, Err(Error::Security(_))));
    assert_eq!(volume.find("top/bad").expect("a lookup"), None);
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "explicit security");

    // ntfs-3g finds the same descriptors in $Secure.
    if let Some(mount) = Mount::new(&image, "ro") {
        for (path, expected) in
            [("top", "O:BAG:SYD:P(A;OICI;FA;;;BA)"), ("top/listed", "O:BAG:SYD:P(A;;FA;;;WD)")]
        {
            let bytes = mount.attribute(path, "system.ntfs_acl");
            assert_eq!(to_sddl(&bytes).expect("text"), expected, "{path}");
        }
    }
}

/// Descriptors that Windows wrote, given as text to new files and set on others: the volume has each of them already.
#[test]
fn descriptors_of_windows_are_stored_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win10-largedir-compressed.vol.raw.xz", folder.path()) else {
        return;
    };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let sds = volume.find("$Secure").expect("a lookup").expect("found");
    let used = |volume: &Volume| {
        let size = volume.stream_size(sds, "$SDS").expect("a size").expect("a stream");
        let mut bytes = vec![0; size as usize];
        let read = volume.read_at(sds, "$SDS", 0, &mut bytes).expect("read");
        bytes.truncate(read);
        bytes
    };
    let root = volume.root();
    let (mut folders, mut texts) = (vec![root], Vec::new());
    while let Some(at) = folders.pop() {
        for entry in volume.read_directory(at).expect("a listing") {
            texts.push(text(&volume, entry.reference));
            if entry.is_directory {
                folders.push(entry.reference);
            }
        }
    }
    texts.sort_unstable();
    texts.dedup();
    // Nothing is inherited here that a text could leave out.
    let zone = volume.create_directory(root, "zone").expect("a folder");
    volume.set_security(zone, &read("D:P(A;OICI;FA;;;BA)S:")).expect("set");
    let plain = read("D:P(A;;FA;;;BA)");
    volume.create_file_with(zone, "plain", 0, Some(&plain)).expect("a file");
    let was = used(&volume);
    for (number, given) in texts.iter().enumerate() {
        let file = volume
            .create_file_with(zone, &format!("given {number}"), 0, Some(&read(given)))
            .expect("a file");
        assert_eq!(text(&volume, file), *given);
        let name = format!("set {number}");
        let file = volume.create_file_with(zone, &name, 0, Some(&plain)).expect("a file");
        volume.set_security(file, &read(given)).expect("set");
        assert_eq!(text(&volume, file), *given);
    }
    eprintln!("{} descriptors", texts.len());
    volume.flush().expect("flushed");
    // What a new file inherits before its parts are replaced is not stored.
    assert!(used(&volume) == was, "the store has not changed");
    drop(volume);
    check_all(&image, Some(&before), "descriptors given again");
}
