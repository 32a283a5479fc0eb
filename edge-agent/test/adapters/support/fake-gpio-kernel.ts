/**
 * A kernel with GPIO chips behind the calls of the character device. It reads and writes the structures of linux/gpio.h at the places
 * where a C compiler puts them on x86-64 and arm64 (offsetof and sizeof, printed once and copied here), and is as strict as the kernel is.
 */
import type { GpioSystem } from '../../../src/adapters/gpio-barrier/character-device/system.js';

const chipInfo = { number: 0x8044b401, size: 68, label: 32, lines: 64 };
const lineInfo = { number: 0xc100b405, size: 256, consumer: 32, offset: 64, flags: 72 };
const lineRequest = {
  number: 0xc250b407,
  size: 592,
  consumer: 256,
  flags: 288,
  attributeCount: 296,
  configPadding: [300, 320],
  attributes: 320,
  lineCount: 560,
  bufferedEvents: 564,
  padding: [568, 588],
  file: 588,
} as const;
const attribute = { size: 24, padding: 4, value: 8, mask: 16 };
const lineValues = { get: 0xc010b40e, set: 0xc010b40f, size: 16, mask: 8 };
const lineEvent = { size: 48, id: 8, offset: 12, seq: 16, lineSeq: 20 };
const flag = { used: 1n, activeLow: 2n, input: 4n, output: 8n, rising: 16n, falling: 32n };
const biasOf: Readonly<Record<string, string>> = {
  '0': 'as-is',
  '256': 'pull-up',
  '512': 'pull-down',
  '1024': 'disabled',
};

export interface FakeLine {
  high: boolean;
  consumer: string | undefined;
  flags: bigint;
  bias: string;
  debounceUs: number;
  /** While it fails: the code. */
  failure: string | undefined;
}

export interface FakeChip {
  readonly name: string;
  readonly label: string;
  readonly lines: readonly FakeLine[];
}

interface Request {
  readonly chip: FakeChip;
  readonly offsets: readonly number[];
  readonly capacity: number;
  readonly events: Uint8Array[];
  readonly seqs: Map<number, number>;
  seq: number;
  onReadable: ((error: Error | null) => void) | undefined;
}

export interface FakeKernel {
  readonly system: GpioSystem;
  readonly chips: Map<string, FakeChip>;
  /** Files that are open. */
  readonly openFiles: number;
  addChip(path: string, label: string, lines: number, name?: string): FakeChip;
  line(bcm: number): FakeLine;
  drive(bcm: number, high: boolean): void;
  /** Readers do not get to run meanwhile. */
  busy(act: () => void): void;
  /** Chips by whose path opening fails. */
  readonly refused: Map<string, string>;
  /** Request numbers that fail. */
  readonly failing: Map<number, string>;
  /** Takes the chip away: whoever watches is told that nothing comes any more. */
  unplug(): void;
  nowNs: bigint;
}

export function createFakeKernel(): FakeKernel {
  const chips = new Map<string, FakeChip>();
  const files = new Map<number, { chip: FakeChip; request?: Request }>();
  const refused = new Map<string, string>();
  const failing = new Map<number, string>();
  let nextFile = 20;
  let isBusy = false;

  const readable = (request: Request): void => {
    while (!isBusy && request.events.length > 0 && request.onReadable !== undefined) request.onReadable(null);
  };
  const requests = (): Request[] =>
    [...files.values()].flatMap(({ request }) => (request === undefined ? [] : [request]));

  const tell = (request: Request, offset: number, high: boolean): void => {
    const line = lineOf(request.chip, offset);
    const active = high !== ((line.flags & flag.activeLow) !== 0n);
    if ((line.flags & (active ? flag.rising : flag.falling)) === 0n) return;
    const bytes = new Uint8Array(lineEvent.size);
    const view = new DataView(bytes.buffer);
    const lineSeq = (request.seqs.get(offset) ?? 0) + 1;
    request.seqs.set(offset, lineSeq);
    request.seq = (request.seq + 1) >>> 0;
    view.setBigUint64(0, kernel.nowNs, true);
    view.setUint32(lineEvent.id, active ? 1 : 2, true);
    view.setUint32(lineEvent.offset, offset, true);
    view.setUint32(lineEvent.seq, request.seq, true);
    view.setUint32(lineEvent.lineSeq, lineSeq, true);
    // The oldest gives way.
    if (request.events.length >= request.capacity) request.events.shift();
    request.events.push(bytes);
    readable(request);
  };

  const getLines = (chip: FakeChip, bytes: Uint8Array): void => {
    const view = viewOf(bytes, lineRequest.size);
    for (const [from, to] of [lineRequest.configPadding, lineRequest.padding]) {
      if (bytes.subarray(from, to).some((byte) => byte !== 0)) fail('EINVAL');
    }
    const count = view.getUint32(lineRequest.lineCount, true);
    const attributeCount = view.getUint32(lineRequest.attributeCount, true);
    if (count === 0 || count > 64 || attributeCount > 10) fail('EINVAL');
    const offsets = Array.from({ length: count }, (_, place) => view.getUint32(place * 4, true));
    const consumer = text(bytes, lineRequest.consumer);
    const wanted = offsets.map((offset, place) => {
      if (offset >= chip.lines.length) fail('EINVAL');
      const line = lineOf(chip, offset);
      if (line.consumer !== undefined) fail('EBUSY');
      if (line.failure !== undefined) fail(line.failure);
      const asked = attributesOf(view, place, attributeCount);
      const flags = asked.flags ?? view.getBigUint64(lineRequest.flags, true);
      checkFlags(flags, asked);
      return { line, flags, asked };
    });
    for (const { line, flags, asked } of wanted) {
      const bias = biasOf[String(flags & 0x700n)] ?? fail('EINVAL');
      const high = (asked.value === true) !== ((flags & flag.activeLow) !== 0n);
      Object.assign(line, { consumer, flags, bias, debounceUs: asked.debounceUs });
      if ((flags & flag.output) !== 0n) line.high = high;
    }
    const capacity = view.getUint32(lineRequest.bufferedEvents, true) || count * 16;
    const file = nextFile++;
    const request = {
      chip,
      offsets,
      capacity,
      events: [],
      seqs: new Map<number, number>(),
      seq: 0,
      onReadable: undefined,
    };
    files.set(file, { chip, request });
    view.setInt32(lineRequest.file, file, true);
  };

  const values = (request: Request, bytes: Uint8Array, isSet: boolean): void => {
    const view = viewOf(bytes, lineValues.size);
    const mask = view.getBigUint64(lineValues.mask, true);
    let bits = view.getBigUint64(0, true);
    if (mask === 0n || mask >> BigInt(request.offsets.length) !== 0n) fail('EINVAL');
    for (const [place, offset] of request.offsets.entries()) {
      const bit = 1n << BigInt(place);
      if ((mask & bit) === 0n) continue;
      const line = lineOf(request.chip, offset);
      if (line.failure !== undefined) fail(line.failure);
      const isLow = (line.flags & flag.activeLow) !== 0n;
      if (isSet && (line.flags & flag.output) === 0n) fail('EPERM');
      if (isSet) line.high = ((bits & bit) !== 0n) !== isLow;
      else bits = line.high !== isLow ? bits | bit : bits & ~bit;
    }
    view.setBigUint64(0, bits, true);
  };

  const control = (file: number, number: number, bytes: Uint8Array): void => {
    const code = failing.get(number);
    if (code !== undefined) fail(code);
    const { chip, request } = files.get(file) ?? fail('EBADF');
    if (request !== undefined) {
      if (number !== lineValues.get && number !== lineValues.set) fail('EINVAL');
      values(request, bytes, number === lineValues.set);
      return;
    }
    if (number === chipInfo.number) {
      const view = viewOf(bytes, chipInfo.size);
      put(bytes, 0, chip.name);
      put(bytes, chipInfo.label, chip.label);
      view.setUint32(chipInfo.lines, chip.lines.length, true);
    } else if (number === lineInfo.number) {
      const view = viewOf(bytes, lineInfo.size);
      const offset = view.getUint32(lineInfo.offset, true);
      if (offset >= chip.lines.length) fail('EINVAL');
      const line = lineOf(chip, offset);
      put(bytes, lineInfo.consumer, line.consumer ?? '');
      view.setBigUint64(lineInfo.flags, line.consumer === undefined ? 0n : line.flags | flag.used, true);
    } else if (number === lineRequest.number) {
      getLines(chip, bytes);
    } else {
      fail('EINVAL');
    }
  };

  const system: GpioSystem = {
    devices: () => [...chips.keys()].sort(),
    open(path) {
      const code = refused.get(path);
      if (code !== undefined) fail(code);
      const file = nextFile++;
      files.set(file, { chip: chips.get(path) ?? fail('ENOENT') });
      return file;
    },
    close(file) {
      const { chip, request } = files.get(file) ?? fail('EBADF');
      for (const offset of request?.offsets ?? []) Object.assign(lineOf(chip, offset), freeLine);
      files.delete(file);
    },
    control,
    read(file, into) {
      const { request } = files.get(file) ?? fail('EBADF');
      const events = request?.events.splice(0, Math.floor(into.byteLength / lineEvent.size)) ?? [];
      if (events.length === 0) throw new Error('would wait for ever');
      for (const [index, bytes] of events.entries()) into.set(bytes, index * lineEvent.size);
      return events.length * lineEvent.size;
    },
    watch(file, onReadable) {
      const request = files.get(file)?.request ?? fail('EBADF');
      request.onReadable = onReadable;
      readable(request);
      return () => {
        request.onReadable = undefined;
      };
    },
    nowNs: () => kernel.nowNs,
  };

  const first = (): FakeChip => [...chips.values()][0] ?? fail('ENODEV');
  const kernel: FakeKernel = {
    system,
    chips,
    refused,
    failing,
    nowNs: 5_000_000_000n,
    get openFiles() {
      return files.size;
    },
    addChip(path, label, lines, name = path.slice('/dev/'.length)) {
      const chip = { name, label, lines: Array.from({ length: lines }, () => ({ high: false, ...freeLine })) };
      chips.set(path, chip);
      return chip;
    },
    line: (bcm) => lineOf(first(), bcm),
    drive(bcm, high) {
      const line = lineOf(first(), bcm);
      if (line.high === high) return;
      line.high = high;
      for (const request of requests()) if (request.offsets.includes(bcm)) tell(request, bcm, high);
    },
    busy(act) {
      isBusy = true;
      act();
      isBusy = false;
      for (const request of requests()) readable(request);
    },
    unplug() {
      const error = Object.assign(new Error('ENODEV: gone'), { code: 'ENODEV' });
      for (const request of requests()) request.onReadable?.(error);
    },
  };
  return kernel;
}

const freeLine = { consumer: undefined, flags: 0n, bias: 'as-is', debounceUs: 0, failure: undefined };

interface Asked {
  readonly flags: bigint | undefined;
  readonly value: boolean | undefined;
  readonly debounceUs: number;
}

/** The first attribute of a kind that names the line counts. */
function attributesOf(view: DataView, place: number, count: number): Asked {
  let flags: bigint | undefined;
  let value: boolean | undefined;
  let debounceUs: number | undefined;
  for (let index = 0; index < count; index += 1) {
    const at = lineRequest.attributes + index * attribute.size;
    const id = view.getUint32(at, true);
    if (view.getUint32(at + attribute.padding, true) !== 0 || id < 1 || id > 3) fail('EINVAL');
    if (((view.getBigUint64(at + attribute.mask, true) >> BigInt(place)) & 1n) === 0n) continue;
    const content = view.getBigUint64(at + attribute.value, true);
    if (id === 1) flags ??= content;
    else if (id === 2) value ??= ((content >> BigInt(place)) & 1n) === 1n;
    else debounceUs ??= view.getUint32(at + attribute.value, true);
  }
  return { flags, value, debounceUs: debounceUs ?? 0 };
}

function checkFlags(flags: bigint, asked: Asked): void {
  const isInput = (flags & flag.input) !== 0n;
  const isOutput = (flags & flag.output) !== 0n;
  if (isInput === isOutput || (flags & flag.used) !== 0n || flags >> 13n !== 0n) fail('EINVAL');
  if (isOutput && ((flags & (flag.rising | flag.falling)) !== 0n || asked.debounceUs > 0)) fail('EINVAL');
  if (isInput && asked.value !== undefined) fail('EINVAL');
}

function lineOf(chip: FakeChip, offset: number): FakeLine {
  return chip.lines[offset] ?? fail('EINVAL');
}

function viewOf(bytes: Uint8Array, size: number): DataView {
  if (bytes.byteLength !== size)
    throw new RangeError(`the structure has ${String(size)} bytes, not ${String(bytes.byteLength)}`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at, at + 32);
  const end = field.indexOf(0);
  if (end < 0) fail('EINVAL');
  return Buffer.from(field.subarray(0, end)).toString();
}

function put(bytes: Uint8Array, at: number, value: string): void {
  bytes.fill(0, at, at + 32);
  bytes.set(Buffer.from(value).subarray(0, 31), at);
}

function fail(code: string): never {
  throw Object.assign(new Error(`${code}: not so`), { code });
}
