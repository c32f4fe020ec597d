//! Journals and undo files. An input is a byte that tells which (even: a journal), and the journal, whose checksums are put right.

use std::path::Path;

use winkiln_disk::simulated::{Fault, Host};
use winkiln_disk::{Device, Format, Image, ImageError, OpenOptions, Transaction, UndoError};

const IMAGE: usize = 64 << 10;
/// What becomes larger is not compared.
const COMPARED_MAX: u64 = 1 << 20;

fn image() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..IMAGE as u32).map(|at| (at * at / 7 + at / 256) as u8).collect();
    // Room for what is written ahead.
    bytes[16 << 10..48 << 10].fill(0);
    bytes
}

fn open(host: &Host, writable: bool) -> Result<Image, ImageError> {
    let options = OpenOptions { writable, format: Some(Format::Raw), ..OpenOptions::default() };
    host.open(Path::new("i"), &options)
}

/// Opens an image beside which the journal lies, for reading and for writing; or undoes.
///
/// # Panics
/// When readers and writers see different things, or what is refused changes the image.
pub fn run(data: &[u8]) {
    let Some((kind, journal)) = data.split_first() else { return };
    let host = Host::new(&changed(*kind), true);
    let before = host.image_bytes();
    if !kind.is_multiple_of(2) {
        host.put_undo_journal(journal);
        match host.undo() {
            Ok(_) | Err(UndoError::Unfinished { .. }) => {}
            Err(_) => assert!(host.image_bytes() == before, "what is refused changes nothing"),
        }
        return;
    }
    host.put_journal(journal);
    let seen = open(&host, false).map(|image| {
        let transaction = Transaction::begin(image);
        let mut bytes = vec![0; transaction.len().min(COMPARED_MAX) as usize];
        transaction.read_at(0, &mut bytes).expect("an open image is read");
        bytes
    });
    assert!(host.image_bytes() == before, "reading changes nothing");
    match open(&host, true) {
        Ok(_) => {
            assert!(!host.has_journal(), "it is dealt with");
            let seen = seen.expect("who can write can read");
            let whole = host.image_len() <= COMPARED_MAX;
            assert!(!whole || host.image_bytes() == seen, "readers see what writers make");
        }
        Err(ImageError::Journal { .. }) => {}
        Err(_) => assert!(host.image_bytes() == before, "what is refused changes nothing"),
    }
}

/// The image; for undo files, as a commit left it.
fn changed(kind: u8) -> Vec<u8> {
    if kind.is_multiple_of(2) { image() } else { committed().image_bytes() }
}

fn change(transaction: &Transaction) -> bool {
    let fresh = vec![0x55; 12 << 10];
    let written = [
        transaction.write_at(100, &[1; 5000]),
        transaction.write_fresh(20 << 10, &fresh),
        transaction.write_at(60_000, &[2; 900]),
    ];
    written.iter().all(Result::is_ok) && transaction.commit().is_ok()
}

/// A host on which a commit was made with an undo file.
fn committed() -> Host {
    let host = Host::new(&image(), true);
    let options = OpenOptions {
        writable: true,
        format: Some(Format::Raw),
        undo: Some("u".into()),
        ..OpenOptions::default()
    };
    let image = host.open(Path::new("i"), &options).expect("opens");
    assert!(change(&Transaction::begin(image)), "commits");
    host
}

/// Journals of commits that were cut, and of one that can be undone.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for cut in 2..40 {
        let host = Host::new(&image(), true);
        host.world().fault = Fault::Cut(cut);
        let image = open(&host, true).expect("opens");
        let _ = change(&Transaction::begin(image));
        let journal = host.killed().journal();
        seeds.extend(journal.map(|bytes| [&[0], bytes.as_slice()].concat()));
    }
    seeds.dedup();
    let undo = committed().undo_journal().expect("an undo file");
    seeds.push([&[1], undo.as_slice()].concat());
    seeds
}
