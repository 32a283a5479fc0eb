/** How an edge gets its credential: a one-time code is redeemed at the aggregator, and the answer kept in a private file. */
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeIssues, slugSchema } from '@gatehouse/shared/edge';
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import { z } from 'zod';
import { makeDirectory } from '@gatehouse/shared/node';
import { plaintextProblem } from './adapters/mqtt-link/index.js';

export const edgeCredentialSchema = z.object({
  siteId: slugSchema,
  edgeId: slugSchema,
  username: z.string().min(1).max(200),
  password: z.string().min(1).max(500),
  mqttUrl: z
    .string()
    .max(500)
    .refine((url) => /^mqtts?:\/\/\S+$/.test(url) && URL.canParse(url), {
      message: 'must be mqtt://HOST:PORT or mqtts://HOST:PORT',
    }),
});
export type EdgeCredential = z.output<typeof edgeCredentialSchema>;

/** The credential could not be got or read. `retryable`: the aggregator was not reached or not ready. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
  readonly retryable: boolean;

  constructor(message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.retryable = retryable;
  }
}

const answerTimeoutMs = 10_000;
const maxAnswerChars = 64 * 1024;
const maxCodeFileBytes = 1_024;

/** Redeems a code. @throws EnrolmentError saying what the aggregator said. */
export async function redeemCode(url: string, code: string, allowPlaintext: boolean): Promise<EdgeCredential> {
  const problem = plaintextProblem(url, allowPlaintext);
  if (problem !== undefined) throw new EnrolmentError(`${url}: ${problem}`, false);
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL('/api/v1/enrolments', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      redirect: 'error',
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    status = response.status;
    text = (await response.text()).slice(0, maxAnswerChars);
  } catch (error) {
    throw new EnrolmentError(`the aggregator at ${url} cannot be reached${whyNot(error)}`, true, { cause: error });
  }
  const answer = jsonOf(text);
  if (status < 200 || status > 299) {
    const retryable = status === 429 || status >= 500;
    throw new EnrolmentError(`the aggregator at ${url} refused the code: ${reasonOf(answer, status)}`, retryable);
  }
  const parsed = edgeCredentialSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new EnrolmentError(`the answer of ${url} is no credential: ${describeIssues(parsed.error)}`, false);
}

/** `fetch` hides the reason in the cause of what it throws. */
function whyNot(error: unknown): string {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code === undefined) return '';
  return /CERT(?!_ALTNAME)|SIGNATURE|ISSUER/.test(code)
    ? ` (${code}): its certificate is not trusted here; for an authority of your own set NODE_EXTRA_CA_CERTS=FILE`
    : ` (${code})`;
}

export function credentialPath(dataDir: string): string {
  return join(dataDir, 'credential.json');
}

/** Undefined if the edge is not enrolled yet. @throws EnrolmentError if the file cannot be used. */
export async function readCredential(dataDir: string, logger: Logger): Promise<EdgeCredential | undefined> {
  const path = credentialPath(dataDir);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EnrolmentError(`${path}: ${String(error)}`, false, { cause: error });
  }
  const parsed = edgeCredentialSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new EnrolmentError(`${path} is not usable (${describeIssues(parsed.error)}): enrol this edge again`, false);
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    logger.warn({ path }, 'others could read the credential; its mode is set to 0600, consider enrolling again');
    await chmod(path, 0o600);
  }
  return parsed.data;
}

/** To be called before a code is redeemed: it works once, so what it gives must have its place. @throws EnrolmentError */
export async function preparePlaceOfCredential(dataDir: string): Promise<void> {
  await keeping(dataDir, async (temporary) => {
    await (await open(temporary, 'w', 0o600)).close();
    await rm(temporary);
  });
}

/** Whole or not at all, readable by this user only. @throws EnrolmentError */
export async function writeCredential(dataDir: string, credential: EdgeCredential): Promise<string> {
  const path = credentialPath(dataDir);
  await keeping(dataDir, async (temporary) => {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(`${JSON.stringify(credential, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  });
  return path;
}

async function keeping(dataDir: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const path = credentialPath(dataDir);
  try {
    await makeDirectory(dataDir, 0o750);
    await write(`${path}.new`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const message = `the credential cannot be kept in ${path} (${code}): the data directory must be writable`;
    throw new EnrolmentError(message, false, { cause: error });
  }
}

export interface FirstEnrolmentOptions {
  readonly url: string;
  readonly codeFile: string;
  readonly allowPlaintext: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  readonly signal?: AbortSignal;
}

/** Waits for the code file and for the aggregator, with full jitter, until the code is redeemed or refused. */
export async function enrolAtFirstStart(options: FirstEnrolmentOptions): Promise<EdgeCredential> {
  let boundMs = options.retryMinMs ?? 500;
  for (;;) {
    try {
      const code = await readCode(options.codeFile);
      return await redeemCode(options.url, code, options.allowPlaintext);
    } catch (error) {
      if (!(error instanceof EnrolmentError) || !error.retryable || options.signal?.aborted === true) throw error;
      const waitMs = options.random.next() * boundMs;
      boundMs = Math.min(options.retryMaxMs ?? 30_000, boundMs * 2);
      options.logger.warn({ reason: error.message, retryInMs: Math.round(waitMs) }, 'not enrolled yet');
      await new Promise<void>((resolve) => {
        options.clock.setTimer(waitMs, resolve);
      });
    }
  }
}

async function readCode(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new EnrolmentError(`enrolment.codeFile: ${path} cannot be read`, missing, { cause: error });
  }
  const code = text.trim();
  if (code === '') throw new EnrolmentError(`enrolment.codeFile: ${path} is empty`, true);
  if (text.length > maxCodeFileBytes) throw new EnrolmentError(`enrolment.codeFile: ${path} holds no code`, false);
  return code;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(answer: unknown, status: number): string {
  const problem = z.object({ title: z.string().optional(), detail: z.string().optional() }).safeParse(answer);
  const said = problem.success ? (problem.data.detail ?? problem.data.title) : undefined;
  return said ?? `status ${String(status)}`;
}
