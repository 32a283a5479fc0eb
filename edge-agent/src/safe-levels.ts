#!/usr/bin/env node
/**
 * `safe-levels --config FILE` brings every output of every real gate to its configured safe level, and ends. For the service manager,
 * after the agent has ended in whatever way: it needs no credential, and imports little so that it starts fast.
 *
 * Through sysfs the levels stay. Through the character device the lines are given back when this ends: what they do then is up to kernel and
 * chip, and where they become inputs the pulls of board and wiring decide (docs/decisions/gpio.md).
 */
import { parseArgs } from 'node:util';
import { exitCodes, loadConfiguration, reportFatal } from '@gatehouse/shared/node';
import { z } from 'zod';
import { restoreSafeLevels } from './adapters/gpio-barrier/restore-safe-levels.js';

const gatesSchema = z.object({
  gates: z.array(
    z.object({ gateId: z.string(), barrier: z.object({ driver: z.string(), settings: z.unknown().optional() }) }),
  ),
});

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string', short: 'c' } } });
  if (values.config === undefined) throw new Error('usage: safe-levels --config FILE');
  const { gates } = loadConfiguration(gatesSchema, { file: values.config, environment: {}, variables: {} });
  const restored = await restoreSafeLevels(gates);
  for (const { gateId, levels, problems } of restored) {
    if (levels.length > 0) process.stdout.write(`gate ${gateId}: ${levels.join(', ')}\n`);
    for (const problem of problems) process.stderr.write(`gate ${gateId}: ${problem}\n`);
    if (problems.length > 0) process.exitCode = exitCodes.failure;
  }
  if (restored.length === 0) process.stdout.write('no gate is on real lines\n');
}

try {
  await main();
} catch (error) {
  reportFatal(error);
  process.exitCode = exitCodes.failure;
}
// The pollers of GPIO packages must not keep it alive.
process.exit();
