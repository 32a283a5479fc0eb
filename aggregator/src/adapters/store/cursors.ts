/** Opaque page cursors: the place of a page's last row in its list, as base64url JSON. They never hold a credential's text. */
import { Buffer } from 'node:buffer';
import { InvalidCursorError } from '../../app/ports.js';

export type CursorPart = string | number;
type PartType = 'string' | 'number';

const maxCursorChars = 600;

/** The lists and the types of what their cursors hold. */
const shapes = {
  sessions: ['number', 'string', 'string'],
  events: ['number', 'string', 'string', 'number'],
  vehicles: ['string'],
  reviews: ['number', 'string', 'string'],
  quarantine: ['number', 'string'],
  audit: ['number'],
} as const satisfies Record<string, readonly PartType[]>;
export type ListName = keyof typeof shapes;

export function encodeCursor(list: ListName, parts: readonly CursorPart[]): string {
  return Buffer.from(JSON.stringify([list, ...parts]), 'utf8').toString('base64url');
}

/** @throws InvalidCursorError unless `cursor` came from a page of this list. */
export function decodeCursor(list: ListName, cursor: string): readonly CursorPart[] {
  const refuse = (): never => {
    throw new InvalidCursorError(`cursor: is not from a page of this list (${list})`);
  };
  if (cursor.length > maxCursorChars || !/^[A-Za-z0-9_-]+$/.test(cursor)) return refuse();
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return refuse();
  }
  if (!Array.isArray(decoded)) return refuse();
  const [name, ...parts] = decoded as unknown[];
  const shape: readonly PartType[] = shapes[list];
  if (name !== list || parts.length !== shape.length) return refuse();
  if (!parts.every((part, index) => typeof part === shape[index])) return refuse();
  return parts as CursorPart[];
}
