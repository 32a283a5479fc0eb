/** Whether an agent of this configuration runs on this machine. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunningAgent } from '../../doctor/broker.js';

const answerTimeoutMs = 2_500;

const pageSchema = z.object({
  siteId: z.string(),
  edgeId: z.string(),
  link: z.object({ up: z.boolean(), downReason: z.string().nullish() }),
});

export interface FoundAgent extends RunningAgent {
  readonly ownsPage: boolean;
}

export async function findAgent(edge: {
  readonly siteId: string;
  readonly edgeId: string;
  readonly dataDir: string;
  readonly http: { readonly host: string; readonly port: number | null };
}): Promise<FoundAgent | undefined> {
  const [pid, link] = await Promise.all([holderOf(edge.dataDir), linkByPage(edge)]);
  return pid === undefined && link === undefined ? undefined : { pid, link, ownsPage: link !== undefined };
}

/** The process that last opened the outbox, if it lives. After a reboot its number may be another's; that errs to caution. */
async function holderOf(dataDir: string): Promise<number | undefined> {
  let pid: number;
  try {
    pid = Number(await readFile(join(dataDir, 'outbox.pid'), 'utf8'));
  } catch {
    return undefined;
  }
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return (await programOf(pid)).includes('node') ? pid : undefined;
}

/** Where processes of other users are hidden, it is taken for an agent. */
async function programOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).split('\0')[0] ?? '';
  } catch {
    return 'node';
  }
}

async function linkByPage(edge: Parameters<typeof findAgent>[0]): Promise<RunningAgent['link']> {
  const { host, port } = edge.http;
  if (port === null || port === 0) return undefined;
  try {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const response = await fetch(`${pageUrlOf(host, port)}/healthz`, { signal, redirect: 'error' });
    const page = pageSchema.safeParse(await response.json());
    if (!page.success || page.data.siteId !== edge.siteId || page.data.edgeId !== edge.edgeId) return undefined;
    return { up: page.data.link.up, downReason: page.data.link.downReason ?? null };
  } catch {
    // Nobody there, or no agent: the port is looked at by itself.
    return undefined;
  }
}

/** How the page of an agent is reached from this machine. */
export function pageUrlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${String(port)}`;
}

/** The code of the error when nobody can listen there now, else undefined. */
export function listenProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}
