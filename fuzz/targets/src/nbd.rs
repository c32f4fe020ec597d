//! What an NBD server says. An input is all of it.

use winkiln_disk::nbd::fuzz::talk;

/// Negotiates with a server that says these bytes whatever it is asked, and makes some requests.
pub fn run(data: &[u8]) {
    let _ = talk(data);
}

/// Servers that know GO and those that do not.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let greeting = [b"NBDMAGICIHAVEOPT".as_slice(), &3_u16.to_be_bytes()].concat();
    let reply = |kind: u32, data: &[u8]| {
        let head = [7, kind, data.len() as u32].map(u32::to_be_bytes).concat();
        [&0x0003_e889_0455_65a9_u64.to_be_bytes(), head.as_slice(), data].concat()
    };
    let info = [&[0; 2], (1_u64 << 20).to_be_bytes().as_slice(), &5_u16.to_be_bytes()].concat();
    let blocks = [&[0, 3], [1_u32, 4096, 1 << 20].map(u32::to_be_bytes).as_flattened()].concat();
    let done = |handle: u64, error: u32, data: &[u8]| {
        let head = [0x6744_6698, error].map(u32::to_be_bytes).concat();
        [head.as_slice(), &handle.to_be_bytes(), data].concat()
    };
    let requests = [done(2, 0, &[7; 512]), done(3, 0, &[]), done(4, 0, &[]), done(5, 5, &[])];
    let go = [greeting.clone(), reply(3, &info), reply(3, &blocks), reply(1, &[])].concat();
    let known = [go.as_slice(), &requests.concat()].concat();
    let name = [(1_u64 << 20).to_be_bytes().as_slice(), &5_u16.to_be_bytes()].concat();
    let old = [greeting.clone(), reply(1 << 31 | 1, &[]), name, requests.concat()].concat();
    let refused = [greeting, reply(1 << 31 | 6, b"no such export")].concat();
    assert!(talk(&known) && talk(&old) && !talk(&refused), "the seeds are understood");
    vec![known, old, refused]
}
