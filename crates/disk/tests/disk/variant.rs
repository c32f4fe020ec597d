//! Kinds of images, made by QEMU's tools and read back by them.

use std::path::{Path, PathBuf};

use crate::tool::{Numbers, run, sh};

pub(crate) const SIZE: u64 = 24 << 20;

/// How an image is made from `source.raw` in the folder.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    file: &'static str,
    lines: &'static [&'static str],
    /// What `qemu-img check` must say of it, none for raw images.
    pub(crate) checked: bool,
}

pub(crate) const VARIANTS: &[Variant] = &[
    Variant { name: "raw", file: "i.raw", lines: &["cp {}/source.raw {}/i.raw"], checked: false },
    Variant {
        name: "v3",
        file: "i.qcow2",
        lines: &["qemu-img convert -O qcow2 {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "v2",
        file: "i.qcow2",
        lines: &["qemu-img convert -O qcow2 -o compat=0.10 {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "zlib",
        file: "i.qcow2",
        lines: &["qemu-img convert -c -O qcow2 {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "v2 zlib",
        file: "i.qcow2",
        lines: &["qemu-img convert -c -O qcow2 -o compat=0.10 {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "512-byte clusters",
        file: "i.qcow2",
        lines: &["qemu-img convert -O qcow2 -o cluster_size=512 {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "2 MiB clusters, 1-bit refcounts",
        file: "i.qcow2",
        lines: &[
            "qemu-img convert -O qcow2 -o cluster_size=2M,refcount_bits=1 {}/source.raw {}/i.qcow2",
        ],
        checked: true,
    },
    Variant {
        name: "2 MiB clusters, zlib",
        file: "i.qcow2",
        lines: &["qemu-img convert -c -O qcow2 -o cluster_size=2M {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "tables made in advance",
        file: "i.qcow2",
        lines: &[
            "qemu-img create -q -f qcow2 -o preallocation=metadata {}/i.qcow2 24M",
            "qemu-img convert -n -O qcow2 {}/source.raw {}/i.qcow2",
        ],
        checked: true,
    },
    Variant {
        name: "lazy refcounts",
        file: "i.qcow2",
        lines: &["qemu-img convert -O qcow2 -o lazy_refcounts=on {}/source.raw {}/i.qcow2"],
        checked: true,
    },
    Variant {
        name: "overlay on raw",
        file: "i.qcow2",
        lines: &[
            "cp {}/source.raw {}/base.raw",
            "qemu-img create -q -f qcow2 -b base.raw -F raw {}/i.qcow2",
        ],
        checked: true,
    },
    Variant {
        name: "overlay on overlay on zlib, backing format unsaid",
        file: "i.qcow2",
        lines: &[
            "qemu-img convert -c -O qcow2 {}/source.raw {}/base.qcow2",
            "qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 {}/middle.qcow2",
            "qemu-img create -q -f qcow2 -b middle.qcow2 -F qcow2 {}/i.qcow2",
            "qemu-img rebase -q -u -b middle.qcow2 -F qcow2 {}/i.qcow2",
        ],
        checked: true,
    },
    Variant {
        name: "snapshots",
        file: "i.qcow2",
        lines: &[
            "qemu-img convert -O qcow2 {}/source.raw {}/i.qcow2",
            "qemu-img snapshot -c one {}/i.qcow2",
            "qemu-io -c write_-P_7_1M_300k {}/i.qcow2",
            "qemu-img snapshot -c two {}/i.qcow2",
        ],
        checked: true,
    },
];

/// Mixed contents: noise, text-like and holes.
pub(crate) fn source(folder: &Path, length: u64) -> Vec<u8> {
    let mut numbers = Numbers::new(42);
    let mut bytes = vec![0; length as usize];
    for (index, chunk) in bytes.chunks_mut(192 << 10).enumerate() {
        match index % 3 {
            0 => chunk.copy_from_slice(&numbers.bytes(chunk.len())),
            1 => chunk.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at / 64) as u8),
            _ => {}
        }
    }
    std::fs::write(folder.join("source.raw"), &bytes).unwrap();
    bytes
}

pub(crate) fn make(folder: &Path, variant: &Variant) -> PathBuf {
    for line in variant.lines {
        let line = line.replace("{}", folder.to_str().unwrap());
        let words: Vec<String> =
            line.split_whitespace()
                .map(|word| {
                    if word.starts_with("write_") {
                        word.replace('_', " ")
                    } else {
                        word.to_owned()
                    }
                })
                .collect();
        run(&words[0], &words[1..]);
    }
    folder.join(variant.file)
}

pub(crate) fn raw_of(folder: &Path, image: &Path, extra: &[&str]) -> Vec<u8> {
    let out = folder.join("out.raw");
    let mut arguments = vec!["convert"];
    arguments.extend(extra);
    arguments.extend(["-O", "raw", image.to_str().unwrap(), out.to_str().unwrap()]);
    run("qemu-img", &arguments);
    std::fs::read(out).unwrap()
}

/// A qcow2 image of 1 MiB of sevens with clusters of 4096 bytes and one snapshot.
pub(crate) fn with_snapshot(folder: &Path) -> PathBuf {
    std::fs::write(folder.join("s.raw"), vec![7; 1 << 20]).unwrap();
    sh(folder, "qemu-img convert -O qcow2 -o cluster_size=4096 {}/s.raw {}/i.qcow2");
    sh(folder, "qemu-img snapshot -c s {}/i.qcow2");
    folder.join("i.qcow2")
}

/// A number of a qcow2 image's own structures.
pub(crate) fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}
