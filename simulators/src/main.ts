#!/usr/bin/env node
/** `simulate`: what a tester does by hand to simulated gates, and the replay of recordings. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { simulatedFaults, vehicleBehaviours } from '@gatehouse/edge-agent';
import { slotClasses } from '@gatehouse/shared';
import { reportFatal, systemClock } from '@gatehouse/shared/node';
import { benchCommand } from './commands/bench.js';
import { checkAllowanceCommand } from './commands/check-allowance.js';
import { chaosCommand, herdCommand } from './commands/chaos.js';
import { faultAliases, setFault, setPower } from './commands/faults.js';
import { findEdges, findGate } from './commands/find-gates.js';
import { fuzzCommand } from './commands/fuzz.js';
import { laneReplayCommand } from './commands/lane-replay.js';
import { replayCommand } from './commands/replay.js';
import { trafficCommand } from './commands/traffic.js';
import { sendVehicle } from './commands/vehicle.js';
import type { VehicleRequest } from './commands/vehicle.js';
import { worldCommand } from './commands/world.js';

interface Where {
  readonly data: string;
  readonly control?: readonly string[];
}

const program = new Command('simulate')
  .description('Drives simulated gates: single vehicles, faults, traffic, and recordings of real car parks.')
  .showHelpAfterError('(--help lists what there is)')
  .enablePositionalOptions();

addWhere(program.command('vehicle'))
  .description('Send one virtual vehicle to a gate and see what becomes of it.')
  .requiredOption('--gate <id>', 'the gate, e.g. entry-1')
  .option('--site <id>', 'the site, when several have a gate of this name')
  .option('--plate <text>', 'its plate; none: nothing that can be read')
  .addOption(new Option('--class <class>', 'class of slot it needs').choices(slotClasses).default('standard'))
  .addOption(new Option('--behaviour <kind>', 'what its driver does').choices(vehicleBehaviours).default('pass'))
  .option('--leader <plate>', 'with --behaviour tailgate: send this vehicle before it')
  .option('--length <metres>', 'length, 1.5 to 25', numberFrom(1.5, 25))
  .option('--speed <km/h>', 'speed, 1 to 50', numberFrom(1, 50))
  .option('--trailer', 'with a trailer')
  .option('--patience <seconds>', 'how long it waits at a closed arm, in the time of the site', numberFrom(0, 86_400))
  .option('--timeout <seconds>', 'how long this program waits for it', numberFrom(0, 86_400), 120)
  .option('--json', 'print the result as JSON')
  .action(async (options: Where & VehicleOptions) => {
    const gate = findGate(await findEdges(options), options.gate, options.site);
    const say = options.json === true ? () => undefined : print;
    const result = await sendVehicle(gate, vehicleOf(options), systemClock, options.timeout * 1000, say);
    if (options.json === true) print(JSON.stringify(result));
    if (result.report === null) process.exitCode = 1;
  });

addWhere(program.command('fault'))
  .description('Make something wrong at a gate, or right again.')
  .requiredOption('--gate <id>', 'the gate')
  .option('--site <id>', 'the site, when several have a gate of this name')
  .addOption(
    new Option('--fault <name>', 'what is wrong')
      .choices([...Object.keys(faultAliases), ...simulatedFaults])
      .makeOptionMandatory(),
  )
  .addOption(new Option('--on', 'from now on').conflicts('off'))
  .addOption(new Option('--off', 'no longer'))
  .option('--json', 'print the result as JSON')
  .action(async (options: Where & SwitchOptions & { gate: string; site?: string; fault: string }) => {
    const gate = findGate(await findEdges(options), options.gate, options.site);
    const result = await setFault(gate, options.fault, switchOf(options));
    print(
      options.json === true ? JSON.stringify(result) : `${result.fault} at ${result.gateId} is ${onOff(result.active)}`,
    );
  });

addWhere(program.command('power'))
  .description('Cut the power of the cabinet of an edge agent, or of one gate, or restore it.')
  .option('--edge <id>', 'the edge agent')
  .option('--gate <id>', 'one gate of it')
  .option('--site <id>', 'the site, when several have a gate of this name')
  .addOption(new Option('--on', 'restore it').conflicts('off'))
  .addOption(new Option('--off', 'cut it'))
  .option('--json', 'print the result as JSON')
  .action(async (options: Where & SwitchOptions & { edge?: string; gate?: string; site?: string }) => {
    const result = await setPower(await findEdges(options), options, switchOf(options));
    print(options.json === true ? JSON.stringify(result) : `the power of ${result.of} is ${onOff(result.on)}`);
  });

program.addCommand(addWhere(trafficCommand()));
program.addCommand(replayCommand());
program.addCommand(laneReplayCommand());
program.addCommand(fuzzCommand());
program.addCommand(checkAllowanceCommand());
program.addCommand(worldCommand());
program.addCommand(chaosCommand());
program.addCommand(herdCommand(), { hidden: true });
program.addCommand(benchCommand());

try {
  await program.parseAsync();
} catch (error) {
  reportFatal(error);
  process.exitCode = 1;
}

interface VehicleOptions {
  readonly gate: string;
  readonly site?: string;
  readonly plate?: string;
  readonly class: VehicleRequest['vehicleClass'];
  readonly behaviour: VehicleRequest['behaviour'];
  readonly leader?: string;
  readonly length?: number;
  readonly speed?: number;
  readonly trailer?: boolean;
  readonly patience?: number;
  readonly timeout: number;
  readonly json?: boolean;
}

function vehicleOf(options: VehicleOptions): VehicleRequest {
  return {
    plate: options.plate ?? null,
    vehicleClass: options.class,
    behaviour: options.behaviour,
    leader: options.leader,
    lengthM: options.length,
    speedKmh: options.speed,
    trailer: options.trailer === true,
    patienceMs: options.patience === undefined ? undefined : Math.round(options.patience * 1000),
  };
}

interface SwitchOptions {
  readonly on?: boolean;
  readonly off?: boolean;
  readonly json?: boolean;
}

function switchOf(options: SwitchOptions): boolean {
  if (options.on === undefined && options.off === undefined) throw new InvalidArgumentError('say --on or --off');
  return options.on === true;
}

function onOff(on: boolean): string {
  return on ? 'on' : 'off';
}

/** Where the gates are. */
function addWhere(command: Command): Command {
  return command
    .option('--data <directory>', 'data directory of a running demonstration', defaultDataDirectory())
    .option(
      '--control <url>',
      'control of an edge agent with simulated barriers, instead; may be repeated',
      (url: string, before: string[] | undefined) => [...(before ?? []), url],
    );
}

function defaultDataDirectory(): string {
  return resolve(process.env.GATEHOUSE_DATA_DIR ?? 'data');
}

function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`must be a number from ${String(least)} to ${String(most)}`);
    }
    return value;
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
