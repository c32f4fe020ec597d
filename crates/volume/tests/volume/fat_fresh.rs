//! What may reach the image before the commit: bytes for clusters that were free when the transaction began, and no others.

use std::sync::{Arc, Mutex};

use winkiln_disk::{Device, DeviceError, MemoryDevice};
use winkiln_volume::{OpenOptions, Volume};

use crate::environment::NOW;
use crate::fat::{KINDS, judge, make};

/// A device that keeps what was there at the beginning, and a copy of that with the fresh writes alone.
struct Transaction {
    now: MemoryDevice,
    original: MemoryDevice,
    /// What the image would hold if the transaction were given up, and how many bytes went there.
    image: Mutex<(Vec<u8>, u64)>,
}

impl Transaction {
    fn begin(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            now: MemoryDevice::new(bytes.clone()),
            original: MemoryDevice::new(bytes.clone()),
            image: Mutex::new((bytes, 0)),
        })
    }

    fn fresh(&self) -> u64 {
        self.image.lock().unwrap().1
    }
}

impl Device for Transaction {
    fn len(&self) -> u64 {
        self.now.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.now.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.now.write_at(offset, data)
    }

    fn write_fresh(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        let mut image = self.image.lock().unwrap();
        image.0[offset as usize..][..data.len()].copy_from_slice(data);
        image.1 += data.len() as u64;
        self.now.write_at(offset, data)
    }

    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.original.read_at(offset, buf)
    }
}

fn open(device: Arc<dyn Device>) -> Volume {
    Volume::open(device, OpenOptions { writable: true, now: NOW, ..OpenOptions::default() })
        .unwrap()
}

#[test]
fn what_was_in_use_is_never_fresh() {
    let folder = tempfile::tempdir().unwrap();
    for kind in 0..KINDS.len() {
        let Some(image) = make(folder.path(), kind) else { return };
        let length = 400_000;
        let contents = |byte: u8| vec![byte; length];
        let transaction = Transaction::begin(std::fs::read(&image).unwrap());
        let mut volume = open(transaction.clone());
        for name in 1..=3 {
            volume.write(&format!("file {name}"), &contents(name)).unwrap();
        }
        volume.flush().unwrap();
        assert_eq!(transaction.fresh(), 3 * length as u64);

        let transaction = Transaction::begin(transaction.now.to_vec());
        let mut volume = open(transaction.clone());
        volume.remove("file 1").unwrap();
        volume.remove("file 3").unwrap();
        volume.write("file 2", &contents(12)).unwrap();
        assert_eq!(transaction.fresh(), 0, "in place");
        volume.flush().unwrap();
        let mut volume = open(transaction.clone());
        volume.write("file 4", &contents(4)).unwrap();
        volume.write("file 5", &[contents(5), contents(5)].concat()).unwrap();
        volume.flush().unwrap();
        let fresh = transaction.fresh();
        assert!(
            fresh > 0 && fresh < 3 * length as u64,
            "FAT takes the first clusters that are free: {fresh}"
        );
        for (name, byte) in [(2, 12), (4, 4)] {
            assert!(volume.read(&format!("file {name}"), 1 << 20).unwrap() == contents(byte));
        }
        judge(&image, &transaction.now);

        let given_up = Arc::new(MemoryDevice::new(transaction.image.lock().unwrap().0.clone()));
        let volume = open(given_up.clone());
        for name in 1..=3 {
            assert!(volume.read(&format!("file {name}"), 1 << 20).unwrap() == contents(name));
        }
        judge(&image, &given_up);
    }
}
