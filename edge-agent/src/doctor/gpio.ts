/** The lines of real barriers: a chip, its lines, permission, and outputs that do not move an arm at every boot. */
import { messageOf } from '@gatehouse/shared';
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export interface WiredGate {
  readonly gateId: string;
  readonly chipLabel: string | undefined;
  readonly inputs: Readonly<Record<string, { readonly bcm: number } | undefined>>;
  readonly outputs: Readonly<Record<string, { readonly bcm: number; readonly activeLow: boolean } | undefined>>;
}

export interface GpioWorld {
  /** @throws Error saying what a technician should do. */
  findChip(
    label: string | undefined,
  ): Promise<{ readonly label: string; readonly base: number; readonly lines: number }>;
  /** The code of the error when lines cannot be asked for, else undefined. */
  exportProblem(): Promise<string | undefined>;
  /** Why the package that drives lines cannot be loaded, else undefined. */
  driverProblem(): Promise<string | undefined>;
}

/** Of the header of every Raspberry Pi: lines 0 to 8 are pulled up from power-on until a program sets them, 9 to 27 down. */
const lastPulledUp = 8;
const lastOfHeader = 27;

export async function checkGpio(world: GpioWorld, gates: readonly WiredGate[]): Promise<Finding[]> {
  if (gates.length === 0) return [];
  const { pass, fail } = findingsOf('gpio');
  const findings: Finding[] = [];
  const driverProblem = await world.driverProblem();
  if (driverProblem !== undefined) findings.push(fail(driverProblem));
  const exportProblem = await world.exportProblem();
  if (exportProblem === 'ENOENT') {
    return [...findings, fail('this kernel has no /sys/class/gpio', 'use a kernel with CONFIG_GPIO_SYSFS')];
  }
  if (exportProblem !== undefined) {
    const remedy = 'add the user that runs the agent to the group "gpio", or give it access by a udev rule';
    findings.push(fail(`lines in /sys/class/gpio cannot be asked for (${exportProblem})`, remedy));
  }
  for (const gate of gates) {
    try {
      const chip = await world.findChip(gate.chipLabel);
      const base = `${chip.label}, ${String(chip.lines)} lines from ${String(chip.base)}`;
      const wrong = [...missingLines(gate, chip), ...pulledLines(gate, chip.label)];
      findings.push(...(wrong.length > 0 ? wrong : [pass(`gate ${gate.gateId}: ${base}; all its lines are there`)]));
    } catch (error) {
      findings.push(fail(`gate ${gate.gateId}: ${messageOf(error)}`, 'look at "gpiodetect", and at chipLabel'));
    }
  }
  return findings;
}

function missingLines({ gateId, inputs, outputs }: WiredGate, chip: { label: string; lines: number }): Finding[] {
  const { fail } = findingsOf('gpio');
  const named = (kind: string, lines: WiredGate['inputs']) =>
    Object.entries(lines).flatMap(([name, line]) =>
      line === undefined ? [] : [{ what: `${kind}.${name}`, bcm: line.bcm }],
    );
  return [...named('inputs', inputs), ...named('outputs', outputs)]
    .filter(({ bcm }) => bcm >= chip.lines)
    .map(({ what, bcm }) =>
      fail(
        `gate ${gateId}: ${what} is BCM ${String(bcm)}, and ${chip.label} has lines 0 to ${String(chip.lines - 1)}`,
        'give the BCM number (not that of the pin), and look at chipLabel',
      ),
    );
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
