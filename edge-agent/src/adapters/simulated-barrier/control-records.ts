/** What the control remembers of vehicles: how far each has come, and the ends in order, both bounded. */
import type { Clock } from '@gatehouse/shared/edge';
import type { ControlEvent, ControlEventPage, VehicleStatus } from './control-contract.js';
import type { GateHappening } from './driver.js';

const maxRememberedVehicles = 20_000;
const maxRememberedEvents = 20_000;
const maxWaiters = 64;

export interface ControlRecords {
  take(happening: GateHappening): void;
  /** Knows a vehicle that was just sent, before the lane has said anything of it. */
  expect(vehicleId: string, gateId: string): void;
  status(vehicleId: string): VehicleStatus | undefined;
  /** Events after the cursor; waits up to `waitMs` when there are none. */
  after(cursor: number, limit: number, waitMs: number): Promise<ControlEventPage>;
  /** Lets every waiter go with what there is. */
  release(): void;
}

export function createControlRecords(clock: Clock, run: string): ControlRecords {
  const vehicles = new Map<string, VehicleStatus>();
  const events: ControlEvent[] = [];
  const waiters = new Set<() => void>();
  let last = 0;

  const remember = (status: VehicleStatus): void => {
    vehicles.delete(status.vehicleId);
    vehicles.set(status.vehicleId, status);
    if (vehicles.size <= maxRememberedVehicles) return;
    const oldest = vehicles.keys().next();
    if (oldest.done !== true) vehicles.delete(oldest.value);
  };
  const page = (cursor: number, limit: number): ControlEventPage => {
    const oldest = last - events.length;
    const from = Math.min(Math.max(cursor, oldest), last);
    const found = events.slice(from - oldest, from - oldest + limit);
    return { events: found, next: from + found.length, missed: from - Math.min(cursor, from), run };
  };
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter();
  };

  return {
    take(happening) {
      const { gateId } = happening;
      if (happening.type === 'vehicle') {
        const { vehicleId, step, atMs } = happening;
        remember({ vehicleId, gateId, ended: false, step, atMs });
      } else if (happening.type === 'ended') {
        const report = { gateId, ...happening.report };
        remember({ vehicleId: report.vehicleId, gateId, ended: true, report });
        last += 1;
        events.push({ cursor: last, report });
        if (events.length > maxRememberedEvents) events.shift();
        wake();
      }
    },
    expect(vehicleId, gateId) {
      if (vehicles.has(vehicleId)) return;
      remember({ vehicleId, gateId, ended: false, step: 'queued', atMs: clock.wallMs() });
    },
    status: (vehicleId) => vehicles.get(vehicleId),
    after(cursor, limit, waitMs) {
      const present = page(cursor, limit);
      if (present.events.length > 0 || waitMs === 0 || waiters.size >= maxWaiters) return Promise.resolve(present);
      return new Promise((resolve) => {
        const done = (): void => {
          waiters.delete(done);
          cancel();
          resolve(page(cursor, limit));
        };
        const cancel = clock.setTimer(waitMs, done);
        waiters.add(done);
      });
    },
    release: wake,
  };
}
