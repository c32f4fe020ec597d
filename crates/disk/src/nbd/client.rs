//! The client's side of the protocol, over any stream.

use std::io::{self, Read, Write};

use super::NbdError;

const MAGIC: u64 = 0x4e42_444d_4147_4943; // "NBDMAGIC"
const OPTION: u64 = 0x4948_4156_454f_5054; // "IHAVEOPT"
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;

const FIXED_NEWSTYLE: u16 = 1;
const NO_ZEROES: u16 = 2;

const OPTION_EXPORT_NAME: u32 = 1;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_ERROR: u32 = 1 << 31;
const ERROR_UNSUPPORTED: u32 = REPLY_ERROR | 1;
const INFO_EXPORT: u16 = 0;
const INFO_BLOCK_SIZE: u16 = 3;

const READ_ONLY: u16 = 2;
const SEND_FLUSH: u16 = 4;

const READ: u16 = 0;
const WRITE: u16 = 1;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;

/// Replies to an option that are read before it counts as never answered.
const REPLIES_MAX: usize = 64;
/// Bytes of a reply to an option.
const REPLY_BYTES_MAX: u32 = 64 << 10;
/// Bytes of one request, where the server does not take less.
const REQUEST_BYTES_MAX: u32 = 4 << 20;
/// What requests begin and end at multiples of, where the server tells nothing.
const BLOCK: u32 = 512;
/// Requests smaller than a block of the server are made of whole ones, up to this size.
const BLOCK_MAX: u32 = 64 << 10;

/// A connection past its negotiation.
#[derive(Debug)]
pub(super) struct Client<S> {
    stream: S,
    /// Bytes of the export.
    pub(super) size: u64,
    /// Requests begin and end at multiples of this.
    pub(super) block: u32,
    /// Bytes of a request: whole blocks.
    pub(super) most: usize,
    flags: u16,
    next: u64,
    /// Requests and replies no longer match.
    broken: bool,
}

impl<S: Read + Write> Client<S> {
    /// Negotiates for an export.
    pub(super) fn connect(mut stream: S, export: &str) -> Result<Self, NbdError> {
        expect(u64::from_be_bytes(take(&mut stream)?), MAGIC, "the greeting")?;
        expect(u64::from_be_bytes(take(&mut stream)?), OPTION, "a server of the new style")?;
        let offered = u16::from_be_bytes(take(&mut stream)?);
        if offered & FIXED_NEWSTYLE == 0 {
            return Err(NbdError::Protocol { what: "fixed negotiation", found: offered.into() });
        }
        let flags = offered & (FIXED_NEWSTYLE | NO_ZEROES);
        stream.write_all(&u32::from(flags).to_be_bytes())?;
        let most = REQUEST_BYTES_MAX as usize;
        let mut client =
            Self { stream, size: 0, block: BLOCK, most, flags: 0, next: 1, broken: false };
        if !client.go(export)? {
            client.export_name(export, flags & NO_ZEROES == 0)?;
        }
        if client.block > BLOCK_MAX || !client.block.is_power_of_two() {
            return Err(NbdError::BlockSize { bytes: client.block });
        }
        client.most -= client.most % client.block as usize;
        if client.most == 0 {
            return Err(NbdError::Protocol { what: "requests of a block", found: 0 });
        }
        if client.size > i64::MAX as u64 {
            return Err(NbdError::Protocol { what: "the size", found: client.size });
        }
        Ok(client)
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.flags & READ_ONLY != 0
    }

    pub(super) fn can_flush(&self) -> bool {
        self.flags & SEND_FLUSH != 0
    }

    /// Asks for the export with `GO`; false when the server does not know that.
    fn go(&mut self, export: &str) -> Result<bool, NbdError> {
        let mut data = (export.len() as u32).to_be_bytes().to_vec();
        data.extend_from_slice(export.as_bytes());
        data.extend_from_slice(&1_u16.to_be_bytes());
        data.extend_from_slice(&INFO_BLOCK_SIZE.to_be_bytes());
        self.option(OPTION_GO, &data)?;
        let mut known = false;
        for _ in 0..REPLIES_MAX {
            expect(u64::from_be_bytes(self.take()?), OPTION_REPLY, "a reply to an option")?;
            let option = u32::from_be_bytes(self.take()?);
            expect(option.into(), OPTION_GO.into(), "a reply to the option asked for")?;
            let kind = u32::from_be_bytes(self.take()?);
            let length = u32::from_be_bytes(self.take()?);
            if length > REPLY_BYTES_MAX {
                return Err(NbdError::Protocol { what: "a short reply", found: length.into() });
            }
            let mut data = vec![0; length as usize];
            self.stream.read_exact(&mut data)?;
            match kind {
                REPLY_ACK if known => return Ok(true),
                REPLY_ACK => {
                    return Err(NbdError::Protocol { what: "the export's size", found: 0 });
                }
                REPLY_INFO => known |= self.inform(&data)?,
                ERROR_UNSUPPORTED => return Ok(false),
                code if code & REPLY_ERROR != 0 => {
                    let letters = data.iter().take(200).map(|byte| char::from(*byte));
                    let message = letters.filter(|c| matches!(c, ' '..='~')).collect();
                    return Err(NbdError::Refused { code, message });
                }
                _ => {}
            }
        }
        Err(NbdError::Protocol { what: "an end of replies", found: REPLIES_MAX as u64 })
    }

    /// Takes in a reply about the export; true when it tells the size.
    fn inform(&mut self, data: &[u8]) -> Result<bool, NbdError> {
        let found = data.len() as u64;
        let short = || NbdError::Protocol { what: "a whole reply", found };
        let (kind, rest) = data.split_first_chunk().ok_or_else(short)?;
        match u16::from_be_bytes(*kind) {
            INFO_EXPORT => {
                let (size, rest) = rest.split_first_chunk().ok_or_else(short)?;
                self.size = u64::from_be_bytes(*size);
                self.flags = u16::from_be_bytes(*rest.first_chunk().ok_or_else(short)?);
                Ok(true)
            }
            INFO_BLOCK_SIZE => {
                let (block, rest) = rest.split_first_chunk().ok_or_else(short)?;
                let (_, most) = rest.split_first_chunk::<4>().ok_or_else(short)?;
                let most = u32::from_be_bytes(*most.first_chunk().ok_or_else(short)?);
                self.block = u32::from_be_bytes(*block);
                self.most = most.min(REQUEST_BYTES_MAX) as usize;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn export_name(&mut self, export: &str, zeroes: bool) -> Result<(), NbdError> {
        self.option(OPTION_EXPORT_NAME, export.as_bytes())?;
        self.size = u64::from_be_bytes(self.take()?);
        self.flags = u16::from_be_bytes(self.take()?);
        if zeroes {
            let _: [u8; 124] = self.take()?;
        }
        Ok(())
    }

    fn option(&mut self, option: u32, data: &[u8]) -> Result<(), NbdError> {
        let mut message = OPTION.to_be_bytes().to_vec();
        message.extend_from_slice(&option.to_be_bytes());
        message.extend_from_slice(&(data.len() as u32).to_be_bytes());
        message.extend_from_slice(data);
        self.stream.write_all(&message)?;
        Ok(self.stream.flush()?)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], NbdError> {
        Ok(take(&mut self.stream)?)
    }

    /// Fills `buf` from `offset`; a request of at most [`Self::most`] bytes, in whole blocks.
    pub(super) fn read(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.exchange(READ, offset, buf.len(), &[], Some(buf))
    }

    /// Writes `data` at `offset`; a request of at most [`Self::most`] bytes, in whole blocks.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.exchange(WRITE, offset, data.len(), data, None)
    }

    /// Returns when everything written so far is durable.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.exchange(FLUSH, 0, 0, &[], None)
    }

    /// Says goodbye; the server does not answer.
    pub(super) fn disconnect(&mut self) {
        if !self.broken {
            let handle = self.handle();
            let _ = self.stream.write_all(&request(DISCONNECT, handle, 0, 0));
            let _ = self.stream.flush();
            self.broken = true;
        }
    }

    fn handle(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// One request and its reply. What goes wrong with the connection breaks it for good; what the server says does not.
    fn exchange(
        &mut self,
        kind: u16,
        offset: u64,
        length: usize,
        data: &[u8],
        buf: Option<&mut [u8]>,
    ) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let length = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.broken = true;
        let handle = self.handle();
        self.stream.write_all(&request(kind, handle, offset, length))?;
        self.stream.write_all(data)?;
        self.stream.flush()?;
        let magic = u32::from_be_bytes(take(&mut self.stream)?);
        let error = u32::from_be_bytes(take(&mut self.stream)?);
        let answered = u64::from_be_bytes(take(&mut self.stream)?);
        if magic != REPLY || answered != handle {
            let text = "the NBD server answers something else";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if error != 0 {
            self.broken = false;
            return Err(server_error(error));
        }
        if let Some(buf) = buf {
            self.stream.read_exact(buf)?;
        }
        self.broken = false;
        Ok(())
    }
}

fn request(kind: u16, handle: u64, offset: u64, length: u32) -> Vec<u8> {
    let mut message = REQUEST.to_be_bytes().to_vec();
    message.extend_from_slice(&0_u16.to_be_bytes());
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&handle.to_be_bytes());
    message.extend_from_slice(&offset.to_be_bytes());
    message.extend_from_slice(&length.to_be_bytes());
    message
}

/// The protocol's error numbers are those of Linux.
fn server_error(error: u32) -> io::Error {
    let kind = match error {
        1 => io::ErrorKind::PermissionDenied,
        22 => io::ErrorKind::InvalidInput,
        28 => io::ErrorKind::StorageFull,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("the NBD server reports error {error}"))
}

fn take<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn expect(found: u64, expected: u64, what: &'static str) -> Result<(), NbdError> {
    if found == expected { Ok(()) } else { Err(NbdError::Protocol { what, found }) }
}
