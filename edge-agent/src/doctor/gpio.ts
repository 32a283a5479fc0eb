/** The lines of real barriers: the way to them, the chip, who has them, and outputs that do not move an arm at every boot. */
import { messageOf } from '@gatehouse/shared/edge';
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export type GpioDriverName = 'gpio' | 'onoff' | 'character-device';

interface WiredLine {
  readonly bcm: number;
}

export interface WiredGate {
  readonly gateId: string;
  readonly driver: GpioDriverName;
  readonly chipLabel: string | undefined;
  readonly inputs: Readonly<Record<string, (WiredLine & { readonly bias: string }) | undefined>>;
  readonly outputs: Readonly<Record<string, (WiredLine & { readonly activeLow: boolean }) | undefined>>;
}

/** How a gate's lines are reached. */
export interface GpioWay {
  readonly interface: 'sysfs' | 'character-device';
  readonly chip: { readonly label: string; readonly lines: number; readonly path: string };
}

export interface GpioWorld {
  /** As the driver of a gate would, but for asking for lines. @throws Error saying what a technician should do. */
  reach(gate: Pick<WiredGate, 'driver' | 'chipLabel'> & { readonly needsBias: boolean }): Promise<GpioWay>;
  /** The code of the error when lines cannot be asked for through sysfs, else undefined. */
  exportProblem(): Promise<string | undefined>;
  /** The packages of each interface, and why they cannot be loaded. */
  packages(): Promise<readonly { readonly names: string; readonly problem: string | undefined }[]>;
  /** Who has each of these lines that is in use; undefined where nothing tells. */
  usersOf(chipLabel: string, bcms: readonly number[]): Promise<ReadonlyMap<number, string> | undefined>;
}

/** As the agent names itself to the kernel. */
const ownConsumer = 'gatehouse';
/** Of the header of every Raspberry Pi: lines 0 to 8 are pulled up from power-on until a program sets them, 9 to 27 down. */
const lastPulledUp = 8;
const lastOfHeader = 27;

/** @param agentRuns then it has the lines */
export async function checkGpio(world: GpioWorld, gates: readonly WiredGate[], agentRuns: boolean): Promise<Finding[]> {
  if (gates.length === 0) return [];
  const findings: Finding[] = [await packagesOf(world)];
  for (const gate of gates) findings.push(...(await checkGate(world, gate, agentRuns)));
  return findings;
}

/** What is not loaded is not always needed: whether it is, the gates say. */
async function packagesOf(world: GpioWorld): Promise<Finding> {
  const { pass, warn } = findingsOf('gpio');
  const packages = await world.packages();
  const good = packages.filter(({ problem }) => problem === undefined).map(({ names }) => names);
  const bad = packages.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  if (bad.length === 0) return pass(`${good.join('; ')} can be loaded`);
  return warn(good.length === 0 ? 'nothing can be loaded' : `only ${good.join('; ')} can be loaded`, bad.join('; '));
}

async function checkGate(world: GpioWorld, gate: WiredGate, agentRuns: boolean): Promise<Finding[]> {
  const { pass, fail } = findingsOf('gpio');
  const { gateId, driver, chipLabel } = gate;
  const needsBias = Object.values(gate.inputs).some((input) => input !== undefined && input.bias !== 'as-is');
  let way: GpioWay;
  try {
    way = await world.reach({ driver, chipLabel, needsBias });
  } catch (error) {
    return [fail(`gate ${gateId}: ${messageOf(error)}`, 'look at "gpiodetect", at chipLabel and at driver')];
  }
  const { chip } = way;
  const wrong = [
    ...(await permissionOf(world, gate, way)),
    ...missingLines(gate, chip),
    ...pulledLines(gate, chip.label),
    ...(await busyLines(world, gate, way, agentRuns)),
  ];
  if (wrong.length > 0) return wrong;
  const where = `${chip.label} with ${String(chip.lines)} lines at ${chip.path}`;
  const whose = agentRuns ? 'its lines are the running agent’s' : 'all its lines are there and free';
  return [pass(`gate ${gateId}: ${whose}; ${where}, through ${await wayInWords(world, gate, way, needsBias)}`)];
}

async function wayInWords(world: GpioWorld, gate: WiredGate, way: GpioWay, needsBias: boolean): Promise<string> {
  const name = way.interface === 'sysfs' ? 'sysfs (onoff)' : 'the character device';
  if (gate.driver !== 'gpio') return `${name}, as driver ${gate.driver} says`;
  if (way.interface === 'sysfs') return `${name}, which is there`;
  if (needsBias) return `${name}, as an input sets a bias`;
  try {
    await world.reach({ driver: 'onoff', chipLabel: gate.chipLabel, needsBias });
    return name;
  } catch (error) {
    return `${name}, as for sysfs: ${messageOf(error)}`;
  }
}

async function permissionOf(world: GpioWorld, { gateId }: WiredGate, way: GpioWay): Promise<Finding[]> {
  if (way.interface !== 'sysfs') return [];
  const problem = await world.exportProblem();
  if (problem === undefined) return [];
  const { fail } = findingsOf('gpio');
  const remedy = 'add the user that runs the agent to the group "gpio", or give it access by a udev rule';
  return [fail(`gate ${gateId}: lines in /sys/class/gpio cannot be asked for (${problem})`, remedy)];
}

function linesOf({ inputs, outputs }: WiredGate): { readonly what: string; readonly bcm: number }[] {
  const named = (kind: string, lines: Readonly<Record<string, WiredLine | undefined>>) =>
    Object.entries(lines).flatMap(([name, line]) =>
      line === undefined ? [] : [{ what: `${kind}.${name}`, bcm: line.bcm }],
    );
  return [...named('inputs', inputs), ...named('outputs', outputs)];
}

function missingLines(gate: WiredGate, chip: GpioWay['chip']): Finding[] {
  const { fail } = findingsOf('gpio');
  return linesOf(gate)
    .filter(({ bcm }) => bcm >= chip.lines)
    .map(({ what, bcm }) =>
      fail(
        `gate ${gate.gateId}: ${what} is BCM ${String(bcm)}, and ${chip.label} has lines 0 to ${String(chip.lines - 1)}`,
        'give the BCM number (not that of the pin), and look at chipLabel',
      ),
    );
}

/** What went through sysfs has the kernel's own name there, ours included. */
async function busyLines(world: GpioWorld, gate: WiredGate, way: GpioWay, agentRuns: boolean): Promise<Finding[]> {
  const { chip } = way;
  const lines = linesOf(gate).filter(({ bcm }) => bcm < chip.lines);
  const users = await world.usersOf(
    chip.label,
    lines.map(({ bcm }) => bcm),
  );
  const { fail } = findingsOf('gpio');
  const remedy = 'free it (an overlay or dtparam of config.txt, a service), or use another line; "gpioinfo" shows all';
  return lines.flatMap(({ what, bcm }) => {
    const user = users?.get(bcm);
    if (user === undefined || (user === 'sysfs' && way.interface === 'sysfs')) return [];
    if (user === ownConsumer && agentRuns) return [];
    return [
      fail(`gate ${gate.gateId}: ${what} (BCM ${String(bcm)}) is in use by ${user === '' ? 'somebody' : user}`, remedy),
    ];
  });
}

function pulledLines({ gateId, outputs }: WiredGate, label: string): Finding[] {
  if (!/^pinctrl-(bcm|rp1)/.test(label)) return [];
  const { fail } = findingsOf('gpio');
  return Object.entries(outputs).flatMap(([name, output]) => {
    if (output === undefined || output.bcm > lastOfHeader) return [];
    const isPulledUp = output.bcm <= lastPulledUp;
    if (isPulledUp === output.activeLow) return [];
    const says = `gate ${gateId}: outputs.${name} is BCM ${String(output.bcm)}, pulled ${isPulledUp ? 'up' : 'down'} from power-on: its relay, which draws when the line is ${isPulledUp ? 'high' : 'low'}, would draw at every boot`;
    return [fail(says, `wire it to BCM ${isPulledUp ? '9 to 27' : '0 to 8'}, or use a relay that draws the other way`)];
  });
}
