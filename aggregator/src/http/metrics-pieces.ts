/** A long page that is put together from many short runs of bytes, which are copied once. */

export interface PageBytes {
  add(text: string): void;
  /** `value` is text of the first 128 characters of Unicode. */
  addLine(name: Uint8Array, head: Uint8Array, tail: Uint8Array, value: Uint8Array | string): void;
  /** Adds what another one holds, which must not be added to any more. */
  take(other: PageBytes): void;
  /** Everything so far, in order. */
  pieces(): readonly Buffer[];
}

const firstPieceBytes = 8 * 1024;
const lastPieceBytes = 256 * 1024;
/** Shorter ones are copied into the piece before, so that pieces are few. */
const worthAPieceBytes = 16 * 1024;

export function createPageBytes(): PageBytes {
  const full: Buffer[] = [];
  let piece = Buffer.allocUnsafeSlow(firstPieceBytes);
  let used = 0;
  const seal = (): void => {
    if (used > 0) full.push(piece.subarray(0, used));
    piece = piece.subarray(used);
    used = 0;
  };
  const makeRoom = (bytes: number): void => {
    if (used + bytes <= piece.length) return;
    const next = Math.max(bytes, Math.min(lastPieceBytes, 2 * piece.length));
    seal();
    piece = Buffer.allocUnsafeSlow(next);
  };
  const append = (bytes: Uint8Array): void => {
    piece.set(bytes, used);
    used += bytes.length;
  };
  const copy = (bytes: Uint8Array): void => {
    makeRoom(bytes.length);
    append(bytes);
  };
  return {
    add(text) {
      copy(Buffer.from(text));
    },
    addLine(name, head, tail, value) {
      makeRoom(name.length + head.length + tail.length + value.length);
      append(name);
      append(head);
      append(tail);
      if (typeof value === 'string') used += piece.write(value, used, 'latin1');
      else append(value);
    },
    take(other) {
      for (const bytes of other.pieces()) {
        if (bytes.length < worthAPieceBytes) {
          copy(bytes);
        } else {
          seal();
          full.push(bytes);
        }
      }
    },
    pieces() {
      seal();
      return full;
    },
  };
}
