/** Barriers, readers and recordings of a configuration. Their code is loaded where there are any: on a small machine it takes room. */
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import type { PlateReaders } from './adapters/plate-readers/index.js';
import type {
  GateHappening,
  HappeningLog,
  SimulatedBarrier,
  SimulationControlOptions,
  SimulationControl,
} from './adapters/simulated-barrier/index.js';
import type { BarrierDriver, RecordingPort } from './app/ports.js';
import type { EdgeConfiguration, GateConfiguration } from './configuration.js';

export interface DriverParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly log: HappeningLog | undefined;
  /** Counts for gates on real lines. */
  readonly missedEdges: Map<string, number>;
}

export interface Drivers {
  barrier(
    gate: GateConfiguration,
    parts: DriverParts,
  ): { readonly barrier: BarrierDriver; readonly simulated?: SimulatedBarrier };
  /** Undefined where nothing is simulated, or it is not to be told. */
  happeningLog(logger: Logger): HappeningLog | undefined;
  /** Undefined where nothing is simulated. */
  simulationControl(options: SimulationControlOptions): SimulationControl | undefined;
  /** Undefined where none is configured. */
  plateReaders(clock: Clock, logger: Logger): PlateReaders | undefined;
  /** Undefined where none is configured. */
  recording(logger: Logger): RecordingPort | undefined;
}

export async function loadDrivers(configuration: EdgeConfiguration): Promise<Drivers> {
  const { edgeId, gates, readers, recording, simulation } = configuration;
  const isSimulated = gates.some(({ barrier }) => barrier.driver === 'simulated');
  const isReal = gates.some(({ barrier }) => barrier.driver !== 'simulated');
  const simulated = isSimulated ? await import('./adapters/simulated-barrier/index.js') : undefined;
  const gpio = isReal ? await import('./adapters/gpio-barrier/index.js') : undefined;
  const reading = readers === undefined ? undefined : await import('./adapters/plate-readers/index.js');
  const recordings = recording === undefined ? undefined : await import('./adapters/input-recording/index.js');
  return {
    barrier(gate, { clock, random, logger: parent, log, missedEdges }) {
      const { gateId, direction, hasReader, barrier } = gate;
      const logger = parent.child({ gateId });
      if (barrier.driver === 'simulated') {
        const { settings } = barrier;
        const made = loaded(simulated).createSimulatedBarrier({
          ...{ clock, random, gateId, direction, hasReader, settings },
          ...(log === undefined ? {} : { log: writerOf(log) }),
        });
        return { barrier: made.barrier, simulated: made };
      }
      missedEdges.set(gateId, 0);
      const onMissedEdges = (count: number): void => {
        missedEdges.set(gateId, (missedEdges.get(gateId) ?? 0) + count);
      };
      return { barrier: loaded(gpio).createGpioBarrier({ ...barrier, clock, logger, onMissedEdges }) };
    },
    happeningLog(logger) {
      return simulation?.log === undefined
        ? undefined
        : loaded(simulated).createHappeningLog({ ...simulation.log, logger });
    },
    simulationControl: (options) => simulated?.createSimulationControl(options),
    plateReaders(clock, logger) {
      if (readers === undefined) return undefined;
      const around = { clock, linkClock: systemClock, random: systemRandom, logger: logger.child({ part: 'readers' }) };
      return loaded(reading).createPlateReaders({ settings: readers, clientName: `gatehouse-${edgeId}`, ...around });
    },
    recording(logger) {
      if (recording === undefined) return undefined;
      const { file, maxBytes } = recording;
      const sink = loaded(recordings).createRecordingFile({ file, clock: systemClock, logger });
      return { sink, maxBytes, origin: isSimulated ? 'simulated' : 'recorded' };
    },
  };
}

function loaded<T>(module: T | undefined): T {
  if (module === undefined) throw new Error('the configuration asks for what was not loaded');
  return module;
}

function writerOf(log: HappeningLog): (happening: GateHappening) => void {
  return (happening) => {
    log.write(happening);
  };
}
