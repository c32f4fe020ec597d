//! Makes many small files in one folder of a bare NTFS volume and tells what it took, as one line of JSON.
//!
//! `many_files IMAGE COUNT` creates them through a transaction; `many_files IMAGE COUNT rust-fs-ntfs` lets that crate try, and
//! `many_files IMAGE COUNT lookup` finds a thousand of them that are there already, each with the volume opened anew, and counts the
//! blocks read for it.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use winkiln_disk::{Device, DeviceError, Format, Image, Transaction};
use winkiln_ntfs::{FileTime, OpenOptions, Volume};

const NOW: FileTime = FileTime(133_500_000_000_000_000);

fn name(number: usize) -> String {
    format!("small file {number:06}.txt")
}

fn open(path: &Path, writable: bool) -> Result<Arc<Transaction>, Box<dyn Error>> {
    let options = winkiln_disk::OpenOptions {
        writable,
        format: Some(Format::Raw),
        ..winkiln_disk::OpenOptions::default()
    };
    Ok(Arc::new(Transaction::begin(Image::open(path, &options)?)))
}

/// Most memory that the process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn create(path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let transaction = open(path, true)?;
    let mut volume = Volume::open(
        transaction.clone(),
        OpenOptions { writable: true, now: NOW, ..OpenOptions::default() },
    )?;
    let folder = volume.create_directory(volume.root(), "many")?;
    for number in 0..count {
        let name = name(number);
        volume.create_file_holding(folder, &name, 0, name.as_bytes())?;
    }
    volume.flush()?;
    let made = start.elapsed();
    drop(volume);
    let io = transaction.commit()?.io;
    println!(
        "{{\"files\":{count},\"ms\":{:.1},\"ms_before_commit\":{:.1},\"read\":{},\"written\":{},\"journal\":{},\"peak_kib\":{}}}",
        start.elapsed().as_secs_f64() * 1e3,
        made.as_secs_f64() * 1e3,
        io.image_bytes_read,
        io.image_bytes_written,
        io.journal_bytes,
        peak()
    );
    Ok(())
}

/// A device that counts the reads of it: of metadata each is one block of 4 KiB.
struct Counting(Arc<Transaction>, AtomicU64);

impl Device for Counting {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.0.write_at(offset, data)
    }
}

fn lookup(path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let (start, mut blocks, mut most) = (Instant::now(), 0, 0);
    for turn in 0..1000 {
        let device = Arc::new(Counting(open(path, false)?, AtomicU64::new(0)));
        let volume = Volume::open(
            device.clone(),
            OpenOptions { writable: false, now: NOW, ..OpenOptions::default() },
        )?;
        // The upper-case table is read once for each volume.
        volume.find("no such file")?;
        let before = device.1.load(Ordering::Relaxed);
        let name = name(turn * 7919 % count).to_uppercase();
        volume.find(&format!("MANY\\{name}"))?.ok_or(name)?;
        let read = device.1.load(Ordering::Relaxed) - before;
        blocks += read;
        most = most.max(read);
    }
    println!(
        "{{\"lookups\":1000,\"ms\":{:.1},\"blocks\":{blocks},\"most_blocks\":{most},\"peak_kib\":{}}}",
        start.elapsed().as_secs_f64() * 1e3,
        peak()
    );
    Ok(())
}

fn peer(path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let volume = fs_ntfs::facade::Filesystem::mount_rw(path)?;
    volume.mkdir("/", "many")?;
    let mut made = 0;
    let mut stopped = String::new();
    for number in 0..count {
        let done = volume.create_file("/many", &name(number)).and_then(|_| {
            volume.write_file_contents(&format!("/many/{}", name(number)), name(number).as_bytes())
        });
        if let Err(error) = done {
            stopped = error.to_string();
            break;
        }
        made += 1;
    }
    println!(
        "{{\"files\":{made},\"ms\":{:.1},\"peak_kib\":{},\"stopped\":{stopped:?}}}",
        start.elapsed().as_secs_f64() * 1e3,
        peak()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: many_files IMAGE COUNT [lookup|rust-fs-ntfs]";
    let [path, count, rest @ ..] = &arguments[..] else { return Err(usage.into()) };
    let (path, count) = (Path::new(path), count.parse()?);
    match rest {
        [] => create(path, count),
        [what] if what == "lookup" => lookup(path, count),
        [what] if what == "rust-fs-ntfs" => peer(path, count),
        _ => Err(usage.into()),
    }
}
