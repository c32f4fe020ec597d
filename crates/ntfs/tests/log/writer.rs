//! A small writer of logs, in versions 1.1 and 2.0: pages, laps, tail copies, checkpoints.

const PAGE: usize = 4096;
const DATA_OFFSET: usize = 0x40;
const HEADER: usize = 0x30;

/// Puts a number into bytes.
pub(super) fn put(bytes: &mut [u8], at: usize, number: u64, length: usize) {
    bytes[at..at + length].copy_from_slice(&number.to_le_bytes()[..length]);
}

/// Protects a page by its update sequence, whose array lies at `at`.
pub(super) fn protect(page: &mut [u8], at: usize) {
    let count = page.len() / 512 + 1;
    put(page, 4, at as u64, 2);
    put(page, 6, count as u64, 2);
    page[at..at + 2].copy_from_slice(&[7, 0]);
    for piece in 1..count {
        let end = piece * 512 - 2;
        page.copy_within(end..end + 2, at + 2 * piece);
        page[end..end + 2].copy_from_slice(&[7, 0]);
    }
}

/// An operation with what it is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Operation {
    pub(super) redo: u16,
    pub(super) undo: u16,
    pub(super) redo_data: Vec<u8>,
    pub(super) undo_data: Vec<u8>,
    pub(super) target: u16,
    pub(super) record_offset: u16,
    pub(super) attribute_offset: u16,
    /// In units of 512 bytes.
    pub(super) block_offset: u16,
    pub(super) block_size: u16,
    pub(super) vcn: u64,
    pub(super) lcns: Vec<u64>,
    /// Zeros at the end of the redo data that the log leaves out.
    pub(super) zeros: u16,
}

impl Operation {
    fn bytes(&self) -> Vec<u8> {
        let list = 0x20 + 8 * self.lcns.len().max(1);
        let undo_at = list + self.redo_data.len().next_multiple_of(8);
        let end = undo_at + self.undo_data.len();
        let mut bytes = vec![0; end.next_multiple_of(8)];
        let fields = [
            self.redo,
            self.undo,
            list as u16,
            self.redo_data.len() as u16 + self.zeros,
            undo_at as u16,
            self.undo_data.len() as u16,
            self.target,
            self.lcns.len() as u16,
            self.record_offset,
            self.attribute_offset,
            self.block_offset,
            self.block_size,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            put(&mut bytes, 2 * index, field.into(), 2);
        }
        put(&mut bytes, 0x18, self.vcn, 8);
        for (index, lcn) in self.lcns.iter().enumerate() {
            put(&mut bytes, 0x20 + 8 * index, *lcn, 8);
        }
        bytes[list..list + self.redo_data.len()].copy_from_slice(&self.redo_data);
        bytes[undo_at..end].copy_from_slice(&self.undo_data);
        bytes
    }
}

/// An entry in use of a table: fields by place, number, length.
fn entry(fields: &[(usize, u64, usize)], length: usize) -> Vec<u8> {
    let mut entry = vec![0; length];
    put(&mut entry, 0, 0xffff_ffff, 4);
    for (at, number, length) in fields {
        put(&mut entry, *at, *number, *length);
    }
    entry
}

/// Bytes of an entry of the table of open attributes.
pub(super) fn open_size(version: u32) -> usize {
    if version == 0 { 0x2c } else { 0x28 }
}

/// An open attribute: type, file, bytes of an index block.
pub(super) fn open_entry(version: u32, (kind, file, block): (u32, u64, u32)) -> Vec<u8> {
    let file = file | file.max(1) << 48;
    let (kind_at, file_at, block_at) =
        if version == 0 { (0x1c, 0x08, 0x28) } else { (0x08, 0x10, 0x04) };
    let fields = [(block_at, block.into(), 4), (kind_at, kind.into(), 4), (file_at, file, 8)];
    entry(&fields, open_size(version))
}

/// A log in the making.
pub(super) struct Writer {
    bytes: Vec<u8>,
    major: u16,
    bits: u32,
    first: usize,
    at: usize,
    lap: u64,
    pub(super) last: u64,
    last_end_page: usize,
    checkpoint: u64,
    /// The last record before the checkpoint's tables.
    oldest: u64,
    /// Version of the tables: 0 up to Windows XP.
    pub(super) tables: u32,
}

impl Writer {
    /// A log of `size` bytes whose first record stands `skip` pages behind the first place for one.
    pub(super) fn new(size: usize, major: u16, skip: usize) -> Self {
        let first = if major == 1 { 4 * PAGE } else { 34 * PAGE };
        let bits = 67 - (usize::BITS - size.leading_zeros());
        let (at, lap) = (first + skip * PAGE + DATA_OFFSET, 2);
        let bytes = vec![0xff; size];
        let mut writer = Self {
            bytes,
            major,
            bits,
            first,
            at,
            lap,
            last: 0,
            last_end_page: 0,
            checkpoint: 0,
            oldest: 0,
            tables: 1,
        };
        writer.begin_page(at - DATA_OFFSET);
        writer
    }

    fn begin_page(&mut self, page: usize) {
        let bytes = &mut self.bytes[page..page + PAGE];
        bytes.fill(0);
        bytes[..4].copy_from_slice(b"RCRD");
        put(bytes, 0x14, 1, 2);
        put(bytes, 0x16, 1, 2);
    }

    fn next_page(&mut self) {
        let mut page = self.at - self.at % PAGE;
        if self.at.is_multiple_of(PAGE) {
            page -= PAGE;
        }
        page += PAGE;
        if page + PAGE > self.bytes.len() {
            page = self.first;
            self.lap += 1;
        }
        self.begin_page(page);
        self.at = page + DATA_OFFSET;
    }

    /// Adds a record; its LSN.
    fn append(
        &mut self,
        (kind, flags): (u32, u64),
        transaction: u32,
        chain: (u64, u64),
        data: &[u8],
    ) -> u64 {
        if self.at.is_multiple_of(PAGE) || PAGE - self.at % PAGE < HEADER {
            self.next_page();
        }
        let lsn = self.lap << (64 - self.bits) | self.at as u64 >> 3;
        let mut record = vec![0; HEADER];
        for (at, number, length) in [
            (0x00, lsn, 8),
            (0x08, chain.0, 8),
            (0x10, chain.1, 8),
            (0x18, data.len() as u64, 4),
            (0x20, kind.into(), 4),
            (0x24, transaction.into(), 4),
            // It goes on on the next page.
            (0x28, flags | u64::from(HEADER + data.len() > PAGE - self.at % PAGE), 2),
        ] {
            put(&mut record, at, number, length);
        }
        record.extend_from_slice(data);
        let mut rest = record.as_slice();
        while !rest.is_empty() {
            if self.at.is_multiple_of(PAGE) {
                self.next_page();
            }
            let page = self.at - self.at % PAGE;
            let (now, later) = rest.split_at(rest.len().min(page + PAGE - self.at));
            self.bytes[self.at..self.at + now.len()].copy_from_slice(now);
            self.at += now.len();
            // A page that a record goes through is of its LSN.
            put(&mut self.bytes, page + 0x08, lsn, 8);
            rest = later;
        }
        let page = (self.at - 1) - (self.at - 1) % PAGE;
        self.at = self.at.next_multiple_of(8);
        put(&mut self.bytes, page + 0x10, 1, 4);
        put(&mut self.bytes, page + 0x18, (self.at - page) as u64, 2);
        put(&mut self.bytes, page + 0x20, lsn, 8);
        (self.last, self.last_end_page) = (lsn, page);
        lsn
    }

    /// Adds an operation of a transaction. `chain`: its last record, and the one to undo next.
    pub(super) fn operation(
        &mut self,
        transaction: u32,
        chain: (u64, u64),
        operation: &Operation,
    ) -> u64 {
        let flags = if operation.zeros == 0 { 0 } else { 4 };
        self.append((1, flags), transaction, chain, &operation.bytes())
    }

    /// Adds a checkpoint with its tables: open attributes (type, file, index block), dirty pages (attribute, VCN, LCN, LSN), and
    /// transactions (number, last LSN).
    pub(super) fn checkpoint(
        &mut self,
        start: u64,
        attributes: &[(u32, u64, u32)],
        pages: &[(u32, u64, u64, u64)],
        transactions: &[(u32, u64)],
    ) {
        let table = |entries: Vec<Vec<u8>>, size: usize| {
            let mut table = vec![0; 0x18];
            put(&mut table, 0, size as u64, 2);
            put(&mut table, 2, entries.len() as u64, 2);
            put(&mut table, 4, entries.len() as u64, 2);
            put(&mut table, 0xc, 0xffff_ffff, 4);
            table.extend(entries.concat());
            table
        };
        let version = self.tables;
        let open = attributes.iter().map(|attribute| open_entry(version, *attribute));
        let open = table(open.collect(), open_size(version));
        let (length, vcn_at, lsn_at, lcn_at) =
            if version == 0 { (0x2c, 0x14, 0x1c, 0x24) } else { (0x28, 0x10, 0x18, 0x20) };
        let dirty = pages.iter().map(|(target, vcn, lcn, lsn)| {
            let target = (4, (*target).into(), 4);
            let places = [(vcn_at, *vcn, 8), (lsn_at, *lsn, 8), (lcn_at, *lcn, 8)];
            entry(&[&[target, (8, 4096, 4), (0xc, 1, 4)], &places[..]].concat(), length)
        });
        let dirty = table(dirty.collect(), length);
        let mut running = Vec::new();
        // A transaction's number is its place in the table.
        for number in
            0..transactions.iter().map(|(id, _)| id).max().map_or(0, |id| (id - 0x18) / 0x28 + 1)
        {
            let id = 0x18 + number * 0x28;
            running.push(match transactions.iter().find(|(running, _)| *running == id) {
                Some((_, lsn)) => {
                    entry(&[(4, 1, 1), (8, *lsn, 8), (0x10, *lsn, 8), (0x18, *lsn, 8)], 0x28)
                }
                None => vec![0; 0x28],
            });
        }
        let running = table(running, 0x28);
        self.oldest = self.last;
        let mut dump = |code: u16, table: &[u8], empty: bool| {
            let operation = Operation {
                redo: code,
                redo_data: table.to_vec(),
                target: 0x18,
                ..Operation::default()
            };
            if empty { 0 } else { self.operation(0x18, (0, 0), &operation) }
        };
        let open_at = dump(0x1d, &open, attributes.is_empty());
        let dirty_at = dump(0x1f, &dirty, pages.is_empty());
        let running_at = dump(0x20, &running, transactions.is_empty());
        let mut data = vec![0; 0x70];
        for (at, number) in [
            (0, version.into()),
            (0x08, start),
            (0x10, open_at),
            (0x20, dirty_at),
            (0x28, running_at),
        ] {
            put(&mut data, at, number, 8);
        }
        self.checkpoint = self.append((2, 0), 0, (0, 0), &data);
    }

    /// The log as the disk holds it. With `tail`, the last page is only in the tail area, and torn in its own place.
    pub(super) fn finish(mut self, tail: bool) -> Vec<u8> {
        let page = self.last_end_page;
        // The copies in the tail area; of version 2 only one is made here.
        let mut copy = self.bytes[page..page + PAGE].to_vec();
        if self.major == 1 {
            put(&mut copy, 8, page as u64, 8);
            self.bytes[2 * PAGE..3 * PAGE].copy_from_slice(&copy);
        }
        if tail || self.major == 1 {
            self.bytes[3 * PAGE..4 * PAGE].copy_from_slice(&copy);
        }
        for at in (2 * PAGE..self.bytes.len()).step_by(PAGE) {
            if self.bytes[at..].starts_with(b"RCRD") {
                protect(&mut self.bytes[at..at + PAGE], 0x28);
            }
        }
        if tail {
            self.bytes[page + 1022] ^= 0xff;
        }
        for place in [0, PAGE] {
            let size = self.bytes.len() as u64;
            let mut restart = vec![0; PAGE];
            restart[..4].copy_from_slice(b"RSTR");
            let minor = if self.major == 1 { 1 } else { 0 };
            for (at, number, length) in [
                (0x10, PAGE as u64, 4),
                (0x14, PAGE as u64, 4),
                (0x18, 0x30, 2),
                (0x1a, minor, 2),
                (0x1c, self.major.into(), 2),
                // The restart area.
                (0x30, self.checkpoint, 8),
                (0x38, 1, 2),
                (0x3a, 0xffff, 2),
                (0x3c, 0, 2),
                (0x40, self.bits.into(), 4),
                (0x44, 0xe0, 2),
                (0x46, 0x40, 2),
                (0x48, size, 8),
                (0x50, 0x70, 4),
                (0x54, HEADER as u64, 2),
                (0x56, DATA_OFFSET as u64, 2),
                // The client: its oldest and its restart LSN.
                (0x70, self.oldest, 8),
                (0x78, self.checkpoint, 8),
                (0x80, 0xffff, 2),
                (0x82, 0xffff, 2),
                (0x8c, 8, 4),
            ] {
                put(&mut restart, at, number, length);
            }
            restart[0x90..0x98].copy_from_slice(b"N\0T\0F\0S\0");
            protect(&mut restart, 0x1e);
            self.bytes[place..place + PAGE].copy_from_slice(&restart);
        }
        self.bytes
    }
}
