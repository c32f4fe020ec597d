//! Wrong and hostile input: a clear error, the right status, the image unchanged.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::time::Duration;

use crate::env::{Guest, command, hash, path, winkiln};

/// A qcow2 header of version 3: 64 KiB clusters, 1 GiB, tables in clusters 1 to 3, and a backing file when named.
fn qcow2(backing: &str) -> Vec<u8> {
    let mut bytes = vec![0; 4 << 16];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"QFI\xfb");
    put(4, &3u32.to_be_bytes());
    if !backing.is_empty() {
        put(8, &0x200u64.to_be_bytes());
        put(16, &(backing.len() as u32).to_be_bytes());
        put(0x200, backing.as_bytes());
    }
    put(20, &16u32.to_be_bytes());
    put(24, &(1u64 << 30).to_be_bytes());
    put(36, &2u32.to_be_bytes());
    put(40, &(1u64 << 16).to_be_bytes());
    put(48, &(2u64 << 16).to_be_bytes());
    put(56, &1u32.to_be_bytes());
    put(96, &4u32.to_be_bytes());
    put(100, &104u32.to_be_bytes());
    // The refcount table, its one block, and a count of 1 for each of the four clusters.
    put(2 << 16, &(3u64 << 16).to_be_bytes());
    for cluster in 0..4 {
        put((3 << 16) + cluster * 2, &1u16.to_be_bytes());
    }
    bytes
}

#[test]
fn what_is_not_an_image_is_an_error_and_stays_as_it_was() {
    let guest = Guest::new();
    let mut encrypted = qcow2("");
    encrypted[32..36].copy_from_slice(&2u32.to_be_bytes());
    let mut incompatible = qcow2("");
    incompatible[72..80].copy_from_slice(&(1u64 << 40).to_be_bytes());
    let rows: [(&str, Vec<u8>, i32, &str); 9] = [
        ("empty", Vec::new(), 1, "no Windows"),
        ("garbage", b"neither an image nor anything else ".repeat(4000), 1, "no Windows"),
        ("short-qcow2", qcow2("")[..40].to_vec(), 3, ""),
        ("cut-qcow2", qcow2("")[..70_000].to_vec(), 3, ""),
        ("blank-qcow2", qcow2(""), 1, "no Windows"),
        ("backing", qcow2("/etc/passwd"), 3, "/etc/passwd"),
        ("protocol", qcow2("nbd:unix:/run/x"), 3, "nbd:"),
        ("encrypted", encrypted, 3, "encrypt"),
        ("incompatible", incompatible, 3, ""),
    ];
    for (name, bytes, status, part) in rows {
        let image = guest.write(name, &bytes);
        let before = hash(image.as_ref());
        let apply = ["apply", &image, "--preset", "utc-clock"];
        winkiln(&apply).fails(status, &[name, part]);
        winkiln(&[&apply[..], &["--dry-run", "--json"]].concat()).fails(status, &[name, part]);
        // Looking is allowed where opening is.
        let look = winkiln(&["inspect", &image]);
        assert_eq!(
            look.status,
            if status == 3 { 3 } else { 0 },
            "{name}: {}{}",
            look.text(),
            look.err
        );
        assert_eq!(hash(image.as_ref()), before, "{name}");
    }
    let image = guest.write("backing", &qcow2("/etc/passwd"));
    winkiln(&["inspect", &image]).fails(3, &["hint: ", "--allow-backing /etc/passwd"]);
    let missing = guest.local("missing");
    winkiln(&["apply", &missing, "--preset", "rdp"]).fails(1, &["missing", "No such file"]);
    winkiln(&["inspect", &missing]).fails(1, &["missing", "No such file"]);
    winkiln(&["inspect", path(guest.dir.path())]).fails(1, &["neither a file nor a block device"]);
    let forced = |format| winkiln(&["inspect", guest.image(), "--format", format]);
    forced("vmdk").fails(3, &["vmdk", "does not begin as one"]);
    for format in ["vhd", "vhdx", "vdi"] {
        // It does not take it, or is not there.
        forced(format).fails(1, &[format, "qemu-nbd"]);
    }
}

#[test]
fn a_partition_past_the_end_is_shown_and_not_edited() {
    let guest = Guest::new();
    let file = File::options().write(true).open(guest.image()).unwrap();
    file.set_len(60 << 20).unwrap();
    let before = guest.hash();
    let shown = winkiln(&["inspect", guest.image(), "--json"]).json();
    assert_eq!(shown["volumes"][0]["length"], 95 << 20, "{shown}");
    assert!(!shown["warnings"].as_array().unwrap().is_empty(), "{shown}");
    assert_eq!(shown["volumes"][0]["state"]["clean"], false, "{shown}");
    let run = winkiln(&["apply", guest.image(), "--preset", "rdp"]);
    assert!(matches!(run.status, 1 | 3), "{} {}", run.status, run.err);
    assert!(run.err.starts_with("error: "), "{}", run.err);
    assert_eq!(guest.hash(), before);
}

#[test]
fn damage_is_refused() {
    // Where the volume's parts lie: the partition starts at 1 MiB; clusters have 4096 bytes.
    let rows: [(&str, u64, &[u8]); 2] = [
        ("boot sector", (1 << 20) + 0x0b, &[0; 8]),
        // The first file record: $MFT.
        ("file record", (1 << 20) + 4 * 4096, &[0; 64]),
    ];
    for (what, offset, bytes) in rows {
        let guest = Guest::new();
        let file = File::options().write(true).open(guest.image()).unwrap();
        file.write_all_at(bytes, offset).unwrap();
        let before = guest.hash();
        let local = guest.write("x", b"x");
        let run = winkiln(&["fs", "put", guest.image(), &local, r"\x", "--volume", "1"]);
        assert!(matches!(run.status, 1 | 3), "{what}: {} {}", run.status, run.err);
        assert!(run.err.starts_with("error: "), "{what}: {}", run.err);
        let look = winkiln(&["inspect", guest.image()]);
        assert_eq!(look.status, 0, "{what}: {}", look.err);
        assert_eq!(guest.hash(), before, "{what}");
    }
}

#[test]
fn a_damaged_hive_is_refused() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let good = fs::read(&hive).unwrap();
    let rows: [(&str, Vec<u8>, i32); 4] = [
        ("empty", Vec::new(), 3),
        ("cut in the base block", good[..1000].to_vec(), 3),
        ("cut in a bin", good[..6000].to_vec(), 3),
        ("text", b"not a hive".repeat(1000), 3),
    ];
    let mut dirty = good.clone();
    dirty[4] = dirty[4].wrapping_add(1);
    let sum = dirty[..508]
        .chunks(4)
        .fold(0, |sum, word| sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    dirty[508..512].copy_from_slice(&sum.to_le_bytes());
    let file = guest.write("dirty", &dirty);
    winkiln(&["reg", "add", "--hive", &file, r"\Site"]).fails(3, &["dirty", "reg repair"]);
    assert_eq!(fs::read(&file).unwrap(), dirty);
    // Whole, and no more is left of it.
    let config = r"\Windows\System32\config\SOFTWARE";
    winkiln(&["fs", "put", guest.image(), &file, config]).ok();
    let run = winkiln(&["reg", "add", guest.image(), r"HKLM\SOFTWARE\Site"]);
    assert!(run.err.contains("taken as it is"), "{}", run.err);
    run.ok();
    for (what, bytes, status) in rows {
        let file = guest.write("damaged", &bytes);
        winkiln(&["reg", "add", "--hive", &file, r"\Site"]).fails(status, &["damaged"]);
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}");
        // In an image too.
        drop(winkiln(&["fs", "put", guest.image(), &file, config]).ok());
        let before = guest.hash();
        winkiln(&["reg", "add", guest.image(), r"HKLM\SOFTWARE\Site"]).fails(status, &["SOFTWARE"]);
        assert_eq!(winkiln(&["inspect", guest.image()]).status, 0, "{what}");
        assert_eq!(guest.hash(), before, "{what}");
    }
}

#[test]
fn a_dirty_hive_can_be_looked_at_with_a_warning() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let mut bytes = fs::read(&hive).unwrap();
    bytes[4] = bytes[4].wrapping_add(1);
    let sum = bytes[..508]
        .chunks(4)
        .fold(0, |sum, word| sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
    fs::write(&hive, &bytes).unwrap();
    let run = winkiln(&["reg", "query", "--hive", &hive, r"\Microsoft"]);
    assert!(run.err.starts_with("warning: ") && run.err.contains("dirty"), "{}", run.err);
    assert!(run.ok().contains("Windows NT"));
}

#[test]
fn a_volume_without_room_stays_as_it_was() {
    let guest = Guest::new();
    let before = guest.hash();
    let big = guest.local("big");
    File::create(&big).unwrap().set_len(200 << 20).unwrap();
    let run = winkiln(&["fs", "put", guest.image(), &big, r"\big"]);
    assert!(
        run.err.contains("space") || run.err.contains("full") || run.err.contains("free"),
        "{}",
        run.err
    );
    run.fails(1, &["big"]);
    assert_eq!(guest.hash(), before);
}

/// Waits until the system knows of a lock on the file, and a little longer for the last of several.
fn is_locked_soon(file: &str) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = format!(":{} ", fs::metadata(file).unwrap().ino());
    (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        fs::read_to_string("/proc/locks").unwrap().contains(&inode)
    }) && {
        std::thread::sleep(Duration::from_millis(200));
        true
    }
}

#[test]
fn an_image_in_use_is_refused() {
    let guest = Guest::new();
    // Waits for its standard input with the image open.
    let mut holder = command(&["fs", "put", guest.image(), "-", r"\held.txt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(is_locked_soon(guest.image()), "the image is locked while it is open");
    winkiln(&["reg", "add", guest.image(), r"HKLM\SOFTWARE\InUse"]).fails(3, &["in use"]);
    let mut stdin = holder.stdin.take().unwrap();
    stdin.write_all(b"held").unwrap();
    drop(stdin);
    assert!(holder.wait().unwrap().success());
    assert_eq!(winkiln(&["fs", "cat", guest.image(), r"\held.txt"]).out, b"held");
}

#[test]
fn a_read_only_image_can_be_looked_at_only() {
    let guest = Guest::new();
    fs::set_permissions(guest.image(), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(guest.dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let before = guest.hash();
    // Root could write all the same, but whoever marked the image meant it.
    let add = ["reg", "add", guest.image(), r"HKLM\SOFTWARE\ReadOnly"];
    winkiln(&add).fails(1, &["guest.raw", "marked read-only"]);
    winkiln(&[&add[..], &["--dry-run"]].concat()).ok();
    drop(winkiln(&["inspect", guest.image()]).ok());
    assert_eq!(guest.hash(), before);
    fs::set_permissions(guest.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn names_in_an_image_cannot_steer_the_terminal() {
    let guest = Guest::new();
    let key = "HKLM\\SOFTWARE\\\u{1b}[31mred";
    drop(winkiln(&["reg", "add", guest.image(), key, "-v", "\u{7}", "-d", "\u{1b}[2J"]).ok());
    let text = winkiln(&["reg", "query", guest.image(), r"HKLM\SOFTWARE", "-s"]).ok();
    assert!(text.contains("red") && !text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
}
