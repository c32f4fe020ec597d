//! For the fuzzers; no part of the interface.

use std::io::{self, Read, Write};

use super::client::Client;

/// A server that says what it says, whatever it is asked.
struct Said<'a>(&'a [u8]);

impl Read for Said<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Said<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Negotiates with a server that says these bytes, and makes some requests; true when it came so far.
pub fn talk(said: &[u8]) -> bool {
    let Ok(mut client) = Client::connect(Said(said), "disk") else { return false };
    let mut bytes = [0; 512];
    for turn in 0..4 {
        let _ = client.read(turn * 512, &mut bytes);
        let _ = client.write(turn * 512, &bytes);
        let _ = client.flush();
    }
    client.disconnect();
    true
}
