export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { crc32c } from './crc32c.ts';
export { concatBytes, equalBytes, equalBytesConstantTime, isZero, wipe, zeros } from './octets.ts';
export { fromBase64Url, fromHex, fromUtf8, toBase64Url, toHex, utf8 } from './text.ts';
