//! Applies transaction logs to a hive with notatin and prints the keys and values it then reads, in hexadecimal.
//! usage: notatin-recover HIVE LOG...

use notatin::parser::ParserIterator;
use notatin::parser_builder::ParserBuilder;
use std::io::Write as _;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut builder = ParserBuilder::from_path(arguments.next().expect("HIVE"));
    for log in arguments {
        builder.with_transaction_log(log);
    }
    let parser = builder.build().expect("notatin opens the hive");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for key in ParserIterator::new(&parser).iter() {
        writeln!(out, "K {}", hex(key.path.as_bytes())).expect("written");
        for value in key.value_iter() {
            let name = value.detail.value_name();
            let data = value.detail.value_bytes().unwrap_or_default();
            writeln!(out, "V {} {}", hex(name.as_bytes()), hex(&data)).expect("written");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("-{digits}")
}
