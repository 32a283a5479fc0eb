import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import type { FaultName } from '@gatehouse/shared';
import { createMemoryServiceManager } from '../../src/adapters/memory/memory-service-manager.js';
import type { MemoryServiceManager } from '../../src/adapters/memory/memory-service-manager.js';
import { createServiceReports } from '../../src/app/service-reports.js';
import type { ServiceReports } from '../../src/app/service-reports.js';
import type { EdgeStatus } from '../../src/app/status.js';
import { canOpenGates } from '../../src/http/health.js';
import { createManualClock } from '../adapters/support/manual-clock.js';
import type { ManualClock } from '../adapters/support/manual-clock.js';

const watchdogMs = 30_000;

interface Standing {
  running: boolean;
  linkUp: boolean;
  waiting: number;
  failing: 'outbox-failing' | null;
  faults: FaultName[];
}

describe('reports to the service manager', () => {
  let clock: ManualClock;
  let manager: MemoryServiceManager;
  let reports: ServiceReports;
  let standing: Standing;
  let errors: string[];

  const status = (): EdgeStatus =>
    ({
      running: standing.running,
      link: { up: standing.linkUp, downReason: standing.linkUp ? null : 'ECONNREFUSED' },
      outbox: { unacknowledged: standing.waiting, failing: standing.failing },
      gates: [
        { gateId: 'entry-1', faults: standing.faults },
        { gateId: 'exit-1', faults: [] },
      ],
    }) as unknown as EdgeStatus;
  const begin = (watched: number | null = watchdogMs): void => {
    clock = createManualClock();
    manager = createMemoryServiceManager(watched);
    const logger = { ...silentLogger, error: (_fields: object, message: string) => void errors.push(message) };
    reports = createServiceReports({ manager, clock, logger, isWell: canOpenGates });
  };
  beforeEach(() => {
    standing = { running: true, linkUp: true, waiting: 0, failing: null, faults: [] };
    errors = [];
    begin();
  });
  const toldSince = (count: number): string[] => manager.told.slice(count);
  const signsOfLife = (texts: readonly string[]): number => texts.filter((text) => text.includes('WATCHDOG=1')).length;

  it('say that the agent is ready, alive at once, and alive three times in an interval of the watchdog', () => {
    reports.started(status);
    expect(manager.told).toEqual(['READY=1', 'WATCHDOG=1\nSTATUS=runs 2 gates, link up, 0 events wait']);
    clock.advance(watchdogMs - 1);
    expect(toldSince(2)).toEqual(['WATCHDOG=1', 'WATCHDOG=1']);
    clock.advance(1);
    expect(signsOfLife(toldSince(2))).toBe(3);
  });

  it('say what changed, once', () => {
    reports.started(status);
    standing = { ...standing, linkUp: false, waiting: 7 };
    clock.advance(20_000);
    expect(toldSince(2)).toEqual([
      'WATCHDOG=1\nSTATUS=runs 2 gates, link down (ECONNREFUSED), 7 events wait',
      'WATCHDOG=1',
    ]);
  });

  it('keep an agent alive whose outbox fails and whose link is lost, for its gates still answer', () => {
    reports.started(status);
    standing = { ...standing, linkUp: false, failing: 'outbox-failing', faults: ['barrier-stuck'] };
    clock.advance(10 * watchdogMs);
    expect(signsOfLife(manager.told)).toBe(31);
    expect(manager.told.at(2)).toContain('outbox-failing, entry-1 barrier-stuck');
    expect(errors).toEqual([]);
  });

  it.each<[string, (now: Standing) => Standing]>([
    ['does not run', (now) => ({ ...now, running: false })],
    ['cannot open any gate', (now) => ({ ...now, faults: ['driver-failed'] })],
  ])(
    'fall silent to the watchdog, but not to people, when the agent %s, and speak again when it can',
    (_what, change) => {
      const oneGate = (): EdgeStatus => ({ ...status(), gates: status().gates.slice(0, 1) });
      reports.started(oneGate);
      const before = standing;
      standing = change(standing);
      clock.advance(watchdogMs);
      expect(toldSince(2)).toEqual([expect.stringContaining('STATUS=no gate can be opened')]);
      expect(errors).toEqual(['the agent is not well: the watchdog is told no more']);
      standing = before;
      clock.advance(watchdogMs / 3);
      expect(manager.told.at(-1)).toContain('WATCHDOG=1\nSTATUS=runs 1 gate,');
    },
  );

  it('ask for more time while the start waits for somebody, and no more once it can go on', () => {
    reports.waiting('its enrolment');
    clock.advance(watchdogMs);
    const extension = 'EXTEND_TIMEOUT_USEC=120000000';
    expect(manager.told).toEqual(['STATUS=waits for its enrolment', extension, extension, extension, extension]);
    reports.starting();
    clock.advance(10 * watchdogMs);
    expect(toldSince(5)).toEqual(['STATUS=starts']);
  });

  it('tell people how it is where nothing watches', () => {
    begin(null);
    reports.started(status);
    standing = { ...standing, waiting: 1 };
    clock.advance(10_000);
    expect(manager.told.at(-1)).toContain('STATUS=runs 2 gates, link up, 1 event waits');
  });

  it('end with the stop, which is told once, also when it comes during the start', () => {
    reports.waiting('its enrolment');
    reports.stopping();
    reports.stopping();
    const count = manager.told.length;
    expect(manager.told.at(-1)).toBe('STOPPING=1\nSTATUS=stops');
    clock.advance(10 * watchdogMs);
    expect(manager.told).toHaveLength(count);
  });
});
