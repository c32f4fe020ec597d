//! Empty disks, formatted by other programs.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::guest::Guest;

/// Bytes of the NTFS volume.
const NTFS: u64 = 40 << 20;
const SECTOR: u64 = 512;
/// Sectors before the first partition.
pub(crate) const FIRST: u64 = 2048;
/// Sectors of the EFI system partition: FAT16.
const ESP: u64 = 16384;
/// Signature of MBR disks.
pub(crate) const SIGNATURE: u32 = 0x5CA1_AB1E;
/// GUIDs of GPT disks, as `sfdisk` takes them.
const DISK_GUID: &str = "11111111-2222-3333-4444-555555555555";
const PARTITION_GUID: &str = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE";

/// True when every program is there; otherwise says so, or fails where they are required.
pub(crate) fn have_tools() -> bool {
    let path = path();
    let missing: Vec<&str> = ["mkntfs", "mkfs.fat", "sfdisk"]
        .into_iter()
        .filter(|tool| !path.split(':').any(|folder| Path::new(folder).join(tool).is_file()))
        .collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "no {missing:?}");
        eprintln!("SKIPPED: no {missing:?}");
    }
    missing.is_empty()
}

fn path() -> String {
    format!("/usr/sbin:/usr/bin:/sbin:/bin:{}", std::env::var("PATH").unwrap_or_default())
}

fn run(program: &str, args: &[&str], input: Option<&Path>) {
    let input = input.map_or_else(Stdio::null, |file| File::open(file).unwrap().into());
    let output = Command::new(program)
        .args(args)
        .env("PATH", path())
        .stdin(input)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {text}");
}

/// One active NTFS partition, with boot code that is none.
pub(crate) fn mbr(image: &Path) {
    let table = format!("label: dos\nlabel-id: {SIGNATURE:#x}\n{FIRST},,7,*\n");
    partition(image, FIRST * SECTOR + NTFS, &table);
    let disk = File::options().write(true).open(image).unwrap();
    disk.write_all_at(&[0x33, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x7C], 0).unwrap();
    ntfs(image, FIRST);
}

/// An EFI system partition and an NTFS partition: volumes 1 and 2.
pub(crate) fn gpt(image: &Path) {
    let second = format!("start={},size={}", FIRST + ESP, NTFS / SECTOR);
    let data = "type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
    let table = format!(
        "label: gpt\nlabel-id: {DISK_GUID}\n{FIRST},{ESP},U\n{second},{data},uuid={PARTITION_GUID}\n"
    );
    partition(image, (2 * FIRST + ESP) * SECTOR + NTFS, &table);
    let esp = image.with_extension("esp");
    File::create(&esp).unwrap().set_len(ESP * SECTOR).unwrap();
    let hidden = FIRST.to_string();
    run("mkfs.fat", &["-F", "16", "-s", "1", "-h", &hidden, esp.to_str().unwrap()], None);
    put_in(image, &esp, FIRST);
    ntfs(image, FIRST + ESP);
}

fn partition(image: &Path, bytes: u64, table: &str) {
    File::create(image).unwrap().set_len(bytes).unwrap();
    let script = image.with_extension("table");
    fs::write(&script, table).unwrap();
    run("sfdisk", &["-q", image.to_str().unwrap()], Some(&script));
}

fn ntfs(image: &Path, start: u64) {
    let volume = image.with_extension("ntfs");
    File::create(&volume).unwrap().set_len(NTFS).unwrap();
    let start_text = start.to_string();
    run(
        "mkntfs",
        &["-F", "-Q", "-q", "-p", &start_text, "-H", "16", "-S", "63", volume.to_str().unwrap()],
        None,
    );
    put_in(image, &volume, start);
}

/// Copies what is not zero of a volume into its place.
fn put_in(image: &Path, volume: &Path, start: u64) {
    let bytes = fs::read(volume).unwrap();
    let disk = File::options().write(true).open(image).unwrap();
    write_sparse(&disk, &bytes, start * SECTOR);
    fs::remove_file(volume).unwrap();
}

/// Writes what is not zero.
pub(crate) fn write_sparse(disk: &File, bytes: &[u8], start: u64) {
    for (number, page) in bytes.chunks(4096).enumerate() {
        if page.iter().any(|byte| *byte != 0) {
            disk.write_all_at(page, start + number as u64 * 4096).unwrap();
        }
    }
}

/// What cloning a disk changes.
pub(crate) fn give_new_identity(image: &Path, gpt: bool) {
    let image = image.to_str().unwrap();
    if !gpt {
        run("sfdisk", &["-q", "--disk-id", image, "0x0badcafe"], None);
        return;
    }
    run("sfdisk", &["-q", "--disk-id", image, "99999999-2222-3333-4444-555555555555"], None);
    for (number, guid) in [
        ("1", "77777777-BBBB-CCCC-DDDD-EEEEEEEEEEEE"),
        ("2", "88888888-BBBB-CCCC-DDDD-EEEEEEEEEEEE"),
    ] {
        run("sfdisk", &["-q", "--part-uuid", image, number, guid], None);
    }
}

/// Writes bytes of the disk itself.
pub(crate) fn poke(image: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(image).unwrap().write_all_at(bytes, at).unwrap();
}

/// Writes bytes into the boot sector of the first partition of an MBR disk, and into its copy.
pub(crate) fn poke_boot_sector(image: &Path, at: u64, bytes: &[u8]) {
    poke(image, FIRST * SECTOR + at, bytes);
    poke(image, FIRST * SECTOR + NTFS - SECTOR + at, bytes);
}

/// What `MountedDevices` has for a partition, as the partition table read by its bytes tells.
pub(crate) fn mounted_device(image: &Path, number: u32) -> Vec<u8> {
    let disk = File::open(image).unwrap();
    let read = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        disk.read_exact_at(&mut bytes, at).unwrap();
        bytes
    };
    if read(512, 8) == b"EFI PART" {
        // The second sector of the table's head is followed by entries of 128 bytes; the GUID of its own is the second in each.
        let at = 1024 + u64::from(number - 1) * 128 + 16;
        return [b"DMIO:ID:".to_vec(), read(at, 16)].concat();
    }
    let start = read(446 + u64::from(number - 1) * 16 + 8, 4);
    let start = u32::from_le_bytes(start.try_into().unwrap());
    [read(440, 4), (u64::from(start) * 512).to_le_bytes().to_vec()].concat()
}

/// Damages the records of files by one name, on the NTFS volume: whether they are there cannot be told any more.
pub(crate) fn damage_files(image: &Path, name: &str) {
    const RECORD: usize = 1024;
    let bytes = fs::read(image).unwrap();
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let is_file = |record: &[u8]| record.starts_with(b"FILE") && record[0x16] == 1;
    let mut damaged = 0;
    for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
        if is_file(record) && record.windows(name.len()).any(|part| part == name) {
            poke(image, (number * RECORD) as u64, b"BAAD");
            damaged += 1;
        }
    }
    assert!(damaged > 0);
}

/// Makes the copy of a boot sector that of another volume, whose file table begins elsewhere.
pub(crate) fn give_another_copy(guest: &Guest) -> bool {
    let image = File::open(guest.image()).unwrap();
    let mut sector = [0; 512];
    image.read_exact_at(&mut sector, FIRST * SECTOR).unwrap();
    let sectors = u64::from_le_bytes(sector[0x28..0x30].try_into().unwrap());
    poke(&guest.image(), (FIRST + sectors) * SECTOR + 0x30, &[sector[0x30] ^ 1]);
    true
}
