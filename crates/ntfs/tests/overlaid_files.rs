//! Files that the Windows overlay filter compressed: unpacked, never returned as their empty shell, replaced whole; for editing them see
//! `packed_edits`. The packer is wimlib's, whose resources are laid out like the filter's stream.

use std::{fs, path::Path, sync::atomic::Ordering};

use winkiln_ntfs::{Error, FileReference, OpenOptions, Volume};

use crate::{
    device::FileDevice,
    images::{self, Image},
    judges::Mount,
    model::Random,
    write_volumes::{check_all, copy, open_for_writing},
};

#[test]
fn overlaid_files_are_refused_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    {
        let Some(mount) = Mount::new(&image, "rw,streams_interface=windows") else { return };
        // The reparse data of a file packed with XPRESS 4K; the stream's bytes do not matter here.
        let script = "
import os, struct, sys
os.chdir(sys.argv[1])
os.mkdir('System32')
path = 'System32/notepad.exe'
with open(path, 'wb') as f:
    f.truncate(200000)
with open(path + ':WofCompressedData', 'wb') as f:
    f.write(os.urandom(90000))
data = struct.pack('<IIII', 1, 2, 1, 0)
os.setxattr(path, 'system.ntfs_reparse_data', struct.pack('<IHH', 0x80000017, len(data), 0) + data)
";
        let file = folder.path().join("make.py");
        fs::write(&file, script).expect("written");
        images::shell(&format!("python3 '{}' '{}'", file.display(), mount.path().display()));
    }
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let file = volume.find(r"System32\NOTEPAD.EXE").expect("a lookup").expect("found");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!((facts.size, facts.reparse_tag), (200_000, Some(0x8000_0017)));
    let refused = volume.read_at(file, "", 0, &mut [0; 16]);
    assert!(
        matches!(refused, Err(Error::Damaged { .. })),
        "random bytes are no chunks: {refused:?}"
    );
    let refused = volume.write_at(file, "", 0, b"x");
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
    let refused = volume.set_size(file, "", 10);
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
    // Names come and go as those of other files; the folders go on knowing the reparse point.
    let (root, system) = (volume.root(), find(&volume, "System32"));
    volume.link(file, root, "second.exe").expect("linked");
    volume.rename(system, "notepad.exe", system, "Notepad (packed).exe", false).expect("renamed");
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "renamed");
    let entries = [volume.read_directory(root), volume.read_directory(system)].map(Result::unwrap);
    let attributes = |entries: &Vec<winkiln_ntfs::DirectoryEntry>| {
        entries.iter().find(|entry| entry.reference == file).map(|entry| entry.attributes & 0x600)
    };
    assert_eq!(entries.each_ref().map(attributes), [Some(0x600); 2]);
    volume.set_size(file, "", 0).expect("emptied");
    volume.write_at(file, "", 0, &[b'M'; 30_000]).expect("replaced");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!((facts.size, facts.reparse_tag, facts.streams.len()), (30_000, None, 1));
    assert_eq!(facts.attributes & 0x600, 0);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "replaced");
}

/// How files are packed: wimlib's options, the algorithm's number, bytes per chunk.
pub(crate) const ALGORITHMS: [(&str, u32, usize); 4] = [
    ("--compress=XPRESS --chunk-size=4K", 0, 4 << 10),
    ("--compress=LZX --chunk-size=32K", 1, 32 << 10),
    ("--compress=XPRESS --chunk-size=8K", 2, 8 << 10),
    ("--compress=XPRESS --chunk-size=16K", 3, 16 << 10),
];

/// Contents of every kind, each of its own length.
pub(crate) fn contents(random: &mut Random) -> Vec<(String, Vec<u8>)> {
    let words =
        ["kernel", "Windows", "of", "the", "driver", "and", "0x7ffe", "service", "\r\n", "="];
    let mut text = |length: usize| {
        let mut text = Vec::new();
        while text.len() < length {
            text.extend_from_slice(words[random.below(words.len() as u64) as usize].as_bytes());
            text.push(b' ');
        }
        text.truncate(length);
        text
    };
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for length in [1, 2, 11, 300, 4095, 4096, 4097, 8193, 16385, 32768, 32769, 65537, 300_001] {
        all.push((format!("text {length}"), text(length)));
    }
    all.push(("incompressible".to_owned(), random.bytes(100_003)));
    let mixed = (0..40).flat_map(|turn| match turn % 3 {
        0 => vec![turn; 10_000],
        1 => random.bytes(9_000),
        _ => b"calls \xe8\x10\x00\x00\x00 ".repeat(700),
    });
    all.push(("mixed".to_owned(), mixed.collect()));
    all.push(("zeros".to_owned(), vec![0; 1 << 20]));
    let mut programs: Vec<_> = fs::read_dir("/usr/bin").expect("programs").flatten().collect();
    programs.sort_by_key(fs::DirEntry::file_name);
    let mut joined = Vec::new();
    for program in programs {
        let Ok(bytes) = fs::read(program.path()) else { continue };
        if !bytes.starts_with(b"\x7fELF") || bytes.len() > 2 << 20 || joined.len() >= 5 << 20 {
            continue;
        }
        joined.extend_from_slice(&bytes);
        if all.iter().all(|(_, other)| other.len() != bytes.len()) && all.len() < 26 {
            all.push((program.file_name().to_string_lossy().into_owned(), bytes));
        }
    }
    joined.truncate(5 << 20);
    all.push(("five MiB".to_owned(), joined));
    all
}

/// The streams as the overlay filter would have them, by name: taken out of an image that wimlib packs.
fn pack(
    folder: &Path,
    files: &[(String, Vec<u8>)],
    options: &str,
    chunk: usize,
) -> Vec<(String, Vec<u8>)> {
    let source = folder.join("source");
    let _ = fs::remove_dir_all(&source);
    fs::create_dir(&source).expect("a folder");
    for (name, bytes) in files {
        fs::write(source.join(name), bytes).expect("written");
    }
    let wim = folder.join("packed.wim");
    let (from, to) = (source.display(), wim.display());
    images::shell(&format!("rm -f '{to}'; wimcapture '{from}' '{to}' {options} --no-acls 2>&1"));
    let image = fs::read(&wim).expect("the image");
    let listing = images::shell(&format!("wiminfo '{to}' --blobs"));
    let blobs: Vec<(usize, usize, usize, bool)> = listing
        .split("\n\n")
        .filter_map(|blob| {
            let field = |name: &str| {
                let line = blob.lines().find(|line| line.starts_with(name))?;
                line.split_once('=').map(|(_, value)| value.trim().to_owned())
            };
            let number = |name| field(name)?.trim_end_matches(" bytes").parse().ok();
            let packed = field("Flags")?.contains("COMPRESSED");
            Some((
                number("Uncompressed size")?,
                number("Compressed size")?,
                number("Offset in WIM")?,
                packed,
            ))
        })
        .collect();
    let stream = |bytes: &Vec<u8>| {
        let blob = blobs.iter().find(|(size, ..)| *size == bytes.len()).expect("a blob");
        let (_, length, offset, is_packed) = *blob;
        if is_packed {
            return image[offset..offset + length].to_vec();
        }
        // Nothing to gain: wimlib leaves the table out; the filter's stream would have chunks stored as they are.
        let offsets = (chunk..bytes.len()).step_by(chunk);
        let mut stream: Vec<u8> = offsets.flat_map(|at| (at as u32).to_le_bytes()).collect();
        stream.extend_from_slice(bytes);
        stream
    };
    files.iter().map(|(name, bytes)| (name.clone(), stream(bytes))).collect()
}

/// Makes overlaid files on a volume: name, length, numbers of the reparse data, the stream.
fn lay_over(
    image: &Image,
    folder: &Path,
    files: &[(String, usize, [u32; 4], Vec<u8>)],
) -> Option<()> {
    let streams = folder.join("streams");
    let _ = fs::remove_dir_all(&streams);
    fs::create_dir(&streams).expect("a folder");
    let mut list = String::new();
    for (number, (name, size, [a, b, c, d], stream)) in files.iter().enumerate() {
        fs::write(streams.join(number.to_string()), stream).expect("written");
        list += &format!("{a} {b} {c} {d} {size} {number} {name}\n");
    }
    fs::write(streams.join("list"), list).expect("written");
    let script = "
import os, struct, sys
for line in open(sys.argv[1] + '/list'):
    *numbers, size, number, name = line.rstrip('\\n').split(' ', 6)
    path = sys.argv[2] + '/' + name
    with open(path, 'wb') as f:
        f.truncate(int(size))
    with open(path + ':WofCompressedData', 'wb') as f:
        f.write(open(sys.argv[1] + '/' + number, 'rb').read())
    data = struct.pack('<IIII', *map(int, numbers))
    data = struct.pack('<IHH', 0x80000017, len(data), 0) + data
    os.setxattr(path, 'system.ntfs_reparse_data', data)
";
    let mount = Mount::new(image, "rw,streams_interface=windows")?;
    let file = folder.join("lay_over.py");
    fs::write(&file, script).expect("written");
    images::shell(&format!(
        "python3 '{}' '{}' '{}'",
        file.display(),
        streams.display(),
        mount.path().display()
    ));
    Some(())
}

/// A volume with files packed in one way.
pub(crate) fn packed_volume(
    folder: &Path,
    files: &[(String, Vec<u8>)],
    (options, number, chunk): (&str, u32, usize),
    cluster: u64,
) -> Option<Image> {
    if !images::tool("wimcapture") {
        return None;
    }
    let image = images::mkntfs(folder, 64 << 20, cluster, "")?;
    let streams = pack(folder, files, options, chunk);
    let laid: Vec<_> = files
        .iter()
        .zip(streams)
        .map(|((name, bytes), (_, stream))| (name.clone(), bytes.len(), [1, 2, 1, number], stream))
        .collect();
    lay_over(&image, folder, &laid)?;
    Some(image)
}

fn find(volume: &Volume, name: &str) -> FileReference {
    volume.find(name).expect("a lookup").unwrap_or_else(|| panic!("{name} is lost"))
}

/// Reads a stream to its end in pieces.
pub(crate) fn read_all(
    volume: &Volume,
    file: FileReference,
    piece: usize,
) -> Result<Vec<u8>, Error> {
    let (mut all, mut buf) = (Vec::new(), vec![0; piece]);
    loop {
        match volume.read_at(file, "", all.len() as u64, &mut buf)? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buf[..read]),
        }
    }
}

fn reads_as_before_packing(packing: (&str, u32, usize), cluster: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(0xf11e5 + u64::from(packing.1));
    let files = contents(&mut random);
    let Some(image) = packed_volume(folder.path(), &files, packing, cluster) else { return };
    let device = FileDevice::open(&image.path, 0, None, false);
    let volume = Volume::open(device.clone(), OpenOptions::default()).expect("opened");
    for (name, bytes) in &files {
        let file = find(&volume, name);
        assert_eq!(volume.metadata(file).expect("facts").reparse_tag, Some(0x8000_0017), "{name}");
        assert_eq!(volume.stream_size(file, "").expect("a size"), Some(bytes.len() as u64));
        for piece in [1 << 18, 5000] {
            let read = read_all(&volume, file, piece).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(read == *bytes, "{name} differs, read in pieces of {piece}");
        }
        for _ in 0..40 {
            let offset = random.below(bytes.len() as u64) as usize;
            let mut buf = vec![0; 1 + random.below(50_000) as usize];
            let read = volume.read_at(file, "", offset as u64, &mut buf).expect("a range");
            assert_eq!(read, buf.len().min(bytes.len() - offset), "{name} at {offset}");
            assert!(buf[..read] == bytes[offset..offset + read], "{name} at {offset}");
        }
        assert_eq!(volume.read_at(file, "", bytes.len() as u64, &mut [0; 9]).expect("the end"), 0);
    }
    // A small range costs a chunk, not the file.
    let file = find(&volume, "five MiB");
    let before = device.bytes_read.load(Ordering::Relaxed);
    volume.read_at(file, "", 3_000_000, &mut [0; 100]).expect("a range");
    let cost = device.bytes_read.load(Ordering::Relaxed) - before;
    assert!(cost < 3 * packing.2 as u64 + 40_000, "{cost} bytes read");
}

#[test]
fn xpress_in_chunks_of_4_kib() {
    reads_as_before_packing(ALGORITHMS[0], 4096);
}

#[test]
fn lzx_in_chunks_of_32_kib() {
    reads_as_before_packing(ALGORITHMS[1], 4096);
}

#[test]
fn xpress_in_chunks_of_8_kib() {
    reads_as_before_packing(ALGORITHMS[2], 512);
}

#[test]
fn xpress_in_chunks_of_16_kib() {
    reads_as_before_packing(ALGORITHMS[3], 65536);
}

/// Damaged streams: an error or some bytes, always in bounded time; and the file is again what it was when the bytes are.
#[test]
fn damaged_chunks_are_errors() {
    for packing in ALGORITHMS {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random(0xbad + u64::from(packing.1));
        let mut files = contents(&mut random);
        files.retain(|(_, bytes)| (4097..400_000).contains(&bytes.len()));
        files.truncate(9);
        let Some(image) = packed_volume(folder.path(), &files, packing, 4096) else { return };
        let mut volume = open_for_writing(&image);
        let (mut errors, mut other, mut same) = (0, 0, 0);
        for turn in 0..600 {
            let (name, bytes) = &files[random.below(files.len() as u64) as usize];
            let file = find(&volume, name);
            let stream = "WofCompressedData";
            let size = volume.stream_size(file, stream).expect("a size").expect("a stream");
            // The table, the beginning of a chunk, anything.
            let limit = [40, 700, size][turn % 3].min(size);
            let length = (1 + random.below(6)).min(limit);
            let at = random.below(limit - length + 1);
            let mut was = vec![0; length as usize];
            volume.read_at(file, stream, at, &mut was).expect("the stream");
            volume.write_at(file, stream, at, &random.bytes(was.len())).expect("damaged");
            match read_all(&volume, file, 1 << 16) {
                Ok(read) if read == *bytes => same += 1,
                Ok(read) => {
                    assert_eq!(read.len(), bytes.len(), "{name}");
                    other += 1;
                }
                Err(Error::Damaged { .. }) => errors += 1,
                Err(error) => panic!("{name}: {error:?}"),
            }
            volume.write_at(file, stream, at, &was).expect("mended");
        }
        assert!(errors > 100, "{errors} errors, {other} read otherwise, {same} read the same");
        for (name, bytes) in &files {
            let file = find(&volume, name);
            assert!(read_all(&volume, file, 1 << 16).expect("mended") == *bytes, "{name}");
            let stream = "WofCompressedData";
            let size = volume.stream_size(file, stream).expect("a size").expect("a stream");
            for cut in [1, size / 2, size - 1] {
                volume.set_size(file, stream, size - cut).expect("cut");
                match read_all(&volume, file, 1 << 16) {
                    // The last word of a chunk may hold nothing.
                    Ok(read) => assert!(cut == 1 && read == *bytes, "{name} without {cut} bytes"),
                    Err(Error::Damaged { .. }) => {}
                    Err(error) => panic!("{name}: {error:?}"),
                }
            }
        }
    }
}

/// What is not known is refused: files backed by an image, other versions, other algorithms, no stream.
#[test]
fn other_overlays_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let kinds = [[1, 1, 1, 0], [2, 2, 1, 0], [1, 2, 2, 0], [1, 2, 1, 4], [1, 2, 1, u32::MAX]];
    let files: Vec<_> =
        kinds.iter().map(|kind| (format!("{kind:?}"), 100, *kind, vec![7; 100])).collect();
    if lay_over(&image, folder.path(), &files).is_none() {
        return;
    }
    let volume = crate::read_real_volumes::open(&image);
    for (name, ..) in &files {
        let refused = volume.read_at(find(&volume, name), "", 0, &mut [0; 10]);
        assert!(matches!(refused, Err(Error::WofCompressed { .. })), "{name}: {refused:?}");
    }
    let mut volume = open_for_writing(&image);
    let file = find(&volume, &files[0].0);
    volume.remove_stream(file, "WofCompressedData").expect("removed");
    let refused = volume.read_at(file, "", 0, &mut [0; 10]);
    assert!(matches!(refused, Err(Error::WofCompressed { .. })), "{refused:?}");
}

/// From 4 GiB on the table's entries are twice as wide.
#[test]
fn files_of_more_than_4_gib_have_wide_tables() {
    const CHUNK: usize = 32 << 10;
    let folder = tempfile::tempdir().expect("a folder");
    if !images::tool("wimcapture") {
        return;
    }
    let Some(image) = images::mkntfs(folder.path(), 64 << 20, 4096, "") else { return };
    let kinds = [b'a', b'b'].map(|byte| (format!("{}", byte as char), [byte, b'.'].repeat(CHUNK)));
    let kinds = [kinds[0].clone(), (kinds[1].0.clone(), [&kinds[1].1[..], b"more"].concat())];
    let packed = pack(folder.path(), &kinds, ALGORITHMS[1].0, CHUNK);
    // The first of two or three chunks.
    let first = |stream: &[u8], chunks: usize| {
        let table = 4 * (chunks - 1);
        let end = u32::from_le_bytes(*stream.first_chunk().expect("an entry")) as usize;
        stream[table..table + end].to_vec()
    };
    let (common, special) = (first(&packed[0].1, 2), first(&packed[1].1, 3));
    let count = (1 << 17) + 1;
    let (mut table, mut chunks) = (Vec::new(), Vec::new());
    for number in 0..count - 1 {
        chunks.extend_from_slice(if number == count - 3 { &special } else { &common });
        table.extend_from_slice(&(chunks.len() as u64).to_le_bytes());
    }
    let stream = [table, chunks, b"!".to_vec()].concat();
    let size = (1 << 32) + 1;
    lay_over(&image, folder.path(), &[("large".to_owned(), size, [1, 2, 1, 1], stream)]);
    let volume = crate::read_real_volumes::open(&image);
    let file = find(&volume, "large");
    let mut buf = vec![0; 3 * CHUNK];
    let start = (count as u64 - 4) * CHUNK as u64 + 2;
    assert_eq!(volume.read_at(file, "", start, &mut buf).expect("read"), 3 * CHUNK - 1);
    let expected =
        [&kinds[0].1[2..CHUNK], &kinds[1].1[..CHUNK], &kinds[0].1[..CHUNK], b"!"].concat();
    assert!(buf[..3 * CHUNK - 1] == expected);
    assert_eq!(volume.read_at(file, "", 1 << 32, &mut buf).expect("read"), 1);
    assert_eq!(buf[0], b'!');
}
