/**
 * A production edge agent whose barriers are played by this process: it reports edges of loops and takes the time until the barrier is
 * asked to open. Outbox, link and settings are those of production; only how long a lane waits before it closes is shorter.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { composeEdge, edgeConfigurationSchema } from '@gatehouse/edge-agent';
import type {
  BarrierDriver,
  BarrierListener,
  CredentialRead,
  CredentialReader,
  EdgeConfigurationInput,
  EdgeCredential,
  LaneInput,
} from '@gatehouse/edge-agent';
import { createLogger, systemClock } from '@gatehouse/shared/node';
import { serve } from '../serve.js';
import { pauseByChance } from '../decision/rhythm.js';

export interface EntranceOptions {
  readonly configuration: EdgeConfigurationInput;
  readonly credential: EdgeCredential;
}

/** One vehicle after the other at one gate. */
export interface VehiclesQuestion {
  readonly gateId: string;
  /** One a vehicle; null where nothing is read. */
  readonly plates: readonly (string | null)[];
  /** They come at times that nothing else goes by; otherwise as fast as they can. */
  readonly isMeasured: boolean;
}

const openTimeoutMs = 10_000;
const quietPollMs = 2;
const quietTimeoutMs = 60_000;
/** From the read to the loop: the camera sees farther. */
const readBeforeMs = 10;

export function run(): void {
  serve(async ({ configuration: input, credential }: EntranceOptions) => {
    const configuration = edgeConfigurationSchema.parse(input);
    const lanes = new Map(configuration.gates.map(({ gateId }) => [gateId, createPlayedLane(gateId)]));
    const edge = await composeEdge({
      configuration,
      credential,
      logger: createLogger({ name: configuration.edgeId, level: 'warn', format: 'json' }),
      requestRestart: () => undefined,
      barriers: new Map([...lanes].map(([gateId, { driver }]) => [gateId, driver])),
      readers: [...lanes.values()].map(({ reader }) => reader),
    });
    await edge.start();
    /** So many vehicles went through, all that happened is written down and told to the aggregator, and no arm is up. */
    const quiet = async (passages: number): Promise<void> => {
      const endMs = performance.now() + quietTimeoutMs;
      while (performance.now() < endMs) {
        const { link, outbox, gates, counters } = edge.agent.status();
        const isTold = link.up && !outbox.isCommitting && outbox.unacknowledged === 0;
        const isThrough = counters.passagesEntry + counters.passagesExit === passages;
        if (isTold && isThrough && gates.every(({ barrier }) => barrier === 'closed')) return;
        await sleep(quietPollMs);
      }
      throw new Error(`not everything was told and closed within ${String(quietTimeoutMs)} ms`);
    };
    let passages = 0;
    return {
      async vehicles({ gateId, plates, isMeasured }: VehiclesQuestion): Promise<number[]> {
        const lane = lanes.get(gateId);
        if (lane === undefined) throw new RangeError(`no gate ${gateId}`);
        const tookMs: number[] = [];
        await quiet(passages);
        for (const plate of plates) {
          if (isMeasured) await pauseByChance();
          if (plate !== null) {
            lane.read(plate);
            await sleep(readBeforeMs);
          }
          tookMs.push(await lane.arrive());
          await lane.passThrough();
          passages += 1;
          await quiet(passages);
        }
        return tookMs;
      },
      counters: () => edge.agent.status().counters,
      stop: () => edge.stop(),
    };
  });
}

interface PlayedLane {
  readonly driver: BarrierDriver;
  readonly reader: CredentialReader;
  read(plate: string): void;
  /** A vehicle comes upon the arming loop: answers after how many milliseconds the barrier is asked to open. */
  arrive(): Promise<number>;
  /** The arm goes up, the vehicle through, the arm down. */
  passThrough(): Promise<void>;
}

function createPlayedLane(gateId: string): PlayedLane {
  let listener: BarrierListener | undefined;
  let onRead: (read: CredentialRead) => void = () => undefined;
  let openRequested = (): void => undefined;
  let closeRequested = (): void => undefined;
  const tell = (input: LaneInput, active: boolean): void => {
    listener?.onInput({ input, active, monoMs: systemClock.monoMs() });
  };
  return {
    driver: {
      inputs: new Set(['arming', 'safety', 'limit-open', 'limit-closed']),
      start(heard) {
        listener = heard;
        return Promise.resolve(
          new Map<LaneInput, boolean>([
            ['arming', false],
            ['safety', false],
            ['limit-open', false],
            ['limit-closed', true],
          ]),
        );
      },
      requestOpen() {
        openRequested();
      },
      requestClose() {
        closeRequested();
      },
      setHoldOpen: () => undefined,
      setLamp: () => undefined,
      showText: () => undefined,
      stop: () => Promise.resolve(),
    },
    reader: {
      start(heard) {
        onRead = heard;
        return Promise.resolve();
      },
      stop: () => Promise.resolve(),
    },
    read(plate) {
      const credential = { kind: 'plate' as const, value: plate, source: 'camera', confidence: 0.99 };
      onRead({ gateId, credential, monoMs: systemClock.monoMs() });
    },
    arrive() {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`${gateId} was not asked to open within ${String(openTimeoutMs)} ms`));
        }, openTimeoutMs);
        const startedMs = performance.now();
        openRequested = () => {
          const tookMs = performance.now() - startedMs;
          clearTimeout(timer);
          resolve(tookMs);
        };
        tell('arming', true);
      });
    },
    async passThrough() {
      tell('limit-closed', false);
      tell('limit-open', true);
      tell('safety', true);
      tell('arming', false);
      const closing = new Promise<void>((resolve) => {
        closeRequested = resolve;
      });
      tell('safety', false);
      await closing;
      tell('limit-open', false);
      tell('limit-closed', true);
    },
  };
}
