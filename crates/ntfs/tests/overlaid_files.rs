//! Files that the Windows overlay filter compressed: told apart, never returned as their empty shell, replaced whole.

use winkiln_ntfs::Error;

use crate::{
    images,
    judges::Mount,
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
        std::fs::write(&file, script).expect("written");
        images::shell(&format!("python3 '{}' '{}'", file.display(), mount.path().display()));
    }
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let file = volume.find(r"System32\NOTEPAD.EXE").expect("a lookup").expect("found");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!((facts.size, facts.reparse_tag), (200_000, Some(0x8000_0017)));
    let refused = volume.read_at(file, "", 0, &mut [0; 16]);
    assert!(matches!(refused, Err(Error::WofCompressed { .. })), "{refused:?}");
    let refused = volume.write_at(file, "", 0, b"x");
    assert!(matches!(refused, Err(Error::WofCompressed { .. })), "{refused:?}");
    let refused = volume.set_size(file, "", 10);
    assert!(matches!(refused, Err(Error::WofCompressed { .. })), "{refused:?}");
    volume.set_size(file, "", 0).expect("emptied");
    volume.write_at(file, "", 0, &[b'M'; 30_000]).expect("replaced");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!((facts.size, facts.reparse_tag, facts.streams.len()), (30_000, None, 1));
    assert_eq!(facts.attributes & 0x600, 0);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "replaced");
}
