/** `edge test-barrier`: opens and closes one barrier, with an installer beside it. */
import { createInterface } from 'node:readline';
import { silentLogger } from '@gatehouse/shared/edge';
import { ConfigurationError, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createGpioBarrier } from './adapters/gpio-barrier/index.js';
import { findAgent } from './adapters/machine/index.js';
import { createSimulatedBarrier } from './adapters/simulated-barrier/index.js';
import type { BarrierDriver } from './app/ports.js';
import { testBarrier } from './barrier-test/run-test.js';
import type { EdgeConfiguration, GateConfiguration } from './configuration.js';
import type { Finding } from './doctor/finding.js';
import { countsInWords, countVerdicts, describeFinding } from './doctor/report.js';

/** The longest name of a step. */
const stepWidth = 'lines'.length;

/**
 * @throws ConfigurationError when the gate is not there, or has to be named.
 * @throws Error when the agent runs: it has the lines.
 */
export async function gateToTest(
  configuration: EdgeConfiguration,
  gateId: string | undefined,
): Promise<GateConfiguration> {
  const { gates } = configuration;
  const gateIds = gates.map((one) => one.gateId).join(', ');
  const gate = gateId === undefined ? gates[0] : gates.find((one) => one.gateId === gateId);
  if (gate === undefined) throw new ConfigurationError([`there is no gate ${gateId ?? ''}; there are ${gateIds}`]);
  if (gateId === undefined && gates.length > 1) throw new ConfigurationError([`name the gate: one of ${gateIds}`]);
  const agent = await findAgent(configuration);
  if (agent === undefined) return gate;
  const who = agent.pid === undefined ? 'an agent' : `an agent (process ${String(agent.pid)})`;
  throw new Error(`${who} runs here and holds the lines: stop it first ("systemctl stop gatehouse-edge")`);
}

/**
 * Asks whether the arm may move; anything but a yes is a no.
 * @throws Error where nobody can be asked.
 */
export async function mayMove(gateId: string): Promise<boolean> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new Error('nobody can be asked whether the lane is clear: --yes says that it is');
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  stderr.write(`The arm of ${gateId} will move. Is the lane clear, with nobody near the arm? [y/N] `);
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => {
      resolve('');
    });
  });
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

export interface BarrierTestRun {
  readonly gate: GateConfiguration;
  readonly asJson: boolean;
  readonly print: (text: string) => void;
  /** The test has come to its end. */
  readonly done: (isGood: boolean) => void;
}

export function startBarrierTest({ gate, asJson, print, done }: BarrierTestRun): { stop(): Promise<void> } {
  const { gateId, lane } = gate;
  const end = new AbortController();
  const { driver, dispose } = driverOf(gate);
  const findings: Finding[] = [];
  const test = testBarrier({
    driver,
    ...{ clock: systemClock, travelTimeMs: lane.travelTimeMs, contradictAfterMs: lane.contradictAfterMs },
    ...traitsOf(gate),
    end: end.signal,
    tell(finding) {
      findings.push(finding);
      if (!asJson) print(describeFinding(finding, stepWidth).join('\n'));
    },
  }).then((isGood) => {
    dispose();
    const counts = countVerdicts(findings);
    print(asJson ? JSON.stringify({ ok: isGood, gateId, ...counts, findings }) : `\n${countsInWords(counts)}`);
    done(isGood);
  });
  return {
    async stop() {
      end.abort();
      await test;
    },
  };
}

/** As the agent drives it. */
function driverOf({ gateId, direction, hasReader, barrier }: GateConfiguration): {
  readonly driver: BarrierDriver;
  readonly dispose: () => void;
} {
  if (barrier.driver !== 'simulated') {
    const driver = createGpioBarrier({ ...barrier, clock: systemClock, logger: silentLogger });
    return { driver, dispose: () => undefined };
  }
  const around = { clock: systemClock, random: systemRandom };
  const simulated = createSimulatedBarrier({ ...around, gateId, direction, hasReader, settings: barrier.settings });
  return {
    driver: simulated.barrier,
    dispose: () => {
      simulated.dispose();
    },
  };
}

function traitsOf({ barrier }: GateConfiguration): { readonly closesByItself: boolean; readonly isHeldOpen: boolean } {
  if (barrier.driver === 'simulated') return { closesByItself: false, isHeldOpen: false };
  const { outputs, safeHoldOpen } = barrier.settings;
  return { closesByItself: outputs.close === undefined && outputs.open.mode === 'pulse', isHeldOpen: safeHoldOpen };
}
