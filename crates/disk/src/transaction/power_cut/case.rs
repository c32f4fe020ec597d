//! Images and changes to them.

use std::path::Path;
use std::sync::Arc;

use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder};

use crate::device::Device;
use crate::host::HostFile;
use crate::image::qcow2::Qcow2Disk;
use crate::image::{Backend, Format, Image};
use crate::overlay::{Limits, Overlay};
use crate::simulated::{Fault, Host};
use crate::transaction::{CommitError, SIZES, Sizes, Transaction};
use crate::undo::Keep;

/// One write.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) offset: u64,
    pub(super) data: Vec<u8>,
    /// To a place that nothing names.
    pub(super) fresh: bool,
}

/// How much stays in memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Memory {
    /// All of it, so that everything reaches the host in the commit.
    Ample,
    /// A few pages, so that most leaves it before.
    Scarce,
}

/// A case: an image and the change to it.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) image: Vec<u8>,
    pub(super) changes: Vec<Change>,
    pub(super) qcow2: bool,
    pub(super) memory: Memory,
    pub(super) holes: bool,
}

/// What a failure says about the image.
#[derive(Debug)]
pub(super) enum Failure {
    /// A write failed, and the transaction was dropped.
    Write,
    Commit(CommitError),
}

impl Case {
    pub(super) fn host(&self) -> Host {
        let host = Host::new(&self.image, self.holes);
        if self.changes.iter().any(|change| change.fresh) {
            // Where bytes are written ahead, a write is assumed to stop between sectors.
            host.world().piece = 6 * 512;
        }
        host
    }

    pub(super) fn begin(&self, host: &Host) -> Transaction {
        self.begin_with(host, Limits::new(host.place(), true))
    }

    fn begin_with(&self, host: &Host, mut limits: Limits) -> Transaction {
        let mut sizes = SIZES;
        if matches!(self.memory, Memory::Scarce) {
            (limits.pages, limits.early_at_commit) = (4, 3);
            sizes = Sizes { front: 2, large: 5000 };
        }
        let backend = open_image(host.image(), self.qcow2, Some(limits));
        let format = if self.qcow2 { Format::Qcow2 } else { Format::Raw };
        let mut transaction = Transaction::begin(Image::over(backend, format));
        transaction.sizes = sizes;
        transaction
    }

    /// The guest's bytes.
    pub(super) fn guest(&self, host: &Host) -> Vec<u8> {
        let backend = open_image(host.image(), self.qcow2, None);
        let mut bytes = vec![0; backend.size() as usize];
        backend.read(0, &mut bytes).expect("guest");
        bytes
    }

    /// Makes all changes, with a fault on the way.
    pub(super) fn run(&self, host: &Host, fault: Fault) -> Result<(), Failure> {
        self.change(self.begin(host), host, fault)
    }

    /// As [`Case::begin`], with an undo file.
    pub(super) fn begin_keeping(&self, host: &Host) -> Transaction {
        let keep = Keep::new(host.undo_place(), Path::new("/i")).expect("a short path");
        let limits = Limits { undo: Some(keep), ..Limits::new(host.place(), true) };
        self.begin_with(host, limits)
    }

    /// As [`Case::run`], with an undo file.
    pub(super) fn run_keeping(&self, host: &Host, fault: Fault) -> Result<(), Failure> {
        self.change(self.begin_keeping(host), host, fault)
    }

    fn change(&self, transaction: Transaction, host: &Host, fault: Fault) -> Result<(), Failure> {
        host.world().fault = fault;
        for Change { offset, data, fresh } in &self.changes {
            let written = if *fresh {
                transaction.write_fresh(*offset, data)
            } else {
                transaction.write_at(*offset, data)
            };
            if written.is_err() {
                drop(transaction);
                host.world().fault = Fault::None;
                return Err(Failure::Write);
            }
        }
        let result = transaction.commit().map(drop).map_err(Failure::Commit);
        drop(transaction);
        host.world().fault = Fault::None;
        result
    }
}

pub(super) fn open_image(file: Arc<dyn HostFile>, qcow2: bool, limits: Option<Limits>) -> Backend {
    if !qcow2 {
        let size = file.len().expect("length");
        let overlay = Overlay::new(file, "i".to_owned(), limits).expect("overlay");
        return Backend::Raw { overlay, size };
    }
    let open = |file, limits: Option<Limits>| {
        let writable = limits.is_some();
        let overlay = Overlay::new(file, "i".to_owned(), limits).expect("overlay");
        let image = Qcow2::<Overlay>::builder(overlay.clone())
            .write(writable)
            .backing(None)
            .data_file(None)
            .open(DenyImplicitOpenGate::default())
            .expect("qcow2");
        (FormatAccess::new(image), overlay)
    };
    let (access, overlay) = open(file, limits);
    let reopen = Box::new(move |file| Ok(open(file, None).0));
    Backend::Qcow2(Qcow2Disk::new(access, overlay, 12, reopen))
}

/// An empty qcow2 disk of 256 KiB with clusters of 4 KiB: header, refcount table, refcount block, L1 table.
pub(super) fn empty_qcow2() -> Vec<u8> {
    let mut bytes = vec![0; 4 * 4096];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    put(0, b"QFI\xfb");
    put(4, &3_u32.to_be_bytes());
    put(20, &12_u32.to_be_bytes());
    put(24, &(256_u64 << 10).to_be_bytes());
    put(36, &1_u32.to_be_bytes());
    put(40, &(3 * 4096_u64).to_be_bytes());
    put(48, &4096_u64.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(96, &4_u32.to_be_bytes());
    put(100, &104_u32.to_be_bytes());
    put(4096, &(2 * 4096_u64).to_be_bytes());
    for cluster in 0..4 {
        put(2 * 4096 + 2 * cluster, &1_u16.to_be_bytes());
    }
    bytes
}

pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

pub(super) fn write(offset: u64, data: Vec<u8>) -> Change {
    Change { offset, data, fresh: false }
}

pub(super) fn fresh(offset: u64, data: Vec<u8>) -> Change {
    Change { offset, data, fresh: true }
}

pub(super) fn cases() -> Vec<Case> {
    let changes = vec![
        write(0, noise(1, 100)),
        write(9000, noise(2, 9000)),
        write(40_000, vec![0; 5000]),
        write(70_000, noise(3, 333)),
    ];
    // New files in free space, some of it rewritten, and what names them.
    let files = vec![
        write(100, noise(11, 50)),
        fresh(20_480, noise(12, 16_384)),
        fresh(36_864, noise(13, 5000)),
        write(24_600, noise(14, 3000)),
        write(28_672, vec![0; 4096]),
        fresh(41_864, noise(15, 9000)),
        fresh(51_200, noise(16, 700)),
        write(66_000, noise(17, 6000)),
        fresh(57_344, noise(18, 4096)),
        write(200, noise(19, 50)),
    ];
    let base = Case {
        name: "raw",
        image: noise(9, 80_000),
        changes,
        qcow2: false,
        memory: Memory::Ample,
        holes: false,
    };
    let odd = Case { name: "raw of odd length", image: noise(10, 70_333), ..base.clone() };
    let growing = Case { name: "empty qcow2, growing", image: empty_qcow2(), ..base.clone() };
    let growing = Case { qcow2: true, ..growing };
    let full = Case { name: "full qcow2", image: filled_qcow2(), ..growing.clone() };
    let mut room = noise(9, 80_000);
    room[20_480..61_440].fill(0);
    let scarce = Case { memory: Memory::Scarce, ..base.clone() };
    let spilled = Case { name: "raw, spilled", ..scarce.clone() };
    let ahead = Case { name: "raw, written ahead", image: room, changes: files, ..scarce };
    let holes = Case { name: "raw with holes, written ahead", holes: true, ..ahead.clone() };
    let qcow2 = Case { qcow2: true, ..ahead.clone() };
    let new = Case { name: "empty qcow2, written ahead", image: empty_qcow2(), ..qcow2.clone() };
    let zeros = Case { name: "qcow2 of zeros, written ahead", image: zeroed_qcow2(), ..qcow2 };
    let mixed = Case { name: "full qcow2, spilled", memory: Memory::Scarce, ..full.clone() };
    vec![base, odd, growing, full, spilled, ahead, holes, new, zeros, mixed]
}

/// A qcow2 disk whose first clusters hold data.
pub(super) fn filled_qcow2() -> Vec<u8> {
    changed_qcow2(empty_qcow2(), write(0, noise(20, 60_000)))
}

/// A qcow2 disk whose first clusters hold zeros.
pub(super) fn zeroed_qcow2() -> Vec<u8> {
    changed_qcow2(filled_qcow2(), write(0, vec![0; 60_000]))
}

pub(super) fn changed_qcow2(image: Vec<u8>, change: Change) -> Vec<u8> {
    let (memory, changes) = (Memory::Ample, vec![change]);
    let case = Case { name: "", image, changes, qcow2: true, memory, holes: false };
    let host = case.host();
    case.run(&host, Fault::None).expect("commit");
    host.image_bytes()
}
