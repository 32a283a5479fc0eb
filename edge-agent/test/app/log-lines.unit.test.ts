import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, logLineSchema, silentLogger, wireLimits } from '@gatehouse/shared';
import type { Logger, LogLine } from '@gatehouse/shared';
import fc from 'fast-check';
import { createLogLines } from '../../src/app/log-lines.js';
import type { LogLines, LogLinesOptions } from '../../src/app/log-lines.js';

const startMs = 1_777_876_201_000;

function keep(options: Partial<LogLinesOptions> = {}): {
  lines: LogLines;
  logger: Logger;
  all: () => readonly LogLine[];
} {
  const clock = createVirtualClock({ wallMs: startMs, monoMs: 0 });
  const lines = createLogLines({ clock, secrets: [], ...options });
  return { lines, logger: lines.tap(silentLogger), all: () => lines.after(0, Infinity).lines };
}

const bytesOf = (lines: readonly LogLine[]): number =>
  lines.reduce((sum, line) => sum + new TextEncoder().encode(JSON.stringify(line)).byteLength + 1, 0);

/** What a line made of these fields and this message tells. */
function told(fields: Record<string, unknown>, message = 'said'): LogLine {
  const { logger, all } = keep({ secrets: ['6d1f0c9be2a7'] });
  logger.warn(fields, message);
  const [line] = all();
  if (line === undefined) throw new Error('no line was kept');
  return line;
}

function errorOf(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch (error) {
    return String(error);
  }
}

describe('the last lines of the log', () => {
  it('are those of info and above, with their time, part and gate; the log itself gets everything', () => {
    const written: string[] = [];
    const write = (_fields: object, message: string): void => void written.push(message);
    const recorder: Logger = { debug: write, info: write, warn: write, error: write, child: () => recorder };
    const { lines, all } = keep();
    const logger = lines.tap(recorder);
    logger.debug({}, 'detail');
    logger.child({ part: 'link' }).info({ broker: 'mqtt://127.0.0.1:1883' }, 'connected');
    logger
      .child({ gateId: 'entry-1' })
      .child({ part: 'driver' })
      .error({ error: new Error('no such line') }, 'failed');
    expect(written).toEqual(['detail', 'connected', 'failed']);
    expect(all()).toEqual([
      {
        ...{ number: 1, atMs: startMs, level: 'info', part: 'link', gateId: null, message: 'connected' },
        fields: { broker: 'mqtt://127.0.0.1:1883' },
      },
      {
        ...{ number: 2, atMs: startMs, level: 'error', part: 'driver', gateId: 'entry-1', message: 'failed' },
        fields: { error: 'no such line' },
      },
    ]);
  });

  it('are two hundred, the oldest gone first', () => {
    const { logger, lines, all } = keep();
    for (let line = 1; line <= 200; line += 1) logger.info({}, String(line));
    expect(all().map(({ number }) => number)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    logger.info({}, '201');
    expect(all()).toHaveLength(200);
    expect(all()[0]?.number).toBe(2);
    expect(lines.lastNumber).toBe(201);
  });

  it('are as many as fit the bytes, to the byte', () => {
    const sized = keep();
    for (const _ of [1, 2, 3]) sized.logger.info({}, 'xxxx');
    const bytes = bytesOf(sized.all());
    for (const [maxBytes, kept] of [
      [bytes, 3],
      [bytes - 1, 2],
    ] as const) {
      const { logger, all } = keep({ maxBytes });
      for (const _ of [1, 2, 3]) logger.info({}, 'xxxx');
      expect(all()).toHaveLength(kept);
    }
  });

  it('are handed out oldest first, as many as fit, and say that there are more', () => {
    const { logger, lines, all } = keep();
    for (const message of ['one', 'two', 'six']) logger.info({}, message);
    const bytes = bytesOf(all());
    expect(lines.after(0, bytes)).toMatchObject({ lines: [{ number: 1 }, { number: 2 }, { number: 3 }], more: false });
    expect(lines.after(0, bytes - 1)).toMatchObject({ lines: [{ number: 1 }, { number: 2 }], more: true });
    expect(lines.after(2, bytes)).toMatchObject({ lines: [{ number: 3 }], more: false });
    expect(lines.after(3, bytes)).toEqual({ lines: [], more: false });
  });

  it('say whether something went wrong after one of them, and tell of it at once', () => {
    const { logger, lines } = keep();
    let told = 0;
    lines.onTrouble(() => (told += 1));
    logger.info({}, 'well');
    expect([told, lines.hasTroubleAfter(0)]).toEqual([0, false]);
    logger.warn({}, 'not well');
    logger.info({}, 'well again');
    logger.error({}, 'broken');
    expect(told).toBe(2);
    expect([0, 1, 2, 3, 4].map((number) => lines.hasTroubleAfter(number))).toEqual([true, true, true, true, false]);
  });

  it('can be sent whatever is logged: each fits the wire and a kilobyte', () => {
    const names = fc.oneof(fc.constantFrom('error', 'detail', 'broker', 'path', 'gateId', 'part'), fc.string());
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc.string({ unit: fc.constantFrom('\u0000', '"', '\\', '\ud800', '€', '😀', '\u202e'), maxLength: 3_000 }),
    );
    const values = fc.oneof(texts, fc.double(), fc.boolean(), fc.anything());
    fc.assert(
      fc.property(fc.dictionary(names, values, { maxKeys: 12 }), texts, (fields, message) => {
        const line = told(fields, message);
        expect(logLineSchema.safeParse(JSON.parse(JSON.stringify(line)))).toMatchObject({ success: true });
        expect(bytesOf([line])).toBeLessThanOrEqual(1_024);
        expect(JSON.stringify(line)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});

describe('a line that leaves the machine', () => {
  it('is cut at two hundred characters, and says so', () => {
    expect(told({}, 'x'.repeat(200)).message).toBe('x'.repeat(200));
    expect(told({}, 'x'.repeat(201)).message).toBe(`${'x'.repeat(199)}…`);
    expect(told({ error: `${'x'.repeat(198)}😀x` }).fields.error).toBe(`${'x'.repeat(198)}…`);
  });

  it('has eight fields at most', () => {
    const fields = Object.fromEntries('abcdefghi'.split('').map((name) => [name, 1]));
    expect(Object.keys(told(fields).fields)).toHaveLength(wireLimits.maxLogFields);
  });

  it.each([
    'credential',
    'plate',
    'ticketNumber',
    'tag',
    'value',
    'password',
    'clientSecret',
    'token',
    'apiKey',
    'license',
  ])('has no field %s', (name) => {
    expect(told({ [name]: 'AB12CDE' }).fields).toEqual({});
    expect(told({ [name]: 4711 }).fields).toEqual({});
  });

  it('has no text and nothing nested under a name that is not known to be harmless', () => {
    const fields = { by: 'Ms Smith', body: 'AB12CDE', error: { plate: 'AB12CDE' }, detail: ['AB12CDE'] };
    expect(told({ ...fields, count: 3, ready: false }).fields).toEqual({ count: 3, ready: false });
  });

  it.each([
    ['a user in an address', 'mqtt://harbour:pa55@broker:1883 is down', 'mqtt://broker:1883 is down'],
    ['what is behind a host', 'GET http://10.0.0.7:8080/read/s3cret?x=1 failed', 'GET http://10.0.0.7:8080/… failed'],
    ['a password', 'refused password=hunter2', 'refused password=…'],
    ['a bearer', 'Authorization: Bearer abc', 'Authorization: … …'],
    ['a key', `no such key ${'0123456789abcdef'.repeat(4)}`, 'no such key …'],
    ['an enrolment code', 'code K7QD-2MNX-9TRV-4HWP has expired', 'code … has expired'],
    ['what a parser could not read', errorOf('{"plate":"AB12CDE"'), expect.not.stringContaining('AB12')],
    ['what it quotes', errorOf('AB12CDE'), `SyntaxError: Unexpected token 'A', "…" is not valid JSON`],
    ['a strange member', 'reads[0]: Unrecognized key: "AB12CDE"', 'reads[0]: Unrecognized key: "…"'],
    ['what a cut has left without an end', `near "${'x '.repeat(500)}"`, 'near "…"'],
    ['the password of this edge', 'bad 6d1f0c9be2a7!', 'bad …!'],
  ])('does not tell %s', (_what, text, left) => {
    expect(told({ error: text }).fields.error).toEqual(left);
    expect(told({}, text).message).toEqual(left);
  });

  it('does not tell what was read lately, however it is written', () => {
    const { lines, logger, all } = keep();
    lines.conceal('AB12CDE');
    lines.conceal('K-100 (7)');
    for (const text of ['read AB12CDE.', 'read ab12 cde', 'read AB-12-CDE', 'ticket K1007 is old'])
      logger.warn({ error: text }, text);
    expect(all().flatMap(({ message, fields }) => [message, fields.error])).toEqual(
      ['read ….', 'read …', 'read …', 'ticket … is old'].flatMap((text) => [text, text]),
    );
  });

  it('remembers sixty-four of those', () => {
    const { lines, logger, all } = keep();
    lines.conceal('FIRST1');
    for (let index = 0; index < 63; index += 1) lines.conceal(`OTHER${String(index)}`);
    logger.info({}, 'FIRST1');
    lines.conceal('ONE MORE');
    logger.info({}, 'FIRST1');
    expect(all().map(({ message }) => message)).toEqual(['…', 'FIRST1']);
  });

  it('keeps what an installer needs', () => {
    expect(told({ error: 'Unrecognized key: "confidence" of "reader"' }).fields.error).toContain(
      '"confidence" of "reader"',
    );
    const fields = {
      path: '/var/lib/gatehouse-edge/outbox.sqlite',
      detail: 'SQLITE_IOERR: disk I/O error',
      retryInMs: 812.5,
    };
    expect(told(fields).fields).toEqual(fields);
  });
});
