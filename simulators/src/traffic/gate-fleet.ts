/** Sends vehicles to gates through the local controls of their edge agents, and waits for what becomes of each. */
import type { Clock } from '@gatehouse/shared';
import type { GateVehicleReport, SimulationControlClient, VehicleOrderInput } from '@gatehouse/edge-agent';

/** `lost`: the agent that simulated the lane was started anew, and with it the lane. */
export type VehicleFate = GateVehicleReport | 'lost';

export interface GateFleet {
  /** Resolves when the vehicle has passed or gone. Rejects when the gate's control cannot be reached or has no room. */
  send(gateId: string, order: VehicleOrderInput): Promise<VehicleFate>;
  /** Vehicles on their way at a gate. */
  pending(gateId: string): number;
  start(): void;
  stop(): Promise<void>;
}

export interface GateControl {
  readonly gateIds: readonly string[];
  readonly client: SimulationControlClient;
}

const longPollMs = 10_000;
const retryMs = 500;
/** An end that nobody has asked for yet: the answer to a send may come after it. */
const maxUnclaimed = 1_000;

export function createGateFleet(controls: readonly GateControl[], clock: Clock): GateFleet {
  const followers = controls.map((control) => createFollower(control, clock));
  const followerOf = (gateId: string): Follower => {
    const index = controls.findIndex(({ gateIds }) => gateIds.includes(gateId));
    const follower = followers[index];
    if (follower === undefined) throw new RangeError(`no control for gate ${gateId}`);
    return follower;
  };
  return {
    send: (gateId, order) => followerOf(gateId).send(gateId, order),
    pending: (gateId) => followerOf(gateId).pending(gateId),
    start() {
      for (const follower of followers) follower.start();
    },
    async stop() {
      await Promise.all(followers.map((follower) => follower.stop()));
    },
  };
}

interface Follower extends GateFleet {
  pending(gateId: string): number;
}

interface Waiting {
  readonly gateId: string;
  readonly resolve: (fate: VehicleFate) => void;
}

function createFollower({ client }: GateControl, clock: Clock): Follower {
  const waiting = new Map<string, Waiting>();
  const unclaimed = new Map<string, GateVehicleReport>();
  const underway = new Map<string, number>();
  let cursor = 0;
  let run: string | undefined;
  let stopping = false;
  let following = Promise.resolve();

  const take = (report: GateVehicleReport): void => {
    const found = waiting.get(report.vehicleId);
    if (found !== undefined) {
      waiting.delete(report.vehicleId);
      found.resolve(report);
      return;
    }
    unclaimed.set(report.vehicleId, report);
    const oldest = unclaimed.keys().next();
    if (unclaimed.size > maxUnclaimed && oldest.done !== true) unclaimed.delete(oldest.value);
  };
  const loseAll = (): void => {
    for (const { resolve } of waiting.values()) resolve('lost');
    waiting.clear();
    unclaimed.clear();
  };
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimer(retryMs, resolve);
    });
  const poll = async (): Promise<void> => {
    const page = await client.events(cursor, run === undefined ? 0 : longPollMs);
    if (run !== undefined && page.run !== run) {
      run = page.run;
      cursor = 0;
      loseAll();
      return;
    }
    // What ended before this began is nobody's here.
    if (run === undefined && page.events.length > 0 && waiting.size === 0) cursor = page.next;
    run = page.run;
    for (const { report } of page.events) take(report);
    cursor = page.next;
  };
  const follow = async (): Promise<void> => {
    while (!isStopping()) {
      try {
        await poll();
      } catch {
        // The agent is being started again; whoever sends a vehicle meanwhile is told so.
        await pause();
      }
    }
  };
  const isStopping = (): boolean => stopping;
  const count = (gateId: string, by: number): void => {
    underway.set(gateId, (underway.get(gateId) ?? 0) + by);
  };

  return {
    async send(gateId, order) {
      count(gateId, 1);
      try {
        const vehicleId = await client.sendVehicle(gateId, order);
        const report = unclaimed.get(vehicleId);
        unclaimed.delete(vehicleId);
        if (report !== undefined) return report;
        return await new Promise<VehicleFate>((resolve) => {
          waiting.set(vehicleId, { gateId, resolve });
        });
      } finally {
        count(gateId, -1);
      }
    },
    pending: (gateId) => underway.get(gateId) ?? 0,
    start() {
      following = follow();
    },
    async stop() {
      stopping = true;
      loseAll();
      // A long poll that is under way ends by itself; nobody waits for it.
      await Promise.race([following, pause()]);
    },
  };
}
