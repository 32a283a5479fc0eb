import { beforeEach, describe, expect, it } from '@jest/globals';
import { createVirtualClock, logReportSchema, silentLogger, wireLimits } from '@gatehouse/shared';
import type { Logger, LogReport, VirtualClock } from '@gatehouse/shared';
import { createMemoryEdgeLink } from '../../src/adapters/memory/index.js';
import type { MemoryEdgeLink } from '../../src/adapters/memory/index.js';
import { createLogLines } from '../../src/app/log-lines.js';
import { createLogReporter } from '../../src/app/log-reporter.js';
import type { LogReporter } from '../../src/app/log-reporter.js';

const instance = 'c'.repeat(32);

let clock: VirtualClock;
let link: MemoryEdgeLink;
let logger: Logger;
let reporter: LogReporter;
let chance: number;

beforeEach(() => open());

async function open(latencyMs = 0): Promise<void> {
  clock = createVirtualClock({ wallMs: 1_777_876_201_000, monoMs: 0 });
  link = createMemoryEdgeLink({ clock, latencyMs });
  chance = 0;
  const lines = createLogLines({ clock, secrets: [] });
  logger = lines.tap(silentLogger);
  reporter = createLogReporter({
    ...{ lines, instance, link, linkClock: clock, logger: silentLogger },
    random: { next: () => chance, hex: () => '' },
  });
  await link.start({ onUp: () => undefined, onDown: () => undefined, onMessage: () => undefined }, '');
  await advance(latencyMs);
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};
const advance = (durationMs: number): Promise<void> => clock.advanceSettled(durationMs, settle);
const request = (after = 0, now = false): void => {
  reporter.requested({ instance, after, now });
};
const reports = (): LogReport[] =>
  link.peer.published
    .filter(({ channel }) => channel === 'log')
    .map(({ payload }) => logReportSchema.parse(JSON.parse(payload)));
const messages = (): string[][] => reports().map(({ lines }) => lines.map(({ message }) => message));

describe('log lines', () => {
  it('are not sent before they were asked for, whatever happens', async () => {
    logger.error({}, 'the cabinet burns');
    await advance(3_600_000);
    expect(reports()).toEqual([]);
  });

  it('are not sent while nothing is wrong', async () => {
    request();
    logger.info({}, 'well');
    await advance(3_600_000);
    expect(reports()).toEqual([]);
  });

  it('go out together a second after a warning, with what led to it', async () => {
    request();
    logger.info({}, 'before');
    logger.warn({}, 'one');
    await advance(900);
    logger.warn({}, 'two');
    expect(reports()).toEqual([]);
    await advance(100);
    expect(messages()).toEqual([['before', 'one', 'two']]);
    expect(reports()[0]).toMatchObject({ instance, more: false });
  });

  it('go out once in ten seconds at most, each line once', async () => {
    request();
    for (let second = 0; second < 100; second += 1) {
      logger.warn({}, String(second));
      await advance(1_000);
    }
    expect(reports().length).toBeLessThanOrEqual(11);
    const told = messages().flat();
    expect(told).toEqual(Array.from({ length: told.length }, (_, index) => String(index)));
    expect(told.length).toBeGreaterThan(85);
  });

  it('that were written before they were asked for are told after a random wait of up to eleven seconds', async () => {
    logger.warn({}, 'lost the link');
    chance = 0.5;
    request();
    await advance(5_999);
    expect(reports()).toEqual([]);
    await advance(1);
    expect(messages()).toEqual([['lost the link']]);
  });

  it('go on after the last one that is known', async () => {
    for (const message of ['one', 'two', 'three']) logger.warn({}, message);
    request(2);
    await advance(1_000);
    expect(messages()).toEqual([['three']]);
  });

  it('are told at once to somebody who waits, also when there are none', async () => {
    logger.info({}, 'well');
    request(0, true);
    await advance(0);
    expect(messages()).toEqual([['well']]);
    request(1, true);
    await advance(250);
    expect(messages()).toEqual([['well'], []]);
  });

  it('that do not fit one report follow a quarter of a second later', async () => {
    for (let line = 0; line < 100; line += 1)
      logger.info({ error: 'x'.repeat(200), detail: 'y'.repeat(200) }, String(line));
    request(0, true);
    await advance(0);
    expect(reports()).toHaveLength(1);
    expect(reports()[0]?.more).toBe(true);
    await advance(10_000);
    expect(messages().flat()).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
    expect(reports().map(({ more }) => more)).toEqual([
      ...reports()
        .slice(1)
        .map(() => true),
      false,
    ]);
    for (const { channel, payload } of link.peer.published) {
      if (channel === 'log') expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(wireLimits.maxLogReportBytes);
    }
  });

  it('are kept for a request over the next connection when the link goes down', async () => {
    request();
    logger.warn({}, 'one');
    link.peer.disconnect('gone');
    reporter.linkDown();
    link.peer.connect();
    await advance(60_000);
    expect(reports()).toEqual([]);
    request(0);
    await advance(1_000);
    expect(messages()).toEqual([['one']]);
  });

  it('are sent again when the broker did not take them', async () => {
    request();
    link.peer.publishFailure = 'busy';
    logger.warn({}, 'one');
    await advance(1_000);
    link.peer.publishFailure = undefined;
    await advance(9_999);
    expect(reports()).toEqual([]);
    await advance(1);
    expect(messages()).toEqual([['one']]);
  });

  it('are told anew to one that asks for them while they are under way: it may have begun anew', async () => {
    await open(400);
    request();
    logger.warn({}, 'one');
    await advance(1_200);
    expect(reports()).toEqual([]);
    request(0, true);
    await advance(200);
    expect(messages()).toEqual([['one']]);
    await advance(800);
    expect(messages()).toEqual([['one'], ['one']]);
  });

  it('are not told once it was stopped', async () => {
    request();
    logger.warn({}, 'one');
    reporter.stop();
    await advance(60_000);
    expect(reports()).toEqual([]);
  });

  it('begin with the next one for whoever says to know more than there are', async () => {
    logger.warn({}, 'one');
    request(99);
    logger.warn({}, 'two');
    await advance(1_000);
    expect(messages()).toEqual([['two']]);
  });
});
