/** What the figures about decisions measure: an aggregator with one entrance, and beside them the floor under both. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { redeemCode } from '@gatehouse/edge-agent';
import { System } from '../../processes/index.js';
import type { SiteGate } from '../../processes/index.js';
import type { BenchContext } from '../figure.js';
import { createProcesses } from '../figure-processes.js';
import type { FigureProcesses } from '../figure-processes.js';
import type { Child } from '../child.js';
import { requestFloorTexts } from './request-floor.js';
import type { EntranceOptions, VehiclesQuestion } from '../programs/entrance.js';
import type { RequestFloorClientOptions } from '../programs/request-floor-client.js';
import type { RequestFloorServerOptions } from '../programs/request-floor-server.js';

export interface Entrance {
  /** So many vehicles of each kind, as fast as they can: programs at a gate have been running for long. */
  warmUp(vehicles: number): Promise<void>;
  /** Milliseconds from the edge of the loop to the open request, of so many vehicles that show nothing. */
  anonymous(vehicles: number): Promise<number[]>;
  /** The same of vehicles whose plate has been read before they come: of regulars, who were here before … */
  returning(vehicles: number): Promise<number[]>;
  /** … and of vehicles that nobody has seen yet. */
  firstSeen(vehicles: number): Promise<number[]>;
}

export interface Floor {
  /** Milliseconds of so many requests. */
  requests(count: number): Promise<number[]>;
}

export interface DecisionStage extends FigureProcesses {
  readonly entrance: Entrance;
  readonly floor: Floor;
}

const siteId = 'decision';
const edgeId = 'entrance';
const slotCount = 500;
const gates: readonly SiteGate[] = [
  { gateId: 'in', edgeId, direction: 'entry' },
  { gateId: 'in-with-reader', edgeId, direction: 'entry' },
  { gateId: 'out', edgeId, direction: 'exit' },
  { gateId: 'out-with-reader', edgeId, direction: 'exit' },
];
/** Vehicles that come again and again. */
const regulars = 40;
/** One lane takes a vehicle after the other without the pauses of steel, and nobody takes that for a loop that chatters. */
const lane = { closeDelayMs: 0, chatterEdges: 1_000 };

/** @param settings of the aggregator, beside the defaults */
export async function createDecisionStage(
  { directory, tidyUp }: Pick<BenchContext, 'directory' | 'tidyUp'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<DecisionStage> {
  const processes = createProcesses(tidyUp, new System(1, settings));
  const { system } = processes;
  try {
    await system.startAggregator();
    await system.createSite(siteId, slotCount, gates);
    const credential = await redeemCode(system.url, await system.registerEdge(siteId, edgeId), false);
    const entranceOptions: EntranceOptions = {
      credential,
      configuration: {
        siteId,
        edgeId,
        dataDir: system.edgeFile(edgeId, 'data'),
        gates: gates.map(({ gateId, direction }) => ({
          gateId,
          direction,
          hasReader: gateId.endsWith('-with-reader'),
          lane,
          barrier: { driver: 'simulated' },
        })),
        http: { port: 0 },
      },
    };
    const edge = await processes.start('entrance', entranceOptions);
    return { ...processes, entrance: createEntrance(edge), floor: await createFloor(directory, processes) };
  } catch (error) {
    await processes.close();
    throw error;
  }
}

/** Everybody leaves again, so that the site is as empty before each block of vehicles as before the first. */
function createEntrance(edge: Child): Entrance {
  let strangers = 0;
  let visits = 0;
  const stranger = (): string => `S${String((strangers += 1)).padStart(6, '0')}`;
  const regular = (): string => `R${String((visits += 1) % regulars).padStart(6, '0')}`;
  const drive = (question: VehiclesQuestion): Promise<number[]> => edge.ask('vehicles', question);
  const inAndOut = async (
    kind: '' | '-with-reader',
    plates: readonly (string | null)[],
    isMeasured = true,
  ): Promise<number[]> => {
    const tookMs = await drive({ gateId: `in${kind}`, plates, isMeasured });
    await drive({ gateId: `out${kind}`, plates, isMeasured: false });
    return tookMs;
  };
  return {
    async warmUp(vehicles) {
      await inAndOut(
        '',
        Array.from({ length: vehicles }, () => null),
        false,
      );
      await inAndOut('-with-reader', Array.from({ length: vehicles }, regular), false);
      await inAndOut('-with-reader', Array.from({ length: vehicles }, stranger), false);
    },
    anonymous: (vehicles) =>
      inAndOut(
        '',
        Array.from({ length: vehicles }, () => null),
      ),
    returning: (vehicles) => inAndOut('-with-reader', Array.from({ length: vehicles }, regular)),
    firstSeen: (vehicles) => inAndOut('-with-reader', Array.from({ length: vehicles }, stranger)),
  };
}

async function createFloor(directory: string, processes: FigureProcesses): Promise<Floor> {
  const floorDirectory = path.join(directory, 'floor');
  mkdirSync(floorDirectory, { recursive: true });
  const { row, request, reply } = requestFloorTexts();
  const serverOptions: RequestFloorServerOptions = { directory: floorDirectory, row, reply };
  const server = await processes.start('request-floor-server', serverOptions);
  const port = await server.ask<number>('port');
  const clientOptions: RequestFloorClientOptions = { directory: floorDirectory, port, row, request };
  const client = await processes.start('request-floor-client', clientOptions);
  return { requests: (count) => client.ask('requests', count) };
}
