/** Somebody who asks the aggregator for the same pages at a fixed rate, as a Prometheus and a console do. */
import { Agent, request } from 'node:http';
import { serve } from '../serve.js';

export interface PollOptions {
  readonly port: number;
  /** Bearer key. */
  readonly key: string;
  readonly pages: readonly { readonly path: string; readonly perSecond: number }[];
}

/** How long the answers took, ms, by path; each from the moment at which it was due to be asked. */
export type PollAnswer = Readonly<Record<string, readonly number[]>>;

export function run(): void {
  serve((options: PollOptions) => {
    let pollers: Poller[] = [];
    return {
      begin: () => {
        pollers = options.pages.map((page) => createPoller(options, page));
      },
      end: async (): Promise<PollAnswer> =>
        Object.fromEntries(
          await Promise.all(pollers.map(async (poller) => [poller.path, await poller.end()] as const)),
        ),
    };
  });
}

interface Poller {
  readonly path: string;
  /** Asks no more; resolves when everything is answered. */
  end(): Promise<readonly number[]>;
}

function createPoller({ port, key }: PollOptions, page: PollOptions['pages'][number]): Poller {
  const { path, perSecond } = page;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const tookMs: number[] = [];
  const asked: Promise<void>[] = [];
  const beganMs = performance.now();
  let failure: Error | undefined;
  let timer: NodeJS.Timeout;

  const ask = (dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const fail = (error: Error): void => {
        failure ??= error;
        resolve();
      };
      const sent = request({ host: '127.0.0.1', port, path, agent, headers: { authorization: `Bearer ${key}` } });
      sent.on('error', fail);
      sent.on('response', (response) => {
        response.on('error', fail);
        response.on('data', () => undefined);
        response.on('end', () => {
          if (response.statusCode !== 200) fail(new Error(`${path}: ${String(response.statusCode)}`));
          tookMs.push(performance.now() - dueMs);
          resolve();
        });
      });
      sent.end();
    });

  const next = (): void => {
    const dueMs = beganMs + (asked.length * 1_000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) {
      timer = setTimeout(next, waitMs);
      return;
    }
    asked.push(ask(dueMs));
    next();
  };
  timer = setTimeout(next, 0);

  return {
    path,
    async end() {
      clearTimeout(timer);
      await Promise.all(asked);
      agent.destroy();
      if (failure !== undefined) throw failure;
      return tookMs;
    },
  };
}
