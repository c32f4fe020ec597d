//! Containers of other hypervisors, which are looked through before QEMU opens them. An input is the format and the file.

use winkiln_disk::image::fuzz::extents;

/// Looks through a container: names of other files come from its own text.
pub fn run(data: &[u8]) {
    let Some((kind, file)) = data.split_first() else { return };
    let Some(names) = extents(kind % 2 == 0, file) else { return };
    let text = String::from_utf8_lossy(file);
    assert!(names.iter().all(|name| text.contains(name)));
}

/// A VMDK of each kind, and a VHD.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let text = "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n\
                RW 2048 FLAT \"disk-flat.vmdk\" 0\nRDONLY 5 ZERO\n";
    let flat = [&[0], text.as_bytes()].concat();
    let mut sparse = [b"\0KDMV\x01\0\0\0\x03\0\0\0".as_slice(), &4096_u64.to_le_bytes()].concat();
    for number in [128_u64, 1, 1, 512] {
        sparse.extend(number.to_le_bytes());
    }
    sparse.resize(513, 0);
    sparse.extend(text.replace("monolithicFlat", "monolithicSparse").bytes());
    sparse.resize(1025, 0);
    let mut vhd = [b"\x01conectix".as_slice(), &[0, 0, 0, 2, 0, 1, 0, 0]].concat();
    vhd.resize(513, 0);
    vec![flat, sparse, vhd, b"\0COWD".to_vec()]
}
