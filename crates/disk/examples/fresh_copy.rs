//! Copies a file into free space of an image in pieces of 1 MiB, as one transaction: `fresh_copy IMAGE FILE OFFSET [fresh|plain]`.
//!
//! For measuring: the image must hold zeros there, or its contents are lost.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use winkiln_disk::{Device, Image, OpenOptions, Transaction};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, file, offset, way] = arguments.as_slice() else {
        return Err("usage: fresh_copy IMAGE FILE OFFSET fresh|plain|drop".into());
    };
    let began = Instant::now();
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    let transaction = Transaction::begin(Image::open(Path::new(image), &options)?);
    let (mut file, mut offset) = (File::open(file)?, offset.parse::<u64>()?);
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        if way == "plain" {
            transaction.write_at(offset, &piece[..count])?;
        } else {
            transaction.write_fresh(offset, &piece[..count])?;
        }
        offset += count as u64;
    }
    // Something that names them.
    transaction.write_at(512, &offset.to_le_bytes())?;
    let written = began.elapsed();
    if way == "drop" {
        drop(transaction);
    } else {
        println!("{:?}", transaction.commit()?);
    }
    println!("written after {written:?}, done after {:?}", began.elapsed());
    Ok(())
}
