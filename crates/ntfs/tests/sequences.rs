//! Long random sequences of changes of every kind on volumes of every origin; afterwards everyone judges.
//!
//! `WINKILN_LONG=1` runs tens of thousands of changes, `WINKILN_SEED=N` others than usual. A failure names the seed.

use std::path::Path;

use winkiln_ntfs::{OpenOptions, Volume};

use crate::{
    check,
    device::FileDevice,
    faulty_device::FaultyDevice,
    images::{self, Image},
    judges::{self, Mount},
    model::{Model, Random},
    peer,
    read_real_volumes::open,
    second_reader,
    write_volumes::{NOW, copy},
};

fn long() -> bool {
    std::env::var_os("WINKILN_LONG").is_some()
}

/// The seed of a sequence: fixed, unless another is asked for.
fn seed(usual: u64) -> u64 {
    let asked = std::env::var("WINKILN_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    usual ^ asked.unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What a sequence is like.
#[derive(Clone, Copy)]
struct Plan {
    /// Files grow to about this many bytes.
    size: u64,
    /// The device fails now and then.
    faults: bool,
    /// Clusters left free before it begins.
    free: Option<u64>,
    /// The `ntfs` crate can read such a volume.
    second_reader: bool,
    /// Another program leaves sparse and compressed files first.
    forms: bool,
}

impl Plan {
    fn new(size: u64) -> Self {
        Self { size, faults: false, free: None, second_reader: false, forms: false }
    }
}

/// Changes a volume in rounds, opening it anew for each, and asks every judge.
fn run(image: &Image, folder: &Path, usual: u64, plan: Plan, what: &str) {
    let seed = seed(usual);
    let what = format!("{what}, seed {seed}");
    eprintln!("{what}");
    let (rounds, steps) = if long() { (8, 400) } else { (2, 60) };
    let fill = Volume::open(
        FileDevice::open(&image.path, image.start, image.length, true),
        OpenOptions { writable: true, now: NOW, ..Default::default() },
    );
    let mut volume = fill.unwrap_or_else(|error| panic!("{what}: {error}"));
    if let Some(keep) = plan.free {
        let filler = volume.create_file(volume.root(), "filler", 0).expect("created");
        let free = volume.free_bytes().expect("counted");
        let size = free - keep * u64::from(volume.cluster_size());
        volume.set_size(filler, "", size).expect("filled");
        volume.flush().expect("flushed");
    }
    drop(volume);
    if plan.forms && leave_files_of_all_forms(image).is_none() {
        return;
    }
    let before = copy(image, folder);
    let peer_before = peer::findings(image);
    let damage_before = check::damage(image);
    let (mut was, _) = judges::tree_of(&open(image));
    let mut model = Model::new(seed, plan.size);
    (model.moves, model.nasty, model.extras, model.faults) = (true, true, true, plan.faults);
    if plan.forms {
        model.adopt(&open(image));
        was.clear();
    }
    model.short_names = seed.is_multiple_of(2);
    for round in 0..rounds {
        let file = FileDevice::open(&image.path, image.start, image.length, true);
        let device = FaultyDevice::new(file);
        let options = OpenOptions { writable: true, now: NOW, ..Default::default() };
        let mut volume = Volume::open(device.clone(), options)
            .unwrap_or_else(|error| panic!("{what}, round {round}: {error}"));
        for _ in 0..steps {
            if plan.faults && model.random.below(3) == 0 {
                let after = model.random.below(6);
                device.fail_after(after);
            }
            model.step(&mut volume);
            device.work();
        }
        if plan.faults {
            // What could not be flushed is flushed the next time.
            device.fail_after(model.random.below(4));
            let _ = volume.flush();
            device.work();
        }
        volume.flush().expect("flushed");
        drop(volume);
        let damage = check::damage(image);
        let new: Vec<_> = damage.difference(&damage_before).collect();
        assert!(new.is_empty(), "{what}: {new:#?}");
        let volume = open(image);
        let (ours, _) = judges::tree_of(&volume);
        let mut expected = model.tree();
        expected.extend(was.clone());
        judges::assert_same_tree(&ours, &expected, &what);
        model.check_streams(&volume);
        if round + 1 < rounds && round % 3 != 0 {
            continue;
        }
        if let Some(mount) = Mount::new(image, "ro,norecover") {
            judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), &what);
        }
        if plan.second_reader {
            second_reader::agrees(image, &volume, &what);
        }
        judges::judge_as(&image.path, Some(&before), &what);
        peer::expect_nothing_new(image, &peer_before, &what);
    }
    eprintln!(
        "{what}: {} steps, {} moves, {} links, {} refused as full, {} failed by the device",
        model.steps, model.moved, model.linked, model.full, model.faulted
    );
}

fn fresh(cluster: u64, size: u64, extra: &str, usual: u64, plan: Plan) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), size, cluster, extra) else { return };
    let plan = Plan { second_reader: cluster <= 4096, ..plan };
    run(&image, folder.path(), usual, plan, &format!("mkntfs -c {cluster} {extra}"));
}

#[test]
fn on_clusters_of_512_bytes() {
    fresh(512, 24 << 20, "", 1, Plan::new(20_000));
}

#[test]
fn on_clusters_of_4_kib() {
    fresh(4096, 48 << 20, "", 2, Plan::new(120_000));
}

#[test]
fn on_clusters_of_64_kib() {
    fresh(65536, 256 << 20, "", 3, Plan::new(300_000));
}

#[test]
fn on_sectors_of_4_kib() {
    fresh(4096, 64 << 20, "-s 4096", 4, Plan::new(120_000));
}

/// Files with holes at the start, inside and at the end, and compressed ones that pack well, badly and in part.
fn leave_files_of_all_forms(image: &Image) -> Option<()> {
    let mount = Mount::new(image, "rw,compression")?;
    let script = "
import os, random, sys
random.seed(9)
os.chdir(sys.argv[1])
for n in range(6):
    with open('sparse %d' % n, 'wb') as f:
        f.truncate(random.randrange(1, 600000))
        for _ in range(n):
            f.seek(random.randrange(500000))
            f.write(random.randbytes(random.randrange(1, 9000)))
os.mkdir('packing')
os.setxattr('packing', 'system.ntfs_attrib', bytes([0, 8, 0, 0]))
for n in range(6):
    with open('packing/%d' % n, 'wb') as f:
        for _ in range(1 + n * 3):
            f.write(random.choice([b'text that packs well ' * 900, random.randbytes(9000), bytes(70000)]))
    os.rename('packing/%d' % n, 'packed %d' % n)
os.rmdir('packing')
";
    let file = image.path.with_extension("py");
    std::fs::write(&file, script).expect("written");
    images::shell(&format!("python3 '{}' '{}'", file.display(), mount.path().display()));
    Some(())
}

#[test]
fn on_sparse_and_compressed_files() {
    let plan = Plan { forms: true, ..Plan::new(60_000) };
    let all: &[(u64, bool)] = &[(4096, false), (512, true), (1024, false), (4096, true)];
    for (cluster, faults) in if long() { all } else { &all[..2] } {
        let usual = 500 + cluster + u64::from(*faults);
        // The `ntfs` crate does not read compressed values.
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::mkntfs(folder.path(), 32 << 20, *cluster, "") else { return };
        let what = format!("sparse and compressed files, clusters of {cluster}");
        run(&image, folder.path(), usual, Plan { faults: *faults, ..plan }, &what);
    }
}

/// Every other size of cluster.
#[test]
fn on_clusters_of_other_sizes() {
    let sizes: &[u64] = &[10, 11, 13, 14, 15, 17, 18, 19, 20, 21];
    let sizes = if long() { sizes } else { &sizes[..1] };
    for shift in sizes {
        let size = (24u64 << 20).max(1200 << shift);
        fresh(1 << shift, size, "", 100 + shift, Plan::new(60_000));
    }
}

#[test]
fn while_the_device_fails() {
    let plan = Plan { faults: true, ..Plan::new(60_000) };
    fresh(512, 24 << 20, "", 5, plan);
    fresh(4096, 48 << 20, "", 6, plan);
}

#[test]
fn on_a_volume_with_20_free_clusters() {
    let plan = Plan { free: Some(20), ..Plan::new(12_000) };
    fresh(512, 12 << 20, "", 7, plan);
    fresh(4096, 24 << 20, "", 8, plan);
    fresh(4096, 24 << 20, "", 9, Plan { faults: true, ..plan });
}

#[test]
fn on_volumes_of_rust_fs_ntfs() {
    let all: &[(u32, u32, u64)] = &[
        (4096, 1024, 64),
        (512, 1024, 32),
        (65536, 1024, 256),
        (4096, 4096, 64),
        (2048, 1024, 48),
    ];
    let chosen = if long() { all } else { &all[..2] };
    for (at, (cluster, record, megabytes)) in chosen.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = peer::format(folder.path(), megabytes << 20, *cluster, *record);
        let what = format!("rust-fs-ntfs, clusters of {cluster}, records of {record}");
        run(&image, folder.path(), 200 + at as u64, Plan::new(60_000), &what);
    }
}

#[test]
fn on_volumes_of_windows() {
    let all = [
        "win10-ads-attrlist.vol.raw.xz",
        "win10-2k-cluster-index.disk.raw.xz",
        "win10-2m-cluster.disk.raw.xz",
        "win10-largedir-compressed.vol.raw.xz",
        "win10-si-vs-fn.disk.raw.xz",
    ];
    let chosen = if long() { &all[..] } else { &all[..2] };
    for (at, name) in chosen.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::corpus(name, folder.path()) else { return };
        run(&image, folder.path(), 300 + at as u64, Plan::new(30_000), name);
    }
}

/// Fills a volume through ntfs-3g, breaks its free space into pieces, and empties half of it.
fn fill_with_ntfs_3g(image: &Image, folder: &Path, seed: u64) -> Option<()> {
    let mount = Mount::new(image, "rw")?;
    let script = "
import os, random, sys
random.seed(int(sys.argv[2]))
os.chdir(sys.argv[1])
folders = ['.']
files = []
try:
    for n in range(3000):
        if random.random() < 0.05:
            path = os.path.join(random.choice(folders), 'folder %d' % n)
            os.mkdir(path)
            folders.append(path)
        path = os.path.join(random.choice(folders), random.choice(['f%d', 'File %d.txt', 'a longer name of a file %d.data']) % n)
        with open(path, 'wb') as f:
            f.write(random.randbytes(int(random.paretovariate(0.5) * 90) % 200000))
        files.append(path)
        if random.random() < 0.3:
            with open(random.choice(files), 'ab') as f:
                f.write(random.randbytes(random.randrange(9000)))
        if random.random() < 0.03:
            os.link(random.choice(files), path + ' again')
        if random.random() < 0.03:
            os.truncate(random.choice(files), random.randrange(3000000))
except OSError:
    pass
random.shuffle(files)
for path in files[:len(files) // 2]:
    os.remove(path)
";
    let file = folder.join("fill.py");
    std::fs::write(&file, script).expect("written");
    images::shell(&format!("python3 '{}' '{}' {seed}", file.display(), mount.path().display()));
    Some(())
}

#[test]
fn on_volumes_that_ntfs_3g_fragmented() {
    let all: &[(u64, u64)] = &[(512, 12), (4096, 24), (1024, 16), (65536, 160)];
    let chosen = if long() { all } else { &all[..1] };
    for (cluster, megabytes) in chosen {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::mkntfs(folder.path(), megabytes << 20, *cluster, "") else {
            return;
        };
        let usual = 400 + cluster;
        if fill_with_ntfs_3g(&image, folder.path(), seed(usual)).is_none() {
            return;
        }
        let what = format!("filled by ntfs-3g, clusters of {cluster}");
        run(&image, folder.path(), usual, Plan::new(60_000), &what);
    }
}

/// Different seeds give different sequences, and the same one the same.
#[test]
fn seeds_decide() {
    let bytes = |seed| Random(seed | 1).bytes(64);
    assert_eq!(bytes(seed(1)), bytes(seed(1)));
    assert_ne!(bytes(seed(1)), bytes(seed(2)));
}
