/** What nobody should send: values of the wrong kind and size, and texts that are not quite JSON. */
import { Buffer } from 'node:buffer';
import type { Dice } from './dice.js';

const signs = [
  '',
  ' ',
  '\u0000',
  '\u0000\u0001\u0007\u001b[2J\u007f',
  '\r\nSet-Cookie: a=b\r\n\r\n',
  "'; DROP TABLE events; --",
  "1' OR '1'='1",
  '" OR ""="',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '{{7*7}}${7*7}<%= 7*7 %>',
  '%s%n%x%d%p',
  '%00%0a%2e%2e%2f',
  '../../../../etc/passwd',
  '..\\..\\windows\\win.ini',
  '/dev/null',
  'file:///etc/passwd',
  '${jndi:ldap://127.0.0.1/a}',
  '$(id)`id`|id;id',
  '+/#',
  'gatehouse/v1/#',
  '$SYS/broker',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'undefined',
  'NaN',
  '-0',
  '1e309',
  '\ufeffbom',
  '\u202egnp.exe',
  '\ud800',
  '\udfff\ud800',
  'Z̷̢̛a̶lgo',
  '🚗🅿️',
  '٣٤٥',
  'ﬁ',
  'İı',
];

const numbers = [
  0,
  -0,
  -1,
  0.1,
  1.5,
  -1e-7,
  255,
  256,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER + 1,
  Number.MIN_SAFE_INTEGER,
  253_402_300_799_999,
  253_402_300_800_000,
  8_640_000_000_000_001,
  1e21,
  1e308,
  5e-324,
];

export function hostileString(dice: Dice): string {
  const text = dice.oneOf(signs);
  if (dice.happens(0.9)) return text;
  return (text === '' ? 'A' : text).repeat(dice.oneOf([2, 64, 1_000]));
}

/** A value of any kind, meant to hurt. */
export function hostileValue(dice: Dice): unknown {
  switch (dice.below(8)) {
    case 0:
    case 1:
      return hostileString(dice);
    case 2:
      return dice.oneOf(numbers);
    case 3:
      return dice.oneOf([null, true, false]);
    case 4:
      return dice.oneOf<unknown>([[], {}, [[]], [null], [{}], { '': '' }, { length: { toString: 1, valueOf: 1 } }]);
    case 5:
      return nested(dice.oneOf([3, 15, 16, 17, 40, 200]), dice.happens(0.5));
    case 6:
      return { [hostileString(dice)]: dice.oneOf(numbers), length: 1e9, toString: 1, toJSON: null };
    default:
      return Array.from({ length: dice.oneOf([1, 17, 300]) }, () => dice.oneOf(numbers));
  }
}

function nested(depth: number, asList: boolean): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level += 1) value = asList ? [value] : { a: value };
  return value;
}

/** Bytes in place of a JSON document; `json` is one that would be taken, or nearly. At most about `maxBytes`. */
export function hostileDocument(json: string, dice: Dice, maxBytes: number): Buffer {
  const cut = dice.below(json.length + 1);
  const depth = dice.oneOf([17, 100, 5_000, 50_000]);
  switch (dice.below(20)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return randomBytes(dice, dice.between(1, 200));
    case 2:
      return Buffer.from(json.slice(0, cut));
    case 3:
      return Buffer.from(`${json}${dice.oneOf(['}', ' x', json, '\u0000', ',', '//c'])}`);
    case 4:
      return Buffer.from(`\ufeff${json}`);
    case 5:
      return Buffer.from(json, 'utf16le');
    case 6:
      return withByte(json, dice, dice.oneOf([0xff, 0xc0, 0x80, 0xed]));
    case 7:
      return Buffer.from('['.repeat(Math.min(depth, maxBytes)));
    case 8:
      return Buffer.from(
        `${'{"a":'.repeat(Math.min(depth, maxBytes / 6))}1${'}'.repeat(Math.min(depth, maxBytes / 6))}`,
      );
    case 9:
      return Buffer.from(json.replace('{', '{"__proto__":{"role":"admin"},'));
    case 10:
      return Buffer.from(json.replace('{', '{"constructor":{"prototype":{"role":"admin"}},'));
    case 11:
      return Buffer.from(
        json.replace(/:\s*("[^"]*"|[\d.]+)/, `:${dice.oneOf(['NaN', 'Infinity', '01', '+1', '.5', '1e999', '-'])}`),
      );
    case 12:
      return Buffer.from(json.replace(/"(\w+)":/, (member, name: string) => `"${name}":null,${member}`));
    case 13:
      return Buffer.from(json.replace(/^\{/, `{"x":"${'A'.repeat(Math.min(maxBytes, 70_000))}",`));
    case 14:
      return Buffer.from(dice.oneOf(['null', 'true', '0', '""', '[]', '{}', '"{}"', '[[]]', '1e400', '-0', "'a'"]));
    case 15:
      return Buffer.from(json.replaceAll('"', "'"));
    case 16:
      return Buffer.from(json.replace(/"([^"]*)"/, '"\\ud800$1"'));
    case 17:
      return Buffer.from(json.replace(/"([^"]*)"/, '"$1\\u0000"'));
    case 18:
      return Buffer.from(json.replace(/,/, ',,'));
    default:
      return Buffer.from(JSON.stringify(hostileValue(dice)));
  }
}

export function randomBytes(dice: Dice, length: number): Buffer {
  return Buffer.from(dice.hex(length), 'hex');
}

function withByte(json: string, dice: Dice, byte: number): Buffer {
  const bytes = Buffer.from(json);
  if (bytes.length > 0) bytes[dice.below(bytes.length)] = byte;
  return bytes;
}
