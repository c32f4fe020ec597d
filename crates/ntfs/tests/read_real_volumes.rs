//! Every volume of the corpus, read and compared with ntfs-3g and Sleuth Kit.

use std::process::Command;

use winkiln_ntfs::{OpenOptions, Volume};

use crate::{
    device::FileDevice,
    images::{self, Image, tool},
    judges::{self, Digest, Mount},
};

pub(crate) fn open(image: &Image) -> Volume {
    let device = FileDevice::open(&image.path, image.start, image.length, false);
    Volume::open(device, OpenOptions::default())
        .unwrap_or_else(|error| panic!("{}: {error}", image.path.display()))
}

fn check(name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus(name, folder.path()) else { return };
    let volume = open(&image);
    let (mut ours, refused) = judges::tree_of(&volume);
    // With this option ntfs-3g hides names that hold a colon.
    ours.retain(|path, _| !path.contains(':'));
    eprintln!(
        "{name}: {} paths, {refused} refused, {:?}",
        ours.len(),
        volume.state().map(|state| state.reasons)
    );
    if let Some(mount) = Mount::new(&image, "ro,norecover,streams_interface=windows") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), name);
        same_streams(&volume, &mount);
    }
    same_system_files(&volume, &image, name);
}

/// Alternate streams, through ntfs-3g's `file:stream` names.
fn same_streams(volume: &Volume, mount: &Mount) {
    let mut folders = vec![(mount.path().to_owned(), volume.root())];
    while let Some((path, folder)) = folders.pop() {
        for entry in volume.read_directory(folder).expect("read before") {
            let facts = volume.metadata(entry.reference).expect("read before");
            let path = path.join(&entry.name);
            for stream in facts.streams.iter().filter(|stream| !stream.name.is_empty()) {
                let named = format!("{}:{}", path.display(), stream.name);
                if let Ok(theirs) = std::fs::read(&named) {
                    let ours = judges::digest_stream(volume, entry.reference, &stream.name)
                        .expect("a readable stream");
                    assert_eq!(ours, Digest::of(&theirs), "{named}");
                }
            }
            if entry.is_directory && facts.reparse_tag.is_none() {
                folders.push((path, entry.reference));
            }
        }
    }
}

/// NTFS's own files, through Sleuth Kit (which does not know clusters above 64 KiB).
fn same_system_files(volume: &Volume, image: &Image, name: &str) {
    if volume.cluster_size() > 65536 || !tool("icat") {
        return;
    }
    for (file, stream, address) in [
        ("$MFT", "", "0-128"),
        ("$MFTMirr", "", "1-128"),
        ("$LogFile", "", "2-128"),
        ("$AttrDef", "", "4-128"),
        ("$Bitmap", "", "6-128"),
        ("$Boot", "", "7-128"),
        ("$Secure", "$SDS", "9-128"),
        ("$UpCase", "", "10-128"),
    ] {
        let output = Command::new("icat")
            .args(["-f", "ntfs", "-i", "raw", "-o", &(image.start / 512).to_string()])
            .arg(&image.path)
            .arg(address)
            .output()
            .expect("icat runs");
        assert!(
            output.status.success(),
            "{name}: icat {address}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let reference =
            volume.find(file).expect("the root is read").expect("NTFS's own file is there");
        let ours = judges::digest_stream(volume, reference, stream).expect("a readable stream");
        assert_eq!(ours, Digest::of(&output.stdout), "{name}: {file}:{stream}");
    }
}

macro_rules! volumes {
    ($($test:ident: $file:literal,)*) => {
        $(#[test] fn $test() { check($file); })*

        #[test]
        fn every_corpus_volume_has_a_test() {
            let tested = [$($file),*];
            assert!(images::corpus_names().all(|name| tested.contains(&name)));
        }
    };
}

volumes! {
    boot_sdi: "boot.sdi-3170304.sdi.xz",
    mkntfs_with_streams: "grr-mkntfs-ads.disk.raw.xz",
    many_folders: "linux-mkntfs-manysubdirs.vol.raw.xz",
    attribute_list_by_ntfs3: "linux-ntfs3-attrlist.vol.raw.xz",
    shadow_copies: "plaso-vsstest.qcow2.xz",
    links_and_junctions: "win-links-junction-ads.vol.raw.xz",
    two_kib_clusters: "win10-2k-cluster-index.disk.raw.xz",
    two_mib_clusters: "win10-2m-cluster.disk.raw.xz",
    attribute_list_with_equal_ids: "win10-ads-attrlist.vol.raw.xz",
    large_compressed_folder: "win10-largedir-compressed.vol.raw.xz",
    times_that_differ: "win10-si-vs-fn.disk.raw.xz",
    gpt_shadow_copies: "win10-vss-2.disk.raw.tgz",
    server_2003: "win2003-128g-vss-cyrillic.disk.raw.tgz",
}
