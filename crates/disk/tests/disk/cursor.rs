//! The cursor over a device.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use winkiln_disk::{Device, DeviceCursor, MemoryDevice};

use crate::tool::Numbers;

#[test]
fn agrees_with_a_cursor_over_memory() {
    let mut numbers = Numbers::new(7);
    let bytes = numbers.bytes(50_000);
    let device = Arc::new(MemoryDevice::new(bytes.clone()));
    let mut cursor = DeviceCursor::new(device.clone());
    let mut second = DeviceCursor::new(device.clone());
    let mut model = bytes;
    for step in 0..4000 {
        let position = numbers.below(model.len() as u64);
        let length = (numbers.below(9000) as usize).min(model.len() - position as usize);
        let who = if step % 3 == 0 { &mut second } else { &mut cursor };
        who.seek(SeekFrom::Start(position)).unwrap();
        if step % 5 == 0 {
            let data = numbers.bytes(length);
            who.write_all(&data).unwrap();
            model[position as usize..][..length].copy_from_slice(&data);
        } else {
            let mut found = vec![0; length];
            who.read_exact(&mut found).unwrap();
            assert!(found == model[position as usize..][..length], "step {step}");
        }
        if step % 97 == 0 {
            let byte = [step as u8];
            device.write_at(position, &byte).unwrap();
            model[position as usize] = byte[0];
        }
    }
    assert_eq!(device.to_vec(), model);
}

#[test]
fn stops_at_the_end() {
    let device = Arc::new(MemoryDevice::new(vec![1; 5000]));
    let mut cursor = DeviceCursor::new(device);
    let mut all = Vec::new();
    cursor.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 5000);
    assert_eq!(cursor.seek(SeekFrom::End(-2)).unwrap(), 4998);
    assert_eq!(cursor.write(&[2; 10]).unwrap(), 2, "a device never grows");
    assert_eq!(cursor.write(&[2; 10]).unwrap(), 0);
    assert!(cursor.seek(SeekFrom::Current(-6000)).is_err());
    cursor.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(cursor.read(&mut [0; 4]).unwrap(), 0);
}
