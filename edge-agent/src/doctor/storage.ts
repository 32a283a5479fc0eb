/** The data directory: may it be written, has it room, and does a flush reach something that survives a power cut? */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';
import { sizeInWords } from './words.js';

/** For an ordinary user. */
interface Room {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export interface Mount {
  readonly fileSystem: string;
  readonly device: string;
  /** As the kernel says of the device; undefined where it has none. */
  readonly isRotational?: boolean;
}

export interface StorageWorld {
  /** The code of the error when a file cannot be made there, else undefined. */
  writeProblem(directory: string): Promise<string | undefined>;
  readVolume(directory: string): Promise<Room>;
  /** undefined where the system does not tell. */
  mountOf(directory: string): Promise<Mount | undefined>;
  /** How long single flushed writes took, in milliseconds. */
  timeFlushesMs(directory: string): Promise<readonly number[]>;
}

/** Below this the next passages may find no room. */
const minFreeBytes = 64 * 1024 * 1024;
/** An opening by the edge's own choice waits for a flush. */
const slowFlushMs = 50;

const writeRemedies: Readonly<Record<string, string>> = {
  ENOENT: 'make it for the user that runs the agent (mode 0750), or enrol the edge, which makes it',
  EACCES: 'run this as the user that runs the agent; if it is that user, give it the directory (chown)',
  EPERM: 'run this as the user that runs the agent; if it is that user, give it the directory (chown)',
  EROFS: 'the file system is read-only: see "dmesg" for a failing card, else mount it writable',
  ENOSPC: 'the disk is full: make room',
  EDQUOT: 'the quota is used up: make room',
  ENOTDIR: 'dataDir names something that is no directory',
};

/** @param maxOutboxBytes what the outbox may come to hold */
export async function checkStorage(world: StorageWorld, directory: string, maxOutboxBytes: number): Promise<Finding[]> {
  const { pass, fail } = findingsOf('data directory');
  const problem = await world.writeProblem(directory);
  if (problem !== undefined) {
    const remedy = writeRemedies[problem] ?? 'look at the path, its owner and its disk';
    return [fail(`${directory} cannot be written (${problem})`, remedy)];
  }
  const mount = await world.mountOf(directory);
  return [
    pass(`${directory} can be written`),
    roomOf(await world.readVolume(directory), maxOutboxBytes),
    ...(mount === undefined ? [] : [kindOf(mount)]),
    flushOf(await world.timeFlushesMs(directory), mount),
  ];
}

function roomOf({ freeBytes, sizeBytes }: Room, maxOutboxBytes: number): Finding {
  const { pass, warn, fail } = findingsOf('disk space');
  const says = `${sizeInWords(freeBytes)} free of ${sizeInWords(sizeBytes)}`;
  if (freeBytes < minFreeBytes) return fail(says, 'make room: with a full disk entries close');
  if (freeBytes >= maxOutboxBytes) return pass(says);
  return warn(
    `${says}; the outbox may grow to ${sizeInWords(maxOutboxBytes)}`,
    'make room, or set outbox.maxBytes below what is free',
  );
}

function kindOf({ fileSystem, device }: Mount): Finding {
  const { pass, warn } = findingsOf('file system');
  const says = `${fileSystem} on ${device}`;
  if (/^(tmpfs|ramfs)$/.test(fileSystem)) {
    return warn(`${says} is in memory: everything is lost at a power cut`, 'put dataDir on a disk');
  }
  if (/^(overlay|overlayfs|aufs)$/.test(fileSystem)) {
    return warn(`${says} goes with its container, or is thrown away at a reboot`, 'put dataDir on a volume of its own');
  }
  if (/^(nfs4?|cifs|smb3?|smbfs|9p|virtiofs|ceph|glusterfs|fuse\..+)$/.test(fileSystem)) {
    return warn(
      `${says} is reached over a network or another program`,
      'put dataDir on a local disk: locks and flushes count',
    );
  }
  return pass(says);
}

function flushOf(timesMs: readonly number[], mount: Mount | undefined): Finding {
  const { pass, warn } = findingsOf('flush');
  const medianMs = medianOf(timesMs);
  if (medianMs === undefined) return warn('could not be measured');
  const says = `${medianMs.toFixed(2)} ms for a flushed write (median of ${String(timesMs.length)})`;
  const honest = leastHonestMs(mount);
  if (medianMs < honest.ms) {
    return warn(
      `${says}: faster than ${honest.what} can be, so flushes may not be kept`,
      'cut the power under load once and verify with "edge outbox"; see docs/how-to/storage.md',
    );
  }
  if (medianMs <= slowFlushMs) return pass(says);
  return warn(`${says}: a vehicle waits for it at every opening by the edge’s own choice`, 'use a faster card or disk');
}

function leastHonestMs(mount: Mount | undefined): { readonly ms: number; readonly what: string } {
  const device = mount?.device ?? '';
  if (device.startsWith('/dev/mmcblk')) return { ms: 0.3, what: 'an SD card' };
  if (device.startsWith('/dev/sd') && mount?.isRotational === true) return { ms: 1, what: 'a spinning disk' };
  return { ms: 0.02, what: 'storage that keeps data' };
}

function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
