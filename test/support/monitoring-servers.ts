/** A real Prometheus, a real Alertmanager and somebody who takes its messages, on free ports of this machine, stopped with the test. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const startTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;

export interface RunningServer {
  readonly url: string;
  /** Its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a server that logs, as Prometheus’ programs do, where it listens. Rejects with its log when it does not. */
export async function startServer(program: string, args: readonly string[]): Promise<RunningServer> {
  const child = spawn(program, [...args, '--web.listen-address=127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const stop = (): Promise<void> => stopChild(child);
  try {
    const port = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${program} did not say where it listens:\n${log}`));
      }, startTimeoutMs);
      child.once('error', reject);
      child.once('exit', () => {
        clearTimeout(timer);
        reject(new Error(`${program} ended:\n${log}`));
      });
      child.stderr.on('data', () => {
        const found = /Listening on.* address=127\.0\.0\.1:(\d+)/.exec(log)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
    });
    return { url: `http://127.0.0.1:${port}`, log: () => log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

export interface Message {
  /** Where it was sent: the receiver. */
  readonly path: string;
  readonly body: {
    readonly status: string;
    readonly alerts: readonly {
      readonly status: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  };
}

/** A receiver of webhooks: keeps what it is sent. */
export async function startReceiver(): Promise<{ url: string; messages: Message[]; stop(): Promise<void> }> {
  const messages: Message[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      messages.push({ path: request.url ?? '', body: JSON.parse(text) as Message['body'] });
      response.end();
    });
  });
  return { url: await listen(server), messages, stop: () => close(server) };
}

/** A page of metrics for Prometheus to read. `text` is asked for at each scrape. */
export async function startExposition(text: () => string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4').end(text());
  });
  return { url: await listen(server), stop: () => close(server) };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
