/**
 * The structures of version 2 of the kernel's GPIO character device (linux/gpio.h), as bytes. Little-endian, as every machine is that
 * Node.js runs on and that has GPIO.
 */

const nameBytes = 32;
const maxLines = 64;
export const maxAttributes = 10;

const attributeBytes = 16;
const configAttributeBytes = attributeBytes + 8;
const configBytes = 8 + 4 + 5 * 4 + maxAttributes * configAttributeBytes;
const requestBytes = maxLines * 4 + nameBytes + configBytes + 4 + 4 + 5 * 4 + 4;
const chipInfoBytes = 2 * nameBytes + 4;
const lineInfoBytes = 2 * nameBytes + 4 + 4 + 8 + maxAttributes * attributeBytes + 4 * 4;
const valuesBytes = 16;
export const eventBytes = 8 + 4 * 4 + 6 * 4;

export const lineFlags = {
  used: 1n << 0n,
  activeLow: 1n << 1n,
  input: 1n << 2n,
  output: 1n << 3n,
  edgeRising: 1n << 4n,
  edgeFalling: 1n << 5n,
  pullUp: 1n << 8n,
  pullDown: 1n << 9n,
  biasDisabled: 1n << 10n,
} as const;

const readOnly = 2;
const readAndWrite = 3;
const gpioType = 0xb4;
/** As the macros of asm-generic/ioctl.h number them. */
const requestNumber = (direction: number, number: number, bytes: number): number =>
  ((direction << 30) | (bytes << 16) | (gpioType << 8) | number) >>> 0;

export const requests = {
  chipInfo: requestNumber(readOnly, 0x01, chipInfoBytes),
  lineInfo: requestNumber(readAndWrite, 0x05, lineInfoBytes),
  lines: requestNumber(readAndWrite, 0x07, requestBytes),
  getValues: requestNumber(readAndWrite, 0x0e, valuesBytes),
  setValues: requestNumber(readAndWrite, 0x0f, valuesBytes),
} as const;

export interface LineAttribute {
  readonly kind: 'flags' | 'outputValues' | 'debounceMicroseconds';
  readonly value: bigint;
  /** Bit n: the line at place n of the request. */
  readonly mask: bigint;
}

const attributeIds = { flags: 1, outputValues: 2, debounceMicroseconds: 3 } as const;

export interface LineRequest {
  readonly offsets: readonly number[];
  readonly consumer: string;
  /** Of lines for which no attribute says otherwise. */
  readonly flags: bigint;
  readonly attributes: readonly LineAttribute[];
  readonly bufferedEvents: number;
}

export function encodeLineRequest(request: LineRequest): Uint8Array {
  const bytes = new Uint8Array(requestBytes);
  const view = new DataView(bytes.buffer);
  for (const [place, offset] of request.offsets.entries()) view.setUint32(place * 4, offset, true);
  let at = maxLines * 4;
  bytes.set(new TextEncoder().encode(request.consumer).subarray(0, nameBytes - 1), at);
  at += nameBytes;
  view.setBigUint64(at, request.flags, true);
  view.setUint32(at + 8, request.attributes.length, true);
  for (const [index, { kind, value, mask }] of request.attributes.entries()) {
    const attribute = at + 32 + index * configAttributeBytes;
    view.setUint32(attribute, attributeIds[kind], true);
    // The period of debouncing has 32 bits of the union; the others stay zero.
    view.setBigUint64(attribute + 8, value, true);
    view.setBigUint64(attribute + attributeBytes, mask, true);
  }
  at += configBytes;
  view.setUint32(at, request.offsets.length, true);
  view.setUint32(at + 4, request.bufferedEvents, true);
  return bytes;
}

/** The file through which the lines of a request are used. */
export function decodeRequestedFile(request: Uint8Array): number {
  return viewOf(request).getInt32(requestBytes - 4, true);
}

export interface ChipInfo {
  /** The kernel's own name, such as `gpiochip0`. */
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

export function emptyChipInfo(): Uint8Array {
  return new Uint8Array(chipInfoBytes);
}

export function decodeChipInfo(bytes: Uint8Array): ChipInfo {
  return {
    name: text(bytes, 0),
    label: text(bytes, nameBytes),
    lines: viewOf(bytes).getUint32(2 * nameBytes, true),
  };
}

export function encodeLineInfo(offset: number): Uint8Array {
  const bytes = new Uint8Array(lineInfoBytes);
  viewOf(bytes).setUint32(2 * nameBytes, offset, true);
  return bytes;
}

/** Who uses a line: undefined if nobody does, empty if who does has no name. */
export function decodeConsumer(lineInfo: Uint8Array): string | undefined {
  const flags = viewOf(lineInfo).getBigUint64(2 * nameBytes + 8, true);
  return (flags & lineFlags.used) === 0n ? undefined : text(lineInfo, nameBytes);
}

export function encodeValues(bits: bigint, mask: bigint): Uint8Array {
  const bytes = new Uint8Array(valuesBytes);
  viewOf(bytes).setBigUint64(0, bits, true);
  viewOf(bytes).setBigUint64(8, mask, true);
  return bytes;
}

export function decodeValues(values: Uint8Array): bigint {
  return viewOf(values).getBigUint64(0, true);
}

export interface LineEvent {
  /** Of CLOCK_MONOTONIC. */
  readonly timestampNs: bigint;
  readonly rising: boolean;
  readonly offset: number;
  /** Counts the events of all lines of a request: 1, 2, 3 … with 32 bits. */
  readonly seq: number;
}

const risingEdge = 1;

export function decodeEvents(bytes: Uint8Array): LineEvent[] {
  const view = viewOf(bytes);
  return Array.from({ length: Math.floor(bytes.byteLength / eventBytes) }, (_, index) => {
    const at = index * eventBytes;
    return {
      timestampNs: view.getBigUint64(at, true),
      rising: view.getUint32(at + 8, true) === risingEdge,
      offset: view.getUint32(at + 12, true),
      seq: view.getUint32(at + 16, true),
    };
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array, at: number): string {
  const field = bytes.subarray(at, at + nameBytes);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}
