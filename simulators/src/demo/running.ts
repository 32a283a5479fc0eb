/** What a running demonstration tells the command line about itself: where its agents are controlled, and what time it is there. */
import { join } from 'node:path';
import { z } from 'zod';
import { gateDirectionSchema, slugSchema } from '@gatehouse/shared';
import { readState } from './state-file.js';

export const runningSchema = z.strictObject({
  supervisorPid: z.int(),
  /** By name. */
  pids: z.record(z.string(), z.int()),
  api: z.url(),
  time: z.strictObject({ simulatedBaseMs: z.int(), realBaseMs: z.int(), factor: z.number().positive() }),
  edges: z.array(
    z.strictObject({
      edgeId: slugSchema,
      siteId: slugSchema,
      control: z.url(),
      /** Where it tells how it is; what was started by an older version has no such page. */
      page: z.url().optional(),
      gates: z.array(z.strictObject({ gateId: slugSchema, direction: gateDirectionSchema })),
    }),
  ),
});
export type Running = z.infer<typeof runningSchema>;

export function runningPath(dataDirectory: string): string {
  return join(dataDirectory, 'demo', 'running.json');
}

/** What runs out of this data directory, as far as it was written; undefined if nothing does. */
export function readRunning(dataDirectory: string): Running | undefined {
  const running = readState(runningPath(dataDirectory), runningSchema);
  return running !== undefined && isAlive(running.supervisorPid) ? running : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
