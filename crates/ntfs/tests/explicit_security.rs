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
    let expected = "O:SYG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;SY)S:AI(ML;;NW;;;HI)";
    assert_eq!(text(&volume, owned), expected, "CREATOR OWNER is the owner that is given");
    let listed =
        volume.create_file_with(at, "listed", 0, Some(&read("D:P(A;;GA;;;WD)"))).expect("a file");
    assert_eq!(text(&volume, listed), "O:BAG:SYD:P(A;;FA;;;WD)");
    // A list that is not protected gets what the folder passes on behind its own entries, for the owner that the file has.
    let open = read("O:BUD:AR(D;;GW;;;AN)S:(ML;;NW;;;HI)");
    let open = volume.create_file_with(at, "open", 0, Some(&open)).expect("a file");
    let expected = "O:BUG:SYD:AI(D;;FW;;;AN)(A;ID;FA;;;SY)(A;ID;FA;;;BU)S:AI(ML;;NW;;;HI)";
    assert_eq!(text(&volume, open), expected);
    volume.set_security(open, Some(at), &read("D:")).expect("set");
    assert_eq!(text(&volume, open), expected.replace("(D;;FW;;;AN)", ""));
    let marked = read("D:AI(A;;FA;;;WD)");
    let marked = volume.create_file_with(at, "marked", 0, Some(&marked)).expect("a file");
    assert_eq!(text(&volume, marked), "O:BAG:SYD:AI(A;;FA;;;WD)");
    volume.set_security(marked, Some(at), &read("D:NO_ACCESS_CONTROL")).expect("set");
    assert_eq!(text(&volume, marked), "O:BAG:SYD:NO_ACCESS_CONTROL");
    // The next plain file inherits as before.
    let again = volume.create_file(at, "again", 0).expect("a file");
    assert_eq!(text(&volume, again), format!("O:BAG:SY{inherited}"));

    // Changing: the parts that are given. What lies below stays.
    volume.set_security(at, Some(root), &read("D:P(A;OICI;FA;;;BA)")).expect("set");
    assert_eq!(text(&volume, at), "O:BAG:SYD:P(A;OICI;FA;;;BA)");
    assert_eq!(text(&volume, plain), format!("O:BAG:SY{inherited}"));
    let new = volume.create_file(at, "new", 0).expect("a file");
    assert_eq!(text(&volume, new), "O:BAG:SYD:(A;;FA;;;BA)");
    volume.set_security(plain, Some(at), &read("O:BUG:BU")).expect("set");
    assert_eq!(text(&volume, plain), format!("O:BUG:BU{inherited}"));
    // The root, which mkntfs gives a descriptor of its own.
    volume.set_security(root, None, &read("D:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)")).expect("set");
    let fresh = volume.create_directory(root, "fresh").expect("a folder");
    assert_eq!(text(&volume, fresh), "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)");
    let refused =
        volume.set_security(volume.find("$Extend").expect("a lookup").expect("found"), None, &top);
    assert!(matches!(refused, Err(Error::SystemFile { .. })));
    let refused = volume.set_security(plain, Some(at), &[1, 0, 4]);
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
    volume.set_security(zone, Some(root), &read("D:P(A;OICI;FA;;;BA)S:")).expect("set");
    let plain = read("D:P(A;;FA;;;BA)");
    volume.create_file_with(zone, "plain", 0, Some(&plain)).expect("a file");
    let was = used(&volume);
    for (number, given) in texts.iter().enumerate() {
        // What says itself whether it inherits is taken as it is.
        let list = given.split_once("D:").map_or("", |(_, list)| list);
        let list = list.split_once("S:").map_or(list, |(list, _)| list);
        if (list.contains("ID;") || list.starts_with('P') || list.starts_with("AI"))
            && !list.contains("S:(")
        {
            let file = volume
                .create_file_with(zone, &format!("given {number}"), 0, Some(&read(given)))
                .expect("a file");
            assert_eq!(text(&volume, file), *given);
        }
        let name = format!("set {number}");
        let file = volume.create_file_with(zone, &name, 0, Some(&plain)).expect("a file");
        volume.set_security(file, None, &read(given)).expect("set");
        assert_eq!(text(&volume, file), *given);
    }
    eprintln!("{} descriptors", texts.len());
    volume.flush().expect("flushed");
    // What a new file inherits before its parts are replaced is not stored.
    assert!(used(&volume) == was, "the store has not changed");
    drop(volume);
    check_all(&image, Some(&before), "descriptors given again");
}

/// Below a folder: what inherits gets the new entries, what has entries of its own keeps them, what is protected stays with all below.
#[test]
fn a_descriptor_is_passed_on_to_what_lies_below() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let first = read("D:P(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)");
    let top = volume.create_directory_with(root, "top", Some(&first)).expect("a folder");
    let folder = volume.create_directory(top, "folder").expect("a folder");
    let deep = volume.create_file(folder, "deep", 0).expect("a file");
    let own = read("O:BUD:(A;;FR;;;WD)");
    let own = volume.create_file_with(folder, "own", 0, Some(&own)).expect("a file");
    let locked = read("D:P(A;OICI;FA;;;BA)S:(AU;OICISA;FA;;;WD)");
    let locked = volume.create_directory_with(folder, "locked", Some(&locked)).expect("a folder");
    let inside = volume.create_file(locked, "inside", 0).expect("a file");
    let null = read("D:NO_ACCESS_CONTROL");
    let null = volume.create_file_with(top, "null", 0, Some(&null)).expect("a file");
    for number in 0..200 {
        volume.create_file(top, &format!("one of many {number}"), 0).expect("a file");
    }
    let files = [top, folder, deep, own, locked, inside, null];
    let texts = |volume: &Volume| files.map(|file| text(volume, file));
    let [.., was_locked, was_inside, was_null] = texts(&volume);

    let given = read("D:P(A;OICI;FA;;;BA)(A;CI;FR;;;BU)(A;OICIIO;GX;;;CO)");
    let changed = volume.set_security_below(top, Some(root), &given).expect("set");
    assert_eq!(changed, 203, "two folders, two files and many, but not what is protected or null");
    let expected = [
        "O:BAG:SYD:P(A;OICI;FA;;;BA)(A;CI;FR;;;BU)(A;OICIIO;GX;;;CO)",
        "O:BAG:SYD:AI(A;OICIID;FA;;;BA)(A;CIID;FR;;;BU)(A;ID;FX;;;BA)(A;OICIIOID;GX;;;CO)",
        "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FX;;;BA)",
        "O:BUG:SYD:AI(A;;FR;;;WD)(A;ID;FA;;;BA)(A;ID;FX;;;BU)",
        &was_locked,
        &was_inside,
        &was_null,
    ];
    assert_eq!(texts(&volume), expected);
    assert_eq!(volume.set_security_below(top, Some(root), &given).expect("set"), 0, "again");
    let many = volume.find("top/one of many 77").expect("a lookup").expect("found");
    assert_eq!(text(&volume, many), expected[2]);

    // An owner is that of all below, and what CREATOR OWNER stands for is worked out where lists are passed on.
    let given = read("O:BUD:P(A;OICIIO;FA;;;CO)S:(ML;OICI;NW;;;HI)");
    assert_eq!(volume.set_security_below(top, Some(root), &given).expect("set"), 206);
    let who = "O:BUG:SY";
    let label = "S:AI(ML;ID;NW;;;HI)";
    assert_eq!(text(&volume, deep), format!("{who}D:AI(A;ID;FA;;;BU){label}"));
    assert_eq!(
        text(&volume, inside),
        format!("{who}D:(A;;FA;;;BA)S:AI(AU;IDSA;FA;;;WD)(ML;ID;NW;;;HI)")
    );
    assert_eq!(text(&volume, null), format!("{who}D:NO_ACCESS_CONTROL{label}"));
    // The root: its list is not marked, and what was made below it is not either.
    let open = read("D:(A;OICI;FA;;;WD)");
    volume.set_security(root, None, &open).expect("set");
    let plain = volume.create_directory(root, "plain").expect("a folder");
    assert_eq!(text(&volume, plain), "O:BAG:SYD:(A;OICI;FA;;;WD)");
    volume.set_security_below(root, None, &read("D:(A;OICI;FA;;;BA)")).expect("set");
    assert_eq!(text(&volume, plain), "O:BAG:SYD:AI(A;OICIID;FA;;;BA)");
    volume.flush().expect("flushed");
    let expected = texts(&volume);
    drop(volume);
    check_all(&image, Some(&before), "passed on");
    if images::tool("ntfssecaudit") {
        let audit = images::shell(&format!("ntfssecaudit -a {}", image.path.display()));
        assert!(audit.contains("No errors were found"), "{audit}");
    }
    if let Some(mount) = Mount::new(&image, "ro") {
        let paths = ["top", "top/folder", "top/folder/deep", "top/folder/own"];
        for (path, expected) in paths.iter().zip(expected) {
            let bytes = mount.attribute(path, "system.ntfs_acl");
            assert_eq!(to_sddl(&bytes).expect("text"), expected, "{path}");
        }
    }
}
