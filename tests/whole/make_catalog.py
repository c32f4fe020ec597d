#!/usr/bin/env python3
"""A security catalog that is not signed yet, over files as they are: for osslsigncode to sign.

usage: make_catalog.py OUT.cat FILE...
"""
import hashlib, os, struct, sys


def tlv(tag, *parts):
    body = b''.join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else (lambda raw: bytes([0x80 | len(raw)]) + raw)(size.to_bytes((size.bit_length() + 7) // 8, 'big'))
    return bytes([tag]) + length + body


def oid(text):
    first, second, *rest = (int(part) for part in text.split('.'))
    out = bytes([first * 40 + second])
    for number in rest:
        piece = bytes([number & 0x7F])
        while number := number >> 7:
            piece = bytes([number & 0x7F | 0x80]) + piece
        out += piece
    return tlv(6, out)


def sequence(*parts): return tlv(0x30, *parts)
def octets(data): return tlv(4, data)
def integer(number): return tlv(2, number.to_bytes((number.bit_length() + 8) // 8, 'big'))
def wide(text): return text.encode('utf-16-le') + b'\0\0'


def digest(data):
    """SHA-256 of a file; of a program, as a signature in it would be over it."""
    at = struct.unpack_from('<I', data, 60)[0] if data[:2] == b'MZ' else 0
    if not at or data[at:at + 4] != b'PE\0\0':
        return False, hashlib.sha256(data).digest()
    optional = at + 24
    directory = optional + (128 if struct.unpack_from('<H', data, optional)[0] == 0x10B else 144)
    table, _ = struct.unpack_from('<II', data, directory)
    end = table or len(data)
    kept = data[:optional + 64] + data[optional + 68:directory] + data[directory + 8:end]
    return True, hashlib.sha256(kept + bytes(-len(data) % 8 if not table else 0)).digest()


def member(path):
    program, value = digest(open(path, 'rb').read())
    file = tlv(0xA2, tlv(0x80, '<<<Obsolete>>>'.encode('utf-16-be')))
    kind, what = ('15', sequence(tlv(3, b'\0'), tlv(0xA0, file))) if program else ('25', file)
    algorithm = sequence(oid('2.16.840.1.101.3.4.2.1'), b'\5\0')
    indirect = sequence(sequence(oid('1.3.6.1.4.1.311.2.1.' + kind), what), sequence(algorithm, octets(value)))
    name = sequence(tlv(0x1E, 'File'.encode('utf-16-be')), integer(0x10010001), octets(wide(os.path.basename(path))))
    return sequence(octets(wide(value.hex().upper())), tlv(0x31,
        sequence(oid('1.3.6.1.4.1.311.12.2.1'), tlv(0x31, name)),
        sequence(oid('1.3.6.1.4.1.311.2.1.4'), tlv(0x31, indirect))))


if __name__ == '__main__':
    out, *files = sys.argv[1:]
    listed = sequence(sequence(oid('1.3.6.1.4.1.311.12.1.1')), octets(bytes(16)), tlv(0x17, b'260101000000Z'),
                      sequence(oid('1.3.6.1.4.1.311.12.1.3'), b'\5\0'), sequence(*map(member, files)))
    signed = sequence(integer(1), tlv(0x31), sequence(oid('1.3.6.1.4.1.311.10.1'), tlv(0xA0, listed)), tlv(0x31))
    open(out, 'wb').write(sequence(oid('1.2.840.113549.1.7.2'), tlv(0xA0, signed)))
