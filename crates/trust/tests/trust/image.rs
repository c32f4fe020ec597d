//! A small driver, byte by byte.

/// A PE32+ driver that imports from `ntoskrnl.exe` and `WDFLDR.SYS`, of version 1.2.3.4; `filler` makes it another file.
pub fn driver(filler: u8) -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    let put = |bytes: &mut Vec<u8>, at: usize, data: &[u8]| {
        bytes[at..at + data.len()].copy_from_slice(data);
    };
    let put16 = |bytes: &mut Vec<u8>, at: usize, n: u16| put(bytes, at, &n.to_le_bytes());
    let put32 = |bytes: &mut Vec<u8>, at: usize, n: u32| put(bytes, at, &n.to_le_bytes());
    put(&mut bytes, 0, b"MZ");
    put32(&mut bytes, 60, 0x40);
    put(&mut bytes, 0x40, b"PE\0\0");
    put16(&mut bytes, 0x44, 0x8664);
    put16(&mut bytes, 0x46, 3);
    put32(&mut bytes, 0x48, 0x5f00_0000);
    put16(&mut bytes, 0x54, 240);
    put16(&mut bytes, 0x56, 0x22);
    let optional = 0x58;
    put16(&mut bytes, optional, 0x20b);
    put32(&mut bytes, optional + 16, 0x1000);
    put32(&mut bytes, optional + 32, 0x1000); // SectionAlignment
    put32(&mut bytes, optional + 36, 0x200);
    put32(&mut bytes, optional + 56, 0x4000); // SizeOfImage
    put32(&mut bytes, optional + 60, 0x200);
    put16(&mut bytes, optional + 68, 1);
    put32(&mut bytes, optional + 108, 16);
    put32(&mut bytes, optional + 112 + 8, 0x2000);
    put32(&mut bytes, optional + 112 + 12, 60);
    put32(&mut bytes, optional + 112 + 16, 0x3000);
    put32(&mut bytes, optional + 112 + 20, 0x100);
    for (number, name) in [b".text\0\0\0", b".idata\0\0", b".rsrc\0\0\0"].iter().enumerate() {
        let at = optional + 240 + 40 * number;
        put(&mut bytes, at, *name);
        let place = number as u32 + 1;
        for (from, value) in [(8, 0x200), (12, 0x1000 * place), (16, 0x200), (20, 0x200 * place)] {
            put32(&mut bytes, at + from, value);
        }
    }
    bytes.resize(0x400, filler);
    let mut imports = vec![0; 0x200];
    for (number, name) in [&b"ntoskrnl.exe\0"[..], b"WDFLDR.SYS\0"].iter().enumerate() {
        let at = 0x80 + 0x20 * number;
        put32(&mut imports, 20 * number + 12, 0x2000 + at as u32);
        put(&mut imports, at, name);
    }
    bytes.extend(imports);
    let mut resources = vec![0; 0x200];
    // Type 16, name 1, language 1033: three directories of one entry, then the data's place.
    for (level, (id, next)) in
        [(16, 0x8000_0018u32), (1, 0x8000_0030), (1033, 0x48)].into_iter().enumerate()
    {
        put16(&mut resources, 24 * level + 14, 1);
        put32(&mut resources, 24 * level + 16, id);
        put32(&mut resources, 24 * level + 20, next);
    }
    put32(&mut resources, 0x48, 0x3080);
    put32(&mut resources, 0x4c, 92);
    put16(&mut resources, 0x80, 92);
    put16(&mut resources, 0x82, 52);
    for (number, unit) in "VS_VERSION_INFO".encode_utf16().enumerate() {
        put16(&mut resources, 0x86 + 2 * number, unit);
    }
    put32(&mut resources, 0xa8, 0xfeef_04bd);
    put32(&mut resources, 0xb0, 1 << 16 | 2);
    put32(&mut resources, 0xb4, 3 << 16 | 4);
    bytes.extend(resources);
    bytes
}
