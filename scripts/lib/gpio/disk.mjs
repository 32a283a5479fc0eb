/**
 * The machine's disk, and what is left of it when the power is cut.
 *
 * A disk may lose, in a power cut, whatever it was not told to flush. QEMU keeps no such writes back: killed, it leaves them in the
 * cache of this machine, where they survive. So QEMU also logs every write and every flush in their order (driver blklogwrites), and
 * the disk that the machine finds after the cut is made of the log: the disk as it was at the start, and the writes up to the last
 * flush. Nothing later survives, which is the worst a disk that keeps its word may do.
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ended } from '../images/command.mjs';

const diskBytes = 64 * 1024 * 1024;
/** The format of Linux's dm-log-writes, which QEMU writes: a block that describes the log, then entries and their data. */
const logMagic = 0x6a736677736872n;
const flags = { flush: 1n, discard: 4n };

/** @typedef {{ file: string, options: readonly string[], cutPower: () => { writes: number, lostBytes: number } }} Disk */

/** An empty ext4 file system. `options` are QEMU's.
 * @param {string} folder
 * @returns {Promise<Disk>}
 */
export async function makeDisk(folder) {
  const [file, atStart, log] = ['disk', 'disk-at-start', 'disk-log'].map((name) => join(folder, name));
  if (file === undefined || atStart === undefined || log === undefined) throw new Error('unreachable');
  writeFileSync(file, '');
  truncateSync(file, diskBytes);
  await ended(['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  const begin = () => {
    copyFileSync(file, atStart);
    writeFileSync(log, '');
  };
  begin();
  return {
    file,
    options: [
      ...['-blockdev', `driver=file,node-name=image,filename=${file}`],
      ...['-blockdev', `driver=file,node-name=log,filename=${log}`],
      ...['-blockdev', 'driver=blklogwrites,node-name=disk,file=image,log=log'],
      ...['-device', 'virtio-blk-pci,drive=disk'],
    ],
    /** To be called when the machine is gone: makes the disk what the next machine finds. Answers what is kept and what is lost. */
    cutPower() {
      const counts = replay(log, atStart);
      renameSync(atStart, file);
      begin();
      return counts;
    },
  };
}

/** Writes into `image` what was logged up to the last flush.
 * @param {string} log
 * @param {string} image
 */
function replay(log, image) {
  const from = openSync(log, 'r');
  const to = openSync(image, 'r+');
  try {
    const entries = readEntries(from);
    const end = entries.findLastIndex((entry) => (entry.flags & flags.flush) !== 0n);
    const kept = entries.slice(0, end + 1).filter(({ bytes }) => bytes > 0);
    for (const { offset, bytes, dataAt } of kept) {
      const data = Buffer.alloc(bytes);
      readSync(from, data, 0, bytes, dataAt);
      writeSync(to, data, 0, bytes, offset);
    }
    return { writes: kept.length, lostBytes: fstatSync(from).size - (entries[end]?.dataAt ?? 0) };
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

/** @typedef {{ flags: bigint, offset: number, bytes: number, dataAt: number }} Entry */

/** @param {number} file @returns {Entry[]} */
function readEntries(file) {
  const head = Buffer.alloc(512);
  readSync(file, head, 0, head.length, 0);
  if (head.readBigUInt64LE(0) !== logMagic) throw new Error('QEMU wrote no log of the disk');
  const count = Number(head.readBigUInt64LE(16));
  const sectorBytes = head.readUInt32LE(24);
  /** @type {Entry[]} */
  const entries = [];
  let at = sectorBytes;
  while (entries.length < count) {
    readSync(file, head, 0, 32, at);
    const [sector, sectors, entryFlags] = [0, 8, 16].map((offset) => head.readBigUInt64LE(offset));
    if (sector === undefined || sectors === undefined || entryFlags === undefined) throw new Error('unreachable');
    const bytes = (entryFlags & flags.discard) === 0n ? Number(sectors) * sectorBytes : 0;
    at += sectorBytes;
    entries.push({ flags: entryFlags, offset: Number(sector) * sectorBytes, bytes, dataAt: at });
    at += bytes;
  }
  return entries;
}
