//! Volumes that Windows and others wrote, taken apart by The Sleuth Kit.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;
use winkiln_ntfs::index::Collation;

use super::memory_store::MemoryStore;

/// Bare volumes, most of them made by Windows.
pub(crate) const VOLUMES: [&str; 5] = [
    "ntfs/win-links-junction-ads.vol.raw.xz",
    "ntfs/win10-largedir-compressed.vol.raw.xz",
    "ntfs/win10-ads-attrlist.vol.raw.xz",
    "ntfs/linux-mkntfs-manysubdirs.vol.raw.xz",
    "ntfs/linux-ntfs3-attrlist.vol.raw.xz",
];

/// A file of the corpus, decompressed; `None`, loudly, without the corpus or the tools.
pub(crate) fn decompress(name: &str) -> Option<NamedTempFile> {
    let corpus = std::env::var_os("WINKILN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    for tool in ["xz", "icat", "istat"] {
        if Command::new(tool)
            .arg("-V")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            return skip(&format!("{tool} is not installed"));
        }
    }
    let Ok(packed) = File::open(corpus.join(name)) else {
        return skip(&format!("no {name} in {}", corpus.display()));
    };
    let unpacked = NamedTempFile::new().unwrap();
    let status = Command::new("xz")
        .arg("-dc")
        .stdin(packed)
        .stdout(unpacked.reopen().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "xz of {name}");
    Some(unpacked)
}

fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}

/// The bytes of an attribute of a file.
pub(crate) fn attribute(volume: &Path, record: u64, kind: &str, name: &str) -> Option<Vec<u8>> {
    let run = |tool: &str, what: &str| {
        Command::new(tool).args(["-f", "ntfs"]).arg(volume).arg(what).output().unwrap().stdout
    };
    let listing = String::from_utf8_lossy(&run("istat", &record.to_string())).into_owned();
    let line = listing.lines().find(|line| {
        line.contains(&format!("Type: {kind} ")) && line.contains(&format!("Name: {name} "))
    })?;
    let ids = line.split_once('(')?.1.split_once(')')?.0;
    Some(run("icat", &format!("{record}-{ids}")))
}

/// An index of a file, in memory.
pub(crate) fn load_index(
    volume: &Path,
    record: u64,
    name: &str,
    collation: Collation<'_>,
) -> Option<MemoryStore> {
    let root = attribute(volume, record, "$INDEX_ROOT", name)?;
    let word = |at: usize| u32::from_le_bytes(root[at..at + 4].try_into().unwrap());
    let (block_size, units) = (word(8), word(12));
    let mut store =
        MemoryStore::new(collation, block_size, block_size / units, root.len().max(0x200));
    let blocks = attribute(volume, record, "$INDEX_ALLOCATION", name).unwrap_or_default();
    let used = attribute(volume, record, "$BITMAP", name).unwrap_or_default();
    for (number, block) in blocks.chunks_exact(block_size as usize).enumerate() {
        if used[number / 8] & 1 << (number % 8) != 0 {
            let vcn = number as u64 * u64::from(units);
            store.blocks.insert(vcn, without_fixups(block));
            store.foreign.insert(vcn, true);
        }
    }
    store.root = root;
    Some(store)
}

fn without_fixups(block: &[u8]) -> Vec<u8> {
    let mut block = block.to_vec();
    let array = usize::from(u16::from_le_bytes([block[4], block[5]]));
    for piece in 1..=block.len() / 512 {
        let saved = [block[array + 2 * piece], block[array + 2 * piece + 1]];
        block[piece * 512 - 2..piece * 512].copy_from_slice(&saved);
    }
    block
}
