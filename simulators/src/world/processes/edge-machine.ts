/** The machine of one edge agent: its disk, its clocks, its lanes, and the agent that runs on it now. */
import { createEdgeAgent, edgeSettingsSchema } from '@gatehouse/edge-agent';
import type { BarrierDriver, CredentialReader, EdgeAgent, EdgeSettingsInput } from '@gatehouse/edge-agent';
import type { Logger } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createSeededRandom } from '../../random.js';
import type { MachineId } from '../happenings.js';
import { createWorldEdgeLink } from '../network/edge-link.js';
import type { Network } from '../network/network.js';
import type { GatePlan } from '../scenario.js';
import { afterDeath, openOutboxStore } from '../storage/outbox-disk.js';
import type { DiskPorts, OutboxDisk } from '../storage/outbox-disk.js';
import type { Street } from '../street-port.js';
import { idleLane } from './idle-lane.js';
import type { Life, MachineTime } from './life.js';
import { createService } from './service.js';
import type { Program, Service } from './service.js';
import type { ArmableWatch } from './step-watch.js';
import { watchedPublish } from './step-watch.js';

export interface EdgeMachineOptions extends DiskPorts {
  readonly seed: number;
  readonly machine: MachineId;
  readonly siteId: string;
  readonly edgeId: string;
  /** At the time of a start. */
  readonly gates: () => readonly GatePlan[];
  readonly settings: Pick<EdgeSettingsInput, 'protocol' | 'outbox' | 'policies'>;
  readonly disk: OutboxDisk;
  readonly time: MachineTime;
  readonly network: Network;
  /** undefined: the machine stands on a table, with nothing at its inputs. */
  readonly street: Street | undefined;
  readonly password: () => string;
  readonly logger: Logger;
}

export interface EdgeMachine {
  readonly machine: MachineId;
  readonly siteId: string;
  readonly edgeId: string;
  readonly disk: OutboxDisk;
  readonly time: MachineTime;
  readonly service: Service;
  /** The agent that runs now. */
  readonly agent: EdgeAgent | undefined;
}

export function createEdgeMachine(options: EdgeMachineOptions): EdgeMachine {
  const { machine, disk, timeline, tell, time } = options;
  let agent: EdgeAgent | undefined;
  const service = createService({
    machine,
    timeline,
    time,
    tell,
    assemble: (life, watch, lifeNumber) => {
      const random = createSeededRandom(options.seed, machine, lifeNumber);
      const assembled = assemble(options, life, watch, random, () => {
        service.restart('asked to restart', 1_500);
      });
      ({ agent } = assembled);
      return assembled.program;
    },
    onEnded: (wasKilled) => {
      agent = undefined;
      afterDeath(disk, wasKilled && options.random.next() < 0.5);
    },
  });
  return {
    machine,
    siteId: options.siteId,
    edgeId: options.edgeId,
    disk,
    time,
    service,
    get agent() {
      return agent;
    },
  };
}

function assemble(
  options: EdgeMachineOptions,
  life: Life,
  watch: ArmableWatch,
  random: ReturnType<typeof createSeededRandom>,
  requestRestart: () => void,
): { agent: EdgeAgent; program: Program } {
  const { siteId, edgeId, machine, timeline } = options;
  const gates = options.gates();
  const barriers = new Map<string, BarrierDriver>();
  const readers: CredentialReader[] = [];
  for (const { gateId } of gates) {
    const lane = options.street?.attach({ gateId, machine, clock: life.clock }) ?? idleLane();
    life.onEnd(() => {
      lane.detach();
    });
    barriers.set(gateId, lane.driver);
    if (lane.reader !== null) readers.push(lane.reader);
  }
  const link = createWorldEdgeLink({
    network: options.network,
    life,
    random,
    machine,
    siteId,
    edgeId,
    password: options.password,
    deathIsSeen: () => options.random.next() < 0.7,
  });
  const agent = createEdgeAgent(
    {
      clock: life.clock,
      linkClock: life.clock,
      random,
      sha256,
      logger: options.logger,
      outbox: openOutboxStore(options.disk, life, watch, machine, edgeId, options),
      link: {
        start: (handlers, will) => link.start(handlers, will),
        publish: watchedPublish(watch, (channel, payload) => link.publish(channel, payload)),
        get isUp() {
          return link.isUp;
        },
        stop: (farewell) => link.stop(farewell),
      },
      barriers,
      readers,
      bootId: random.hex(16),
      // It goes on when its program ends: who stands at a gate is known again, unless its disk was exchanged.
      machine: { bootId: `${machine}:${String(options.disk.exchanges)}`, upMs: () => timeline.nowMs },
      requestRestart,
    },
    edgeSettingsSchema.parse({ siteId, edgeId, gates: gates.map((gate) => ({ ...gate })), ...options.settings }),
  );
  return { agent, program: { start: () => agent.start(), stop: () => agent.stop() } };
}
