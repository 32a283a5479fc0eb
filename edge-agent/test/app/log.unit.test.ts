/** The log of a whole agent: what it says of faults, and that it says nothing of vehicles. */
import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, logReportSchema } from '@gatehouse/shared';
import type { LogFields, Logger, LogReport } from '@gatehouse/shared';
import { createLogLines } from '../../src/app/log-lines.js';
import type { LogLines } from '../../src/app/log-lines.js';
import { createHarness } from './harness.js';
import type { Harness, HarnessOptions } from './harness.js';

interface Logged {
  readonly harness: Harness;
  readonly lines: LogLines;
  /** Everything that was logged, before anything was left out of it. */
  readonly written: string[];
}

function logged(options: HarnessOptions = {}): Logged {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
  const written: string[] = [];
  const writer = (bound: LogFields): Logger => {
    const write = (fields: LogFields, message: string): void => {
      written.push(JSON.stringify({ ...bound, ...fields, message }));
    };
    return { debug: write, info: write, warn: write, error: write, child: (fields) => writer({ ...bound, ...fields }) };
  };
  const lines = createLogLines({ clock, secrets: [] });
  const harness = createHarness({ ...options, clock, log: lines, logger: lines.tap(writer({})) });
  return { harness, lines, written };
}

const reports = ({ link }: Harness): LogReport[] =>
  link.peer.published
    .filter(({ channel }) => channel === 'log')
    .map(({ payload }) => logReportSchema.parse(JSON.parse(payload)));

const ask = (harness: Harness, change: object = {}): Promise<void> =>
  harness.deliver('log-requests', { instance: harness.agent.status().instance, after: 0, now: false, ...change });

const readerGates = [
  { gateId: 'entry-1', direction: 'entry', hasReader: true },
  { gateId: 'exit-1', direction: 'exit', hasReader: true },
] as const;

describe('the log of an agent', () => {
  it('says which fault was raised at which gate, and why, to an aggregator that asked', async () => {
    const { harness } = logged();
    await harness.start();
    await ask(harness);
    harness.barrier('entry-1').fail('line 17 is gone');
    await harness.advance(1_000);
    const [report] = reports(harness);
    expect(report?.instance).toBe(harness.agent.status().instance);
    expect(report?.lines).toContainEqual(
      expect.objectContaining({
        ...{ level: 'warn', gateId: 'entry-1', message: 'a fault was raised' },
        fields: { fault: 'driver-failed', detail: 'line 17 is gone' },
      }),
    );
    await harness.agent.stop();
  });

  it('is not told to one that asks another instance, or cannot be read', async () => {
    const { harness } = logged();
    await harness.start();
    await ask(harness, { instance: 'f'.repeat(32), now: true });
    await ask(harness, { after: -1, now: true });
    await harness.advance(60_000);
    expect(reports(harness)).toEqual([]);
    expect(harness.agent.status().counters).toMatchObject({ messagesDropped: 1, messagesRefused: 1 });
    await harness.agent.stop();
  });

  it('asks for a new request after each connection', async () => {
    const { harness } = logged();
    await harness.start();
    await ask(harness);
    harness.link.peer.disconnect('the cable');
    harness.link.peer.connect();
    await harness.advance(60_000);
    expect(reports(harness)).toEqual([]);
    await ask(harness, { now: true });
    await harness.advance(0);
    expect(reports(harness)[0]?.lines.map(({ message }) => message)).toContain('the link is down');
    await harness.agent.stop();
  });

  it.each([
    ['online', true],
    ['alone', false],
  ])('holds no trace of a plate, a tag or a ticket: %s', async (_how, connected) => {
    const { harness, lines, written } = logged({ connected, settings: { gates: [...readerGates] } });
    await harness.start();
    await ask(harness, { now: true });
    const shown = ['QX77ZRT', 'TAG9914X', 'TK551209'];
    const kinds = ['plate', 'tag', 'ticket'] as const;
    for (const [index, value] of shown.entries()) {
      const gateId = index === 2 ? 'exit-1' : 'entry-1';
      await harness.edge(gateId, 'arming', true);
      await harness.read(gateId, { kind: kinds[index] ?? 'plate', value });
      const arrival = harness.stored().findIndex(({ kind }) => kind === 'vehicle-arrived') + 1;
      if (connected) await harness.decide(arrival);
      await harness.advance(5_000);
      await harness.driveThrough(gateId);
      await harness.advance(10_000);
    }
    // What a reader must not send, and what no gate is there for.
    await harness.read('entry-1', { value: 'QX77ZRT', confidence: 7 });
    await harness.read('nowhere', { value: 'QX77ZRT' });
    harness.barrier('entry-1').fail('after QX77ZRT the relay stuck');
    await harness.advance(20_000);
    expect(harness.stored().filter(({ kind }) => kind === 'vehicle-arrived').length).toBeGreaterThanOrEqual(3);
    expect(written.length).toBeGreaterThan(3);
    const own = written.filter((line) => !line.includes('the relay stuck'));
    const told = JSON.stringify([lines.after(0, Infinity), reports(harness)]);
    for (const value of shown) {
      expect(own.filter((line) => line.includes(value))).toEqual([]);
      expect(told).not.toContain(value);
    }
    expect(told).toContain('after … the relay stuck');
    await harness.agent.stop();
  });
});
