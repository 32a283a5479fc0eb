/** `edge watch`: what the inputs of the gates do while an installer walks over a loop. Drives no output. */
import { silentLogger } from '@gatehouse/shared/edge';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import pc from 'picocolors';
import { createAgentLanes, createGpioWires, findAgent, pageUrlOf } from './adapters/machine/index.js';
import { createSimulatedBarrier } from './adapters/simulated-barrier/index.js';
import { openScreen } from './adapters/terminal/index.js';
import type { EdgeConfiguration, GateConfiguration } from './configuration.js';
import { createOwnLines } from './watch/own-lines.js';
import type { OwnGate, Wires } from './watch/own-lines.js';
import type { WiringOf } from './watch/render.js';
import { createJsonReporter, createLineReporter, createPictureReporter } from './watch/reporters.js';
import type { ReporterOptions, WatchReporter } from './watch/reporters.js';
import type { LanesSource } from './watch/source.js';

export interface WatchOptions {
  readonly configuration: EdgeConfiguration;
  readonly asJson: boolean;
  /** Ends by itself after so long. */
  readonly boundMs: number | undefined;
  /** Asks for the end. */
  readonly end: () => void;
}

/** Of a terminal that does not tell. */
const usualFrame = { columns: 100, rows: 40 };
/** What may wait for whoever reads the lines. */
const maxWaitingBytes = 256 * 1024;
/** Vehicles of the model, where nobody else sends any. */
const modelVehicleEveryMs = 8_000;
const modelPatienceMs = 1_500;

/** @throws Error that says what to do when nothing can be seen. */
export async function startWatch(options: WatchOptions): Promise<{ stop(): Promise<void> }> {
  const { configuration, boundMs, end } = options;
  const source = await chooseSource(configuration);
  const reporter = chooseReporter(options, source);
  // Whoever reads this through a pipe may have seen enough.
  process.stdout.on('error', end);
  let isWatching = false;
  await source.start({
    onChange: (change) => {
      if (isWatching) reporter.change(change);
    },
    onTrouble: (problem) => {
      reporter.trouble(problem);
    },
  });
  isWatching = true;
  reporter.begin();
  const cancelEnd = boundMs === undefined ? () => undefined : systemClock.setTimer(boundMs, end);
  return {
    async stop() {
      cancelEnd();
      if (!isWatching) return;
      isWatching = false;
      await source.stop();
      reporter.end();
    },
  };
}

async function chooseSource(configuration: EdgeConfiguration): Promise<LanesSource> {
  const agent = await findAgent(configuration);
  const { host, port } = configuration.http;
  if (agent?.ownsPage === true && port !== null) return createAgentLanes(pageUrlOf(host, port), systemClock);
  if (agent !== undefined) {
    const who = agent.pid === undefined ? 'an agent' : `an agent (process ${String(agent.pid)})`;
    throw new Error(`${who} runs here and holds the lines, and has no page to ask: set http.port, or stop it first`);
  }
  const gates = configuration.gates.map((gate): OwnGate => {
    const { gateId, direction, barrier } = gate;
    const debounceMsOf: OwnGate['debounceMsOf'] = (input) =>
      barrier.driver === 'simulated' ? 0 : (barrier.settings.inputs[input]?.debounceMs ?? 0);
    return { gateId, direction, debounceMsOf, wires: wiresOf(gate) };
  });
  const isSimulated = configuration.gates.some(({ barrier }) => barrier.driver === 'simulated');
  const model = isSimulated ? ' (simulated: a vehicle comes every 8 s)' : '';
  return createOwnLines(`no agent runs: the inputs themselves, before debouncing${model}`, gates, systemClock);
}

function wiresOf(gate: GateConfiguration): Wires {
  if (gate.barrier.driver === 'simulated') return modelWires(gate, gate.barrier.settings);
  const { driver, settings } = gate.barrier;
  return createGpioWires({ driver, settings, clock: systemClock, logger: silentLogger });
}

type SimulatedSettings = Extract<GateConfiguration['barrier'], { driver: 'simulated' }>['settings'];

/** A gate of the model for trying this out: its vehicles push the arm up, as nobody opens it. */
function modelWires({ gateId, direction, hasReader }: GateConfiguration, settings: SimulatedSettings): Wires {
  const around = { clock: systemClock, random: systemRandom };
  const simulated = createSimulatedBarrier({ ...around, gateId, direction, hasReader, settings });
  let cancelTimer: () => void = () => undefined;
  const sendVehicles = (): void => {
    simulated.send({ behaviour: 'force', patienceMs: modelPatienceMs });
    cancelTimer = systemClock.setTimer(modelVehicleEveryMs, sendVehicles);
  };
  return {
    async start(listener) {
      const levels = await simulated.barrier.start({
        onInput: ({ input, active, monoMs }) => {
          listener.onRaw(input, active, monoMs);
        },
        onTrouble: (problem) => {
          listener.onTrouble(problem);
        },
        onTroubleOver: () => {
          listener.onTrouble(null);
        },
      });
      sendVehicles();
      return levels;
    },
    async stop() {
      cancelTimer();
      await simulated.barrier.stop();
      simulated.dispose();
    },
  };
}

function chooseReporter({ configuration, asJson }: WatchOptions, source: LanesSource): WatchReporter {
  const { stdout } = process;
  const common: ReporterOptions = {
    tells: source.tells,
    gates: () => source.gates(),
    print: (text) => {
      stdout.write(`${text}\n`);
    },
    wiringOf: wiringOf(configuration),
    isSlow: () => stdout.writableLength > maxWaitingBytes,
  };
  if (asJson) return createJsonReporter(common);
  if (!stdout.isTTY) return createLineReporter(common);
  const screen = openScreen(stdout);
  const leave = (): void => {
    screen.close();
  };
  // However this ends, the terminal is given back.
  process.once('exit', leave);
  return createPictureReporter({
    ...common,
    clock: systemClock,
    paint: { strong: pc.bold, good: pc.green, bad: pc.red, dim: pc.dim },
    // A terminal that does not tell its size says 0.
    frame: () => ({ columns: stdout.columns || usualFrame.columns, rows: stdout.rows || usualFrame.rows }),
    draw: (lines) => {
      screen.draw(lines);
    },
    leave,
  });
}

function wiringOf({ gates }: EdgeConfiguration): WiringOf {
  return (gateId, kind, name) => {
    const barrier = gates.find((gate) => gate.gateId === gateId)?.barrier;
    if (barrier === undefined || barrier.driver === 'simulated') return '';
    const { inputs, outputs } = barrier.settings;
    const wired = kind === 'inputs' ? inputs : { ...outputs, 'hold-open': outputs.holdOpen };
    const line = (wired as Readonly<Record<string, { bcm: number; activeLow: boolean } | undefined>>)[name];
    return line === undefined ? '' : `BCM ${String(line.bcm)}${line.activeLow ? ', active low' : ''}`;
  };
}
